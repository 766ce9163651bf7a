"""``kpo-provision destroy``."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from kpo_provision import errors
from kpo_provision.cli.options import output_options, spec_argument
from kpo_provision.cli.terminal import Terminal


@click.command(
    "destroy",
    short_help="Remove every tenant of the installation.",
    epilog="\b\nExample:\n  kpo-provision destroy kpo-provision.yaml --yes",
)
@spec_argument
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@output_options
@click.pass_obj
def command(terminal: Terminal, *, spec: Path, yes: bool) -> int:
    """Delete everything that carries the installation's label: first what lets Airflow in, then the namespaces."""
    from kpo_provision import pipeline, report

    decided = pipeline.decide(spec)
    if not yes:
        _ask(decided.plan.installation, [tenant.namespace for tenant in decided.plan.tenants])
    with terminal.progress() as progress:
        changes = pipeline.destroy(decided, environ=os.environ, progress=progress)
    if terminal.is_json:
        terminal.write(report.render_changes_json(changes, target=decided.plan.installation))
    else:
        terminal.write(
            report.render_changes_text(changes, target=decided.plan.installation, colour=terminal.colour_out)
        )
    return errors.ExitCode.CLUSTER if changes.failures else errors.ExitCode.OK


def _ask(installation: str, namespaces: list[str]) -> None:
    if not sys.stdin.isatty():
        raise errors.UsageError("destroy deletes namespaces and needs a yes", hint="pass --yes")
    shown = ", ".join(namespaces[:5]) + (f" and {len(namespaces) - 5} more" if len(namespaces) > 5 else "")
    answer = click.prompt(f"This deletes {shown} and all that runs there. Type {installation} to go on", err=True)
    if answer != installation:
        raise errors.UsageError("not confirmed; nothing was deleted")
