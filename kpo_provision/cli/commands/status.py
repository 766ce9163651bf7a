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
    with terminal.progress() as progress, progress.step("Read the cluster"):
        cluster, changes = pipeline.preview(decided, environ=os.environ)
    if terminal.is_json:
        terminal.write(report.render_status_json(decided.plan, changes, target=cluster.description))
    else:
        terminal.write(report.render_status_text(decided.plan, changes, target=cluster.description))
    return report.exit_code_of_preview(changes)
