"""The command tree: which commands there are, in the order in which a user meets them."""

from __future__ import annotations

import os
from pathlib import Path

import click

from kpo_provision import __version__
from kpo_provision.cli.commands import (
    apply,
    bundle,
    catalog,
    completion,
    destroy,
    init,
    local,
    plan,
    render,
    runbook,
    schema,
    size,
    status,
    token,
    validate,
    verify,
)
from kpo_provision.cli.terminal import Terminal

_EPILOG = """\b
First steps:
  kpo-provision init --target local     write a commented spec
  kpo-provision apply kpo-provision.yaml    create it, prove it with a probe pod
\b
Exit codes: 0 ok, 1 our own fault, 2 bad spec or usage, 3 cannot be sized,
4 Terraform, 5 cloud or registry, 6 cluster, 7 applied but not verified,
8 changes or drift found, 130 interrupted."""


class OrderedGroup(click.Group):
    """A group that lists its commands in the order in which they were added."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Return the names, unsorted."""
        return list(self.commands)


@click.group(
    cls=OrderedGroup,
    epilog=_EPILOG,
    context_settings={"help_option_names": ["-h", "--help"]},
    invoke_without_command=True,
)
@click.version_option(__version__, "-V", "--version", message="%(prog)s %(version)s")
@click.option(
    "-o",
    "--output",
    type=click.Choice(["text", "json"]),
    default=None,
    help="What stdout carries when no command is named; a command has an option of its own.",
)
@click.pass_context
def app(context: click.Context, output: str | None) -> None:
    """Make KubernetesPodOperator just work: pools, tenants, quotas and registry secrets, proven by a probe pod."""
    if context.invoked_subcommand is not None:
        if output is not None:
            raise click.UsageError(f"-o goes after the command: kpo-provision {context.invoked_subcommand} -o {output}")
        return
    from kpo_provision.cli import next_step

    terminal = context.ensure_object(Terminal)
    advice = next_step.advise(Path.cwd(), environ=os.environ)
    if output == "json":
        terminal.write_json(next_step.describe_advice(advice))
    else:
        terminal.write("\n".join(next_step.render_advice(advice)))


for module in (
    init,
    validate,
    schema,
    size,
    render,
    runbook,
    plan,
    apply,
    verify,
    status,
    destroy,
    catalog,
    bundle,
    token,
    local,
    completion,
):
    app.add_command(module.command)
