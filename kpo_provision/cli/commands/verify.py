"""``kpo-provision verify``."""

from __future__ import annotations

import os
from pathlib import Path

import click

from kpo_provision.cli.options import output_options, spec_argument, tenant_option
from kpo_provision.cli.reports import junit_option, timeout_option, write_report
from kpo_provision.cli.terminal import Terminal

EXAMPLES = """\b
Examples:
  kpo-provision verify kpo-provision.yaml
  kpo-provision verify --tenant frigid-vacuum-0996 --junit-file report.xml"""


@click.command(
    "verify",
    short_help="Prove each tenant with a probe pod; exit 7 when one fails.",
    epilog=EXAMPLES,
)
@spec_argument
@tenant_option
@timeout_option
@junit_option
@output_options
@click.pass_obj
def command(
    terminal: Terminal, *, spec: Path, tenants: tuple[str, ...], timeout_s: float, junit_file: Path | None
) -> int:
    """Make the calls that KubernetesPodOperator makes, as each tenant's own worker, with a real probe pod."""
    from kpo_provision import pipeline

    decided = pipeline.decide(spec)
    with terminal.progress() as progress:
        run_report = pipeline.prove(decided, only=tenants, timeout_s=timeout_s, environ=os.environ, progress=progress)
    return write_report(terminal, run_report, junit_file=junit_file)
