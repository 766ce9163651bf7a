"""``kpo-provision plan``."""

from __future__ import annotations

import os
from pathlib import Path

import click

from kpo_provision.cli.options import output_options, spec_argument, terraform_option
from kpo_provision.cli.reports import make_layout
from kpo_provision.cli.terminal import Terminal


@click.command(
    "plan",
    short_help="Show what apply would change; exit 8 when it would.",
    epilog="\b\nExample:\n  kpo-provision plan kpo-provision.yaml",
)
@spec_argument
@terraform_option
@output_options
@click.pass_obj
def command(terminal: Terminal, *, spec: Path, terraform_bin: str | None) -> int:
    """Compare the cluster with SPEC and show what `apply` would do. Changes nothing. Exit code 8 means changes.

    For GKE, Terraform plans the node pools; each is a line of a table.
    """
    from kpo_provision import pipeline

    decided = pipeline.decide(spec, terraform_bin=terraform_bin)
    with terminal.progress() as progress:
        seen = pipeline.preview(decided, environ=os.environ, progress=progress)
    from kpo_provision import report  # when Terraform has run

    if terminal.is_json:
        terminal.write(report.render_changes_json(seen.changes, target=seen.target, ahead=seen.ahead))
    else:
        layout = make_layout(terminal)
        terminal.write(report.render_changes_text(seen.changes, target=seen.target, layout=layout, ahead=seen.ahead))
    return report.exit_code_of_preview(seen.changes, pools_differ=not seen.ahead.is_empty)
