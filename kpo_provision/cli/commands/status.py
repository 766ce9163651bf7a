"""``kpo-provision status``."""

from __future__ import annotations

import os
from pathlib import Path

import click

from kpo_provision.cli.options import output_options, spec_argument
from kpo_provision.cli.terminal import Terminal


@click.command(
    "status",
    short_help="Show each tenant's state; exit 8 on drift.",
    epilog="\b\nExample:\n  kpo-provision status kpo-provision.yaml",
)
@spec_argument
@output_options
@click.pass_obj
def command(terminal: Terminal, spec: Path) -> int:
    """Show, tenant by tenant, whether the cluster is what SPEC says. Changes nothing. Exit code 8 means drift."""
    from kpo_provision import pipeline, report

    decided = pipeline.decide(spec)
    with terminal.progress() as progress:
        status = pipeline.read_status(decided, environ=os.environ, progress=progress)
    render = report.render_status_json if terminal.is_json else report.render_status_text
    terminal.write(render(decided.plan, status.changes, target=status.target, drift=status.drift))
    return report.exit_code_of_preview(status.changes, pools_differ=bool(status.drift))
