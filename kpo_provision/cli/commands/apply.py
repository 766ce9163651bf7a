"""``kpo-provision apply``."""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path

import click

from kpo_provision.cli.consent import require_consent, yes_option
from kpo_provision.cli.options import output_options, spec_argument, terraform_option
from kpo_provision.cli.reports import junit_option, timeout_option, write_report
from kpo_provision.cli.terminal import Terminal

EXAMPLES = """\b
Examples:
  kpo-provision apply kpo-provision.yaml
  kpo-provision apply kpo-provision.yaml -o json --junit-file report.xml"""


@click.command(
    "apply",
    short_help="Bring the cluster to what the spec says, and prove it.",
    epilog=EXAMPLES,
)
@spec_argument
@click.option("--take-over", is_flag=True, help="Become the manager of fields and namespaces that others manage.")
@click.option("--prune", is_flag=True, help="Delete the namespaces of tenants that are no longer in the spec.")
@click.option("--no-verify", is_flag=True, help="Do not launch probe pods afterwards.")
@timeout_option
@click.option("--force", is_flag=True, help="End KPO pods on hosts that leave, instead of waiting for them.")
@yes_option
@junit_option
@terraform_option
@output_options
@click.pass_obj
def command(  # noqa: PLR0913 - one parameter a flag
    terminal: Terminal,
    *,
    spec: Path,
    take_over: bool,
    prune: bool,
    no_verify: bool,
    force: bool,
    timeout_s: float,
    yes: bool,
    terraform_bin: str | None,
    junit_file: Path | None,
) -> int:
    """Create or mend everything that SPEC describes, then verify each tenant with a probe pod.

    Running it again changes nothing. A run that was interrupted is finished by the next one. Where a node pool goes
    on which KPO pods run, it names them and asks.
    """
    from kpo_provision import pipeline

    options = pipeline.ApplyOptions(take_over=take_over, prune=prune, verify=not no_verify, verify_timeout_s=timeout_s)
    decided = pipeline.decide(spec, terraform_bin=terraform_bin)
    with ExitStack() as held:
        with terminal.progress() as progress:
            prepared = held.enter_context(
                pipeline.prepare_apply(decided, environ=os.environ, progress=progress, force=force)
            )
        disruption = prepared.ahead.disruption
        if disruption.count:
            require_consent(
                f"This takes away nodes on which KPO pods run, and ends these: {disruption}",
                word=decided.plan.installation,
                yes=yes,
            )
        with terminal.progress() as progress:
            run_report = pipeline.apply(prepared, options, progress=progress)
    return write_report(terminal, run_report, junit_file=junit_file)
