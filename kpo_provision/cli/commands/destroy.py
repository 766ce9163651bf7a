"""``kpo-provision destroy``."""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kpo_provision import errors
from kpo_provision.cli.consent import require_consent, yes_option
from kpo_provision.cli.options import output_options, spec_argument, terraform_option
from kpo_provision.cli.reports import make_layout
from kpo_provision.cli.terminal import Terminal
from kpo_provision.enumeration import name_few

if TYPE_CHECKING:
    from kpo_provision.pipeline import Prepared


@click.command(
    "destroy",
    short_help="Remove every tenant of the installation, and the node pools made for it.",
    epilog="\b\nExample:\n  kpo-provision destroy kpo-provision.yaml --yes",
)
@spec_argument
@click.option("--force", is_flag=True, help="End KPO pods on hosts that leave, instead of waiting for them.")
@yes_option
@terraform_option
@output_options
@click.pass_obj
def command(terminal: Terminal, *, spec: Path, force: bool, yes: bool, terraform_bin: str | None) -> int:
    """Delete everything that carries the installation's label: first what lets Airflow in, then the namespaces.

    Node pools that were made for it go last, and so does the cluster where the spec had it made.
    """
    from kpo_provision import pipeline, report

    decided = pipeline.decide(spec, terraform_bin=terraform_bin)
    with ExitStack() as held:
        with terminal.progress() as progress:
            prepared = held.enter_context(
                pipeline.prepare_destroy(decided, environ=os.environ, progress=progress, force=force)
            )
        require_consent(f"This deletes {_name_all(prepared)}", word=decided.plan.installation, yes=yes)
        with terminal.progress() as progress:
            changes = pipeline.destroy(prepared, progress=progress)
    if terminal.is_json:
        terminal.write(report.render_changes_json(changes, target=decided.plan.installation))
    else:
        layout = make_layout(terminal)
        terminal.write(report.render_changes_text(changes, target=decided.plan.installation, layout=layout))
    return errors.ExitCode.CLUSTER if changes.failures else errors.ExitCode.OK


def _name_all(prepared: Prepared) -> str:
    namespaces = [tenant.namespace for tenant in prepared.decided.plan.tenants]
    doomed = [*namespaces, *(f"{change.kind} {change.name}" for change in prepared.ahead.changes)]
    disruption = prepared.ahead.disruption
    ended = f"; KPO pods run there, and end: {disruption}" if disruption.count else ""
    return f"{name_few(doomed)}, and all that runs there{ended}"
