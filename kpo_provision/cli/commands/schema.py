"""``kpo-provision schema``."""

from __future__ import annotations

import click

from kpo_provision.cli.terminal import Terminal


@click.command(
    "schema",
    short_help="Print the JSON Schema of a spec, for editors.",
    epilog="\b\nExample:\n  kpo-provision schema > kpo-provision.schema.json",
)
@click.pass_obj
def command(terminal: Terminal) -> None:
    """Print the JSON Schema (2020-12) of a spec. Editors read it through the spec's first line."""
    from kpo_provision.spec.schema import render_schema

    terminal.write_json(render_schema())
