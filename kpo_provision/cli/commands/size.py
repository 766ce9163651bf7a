"""``kpo-provision size``: the nodes that hold a spec, or one node on its own."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TypedDict, Unpack

import click

from kpo_provision.cli.commands import size_node
from kpo_provision.cli.options import output_options, spec_argument
from kpo_provision.cli.reports import make_layout
from kpo_provision.cli.terminal import Terminal

_SPEC = "SPEC"
"""Name of the command that takes a spec; nobody types it."""
EXAMPLES = """\b
Examples:
  kpo-provision size kpo-provision.yaml --platform gke --version 1.34
  kpo-provision size kpo-provision.yaml --pool standard --compare 5
  kpo-provision size kpo-provision.yaml --observe
  kpo-provision size node --platform gke --machine n2-standard-4 -o json"""


class _Wanted(TypedDict):
    platform: str | None
    version: str | None
    pool: str | None


class _SpecOrNode(click.Group):
    """A group whose first word is a spec unless it is one of its commands; its help is that of the spec's command."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the spec's command before its arguments."""
        if not args or args[0] not in (*self.commands, *ctx.help_option_names):
            args = [_SPEC, *args]
        return super().parse_args(ctx, args)

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        """Return what stands behind the name in the usage line."""
        return self.commands[_SPEC].collect_usage_pieces(ctx)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Show the options of the spec's command, then the other commands."""
        click.Command.format_options(self.commands[_SPEC], ctx, formatter)
        self.format_commands(ctx, formatter)


@click.group(
    "size", cls=_SpecOrNode, short_help="Say which nodes hold a spec, why, and what they cost.", epilog=EXAMPLES
)
def command() -> None:
    """Say which nodes hold what SPEC promises its tenants: machine, counts, cost, and the reason for every number.

    Needs no cluster and no credentials, unless --observe is given. Exit code 3 means that nothing holds it.
    """


@command.command(_SPEC, hidden=True)
@spec_argument
@click.option(
    "--platform", type=click.Choice(size_node.PLATFORMS), help="Who installs the nodes, over sizing.platform."
)
@click.option("--version", metavar="VERSION", help="Version of the nodes, over sizing.version, such as 1.34.")
@click.option("--pool", metavar="NAME", help="Only this node pool.")
@click.option(
    "--compare", type=click.IntRange(0, 50), default=3, show_default=True, metavar="N", help="Show N alternatives."
)
@click.option("--observe", is_flag=True, help="Read the live nodes, plan with them, and show where the model errs.")
@output_options
@click.pass_obj
def size_spec(terminal: Terminal, *, spec: Path, compare: int, observe: bool, **wanted: Unpack[_Wanted]) -> None:
    """Say which nodes hold what SPEC promises."""
    from kpo_provision import planning
    from kpo_provision.report.sizing_document import render_size_json
    from kpo_provision.report.sizing_text import render_size_text
    from kpo_provision.sizing.node import Platform
    from kpo_provision.sizing.pools import SizeOptions

    platform = wanted["platform"]
    options = SizeOptions(
        platform=Platform(platform) if platform else None,
        version=wanted["version"],
        pool=wanted["pool"],
        compare=compare,
    )
    if observe:
        with terminal.progress() as progress, progress.step("Read the nodes"):
            size = planning.size_observed(spec, options, environ=os.environ)
    else:
        size = planning.size_pools(spec, options)
    if terminal.is_json:
        terminal.write(render_size_json(size))
        return
    terminal.write(render_size_text(size, layout=make_layout(terminal)))


command.add_command(size_node.command)
