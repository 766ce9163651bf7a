"""``kpo-provision validate``."""

from __future__ import annotations

from pathlib import Path

import click

from kpo_provision.cli.options import output_options, spec_argument
from kpo_provision.cli.terminal import Terminal


@click.command(
    "validate",
    short_help="Check a spec; needs no cluster.",
    epilog="\b\nExample:\n  kpo-provision validate kpo-provision.yaml",
)
@spec_argument
@output_options
@click.pass_obj
def command(terminal: Terminal, spec: Path) -> None:
    """Check SPEC and show every problem at once, each with its line. Needs no cluster and no credentials."""
    from kpo_provision import pipeline
    from kpo_provision.report.sizing_amounts import render_count

    decided = pipeline.decide(spec)
    if terminal.is_json:
        terminal.write_json(
            {
                "schema": "kpo-provision/validation/v1",
                "valid": True,
                "installation": decided.plan.installation,
                "tenants": len(decided.plan.tenants),
                "nodePools": len(decided.plan.pools),
            }
        )
        return
    terminal.write(
        f"{spec}: valid: installation {decided.plan.installation}, "
        f"{render_count(len(decided.plan.tenants), 'tenant')}, {render_count(len(decided.plan.pools), 'node pool')}"
    )
