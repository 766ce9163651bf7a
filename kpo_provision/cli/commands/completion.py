"""``kpo-provision completion``."""

from __future__ import annotations

import click

from kpo_provision.cli.terminal import Terminal

_VARIABLE = "_KPO_PROVISION_COMPLETE"
"""By which the script asks; click derives it from the program's name."""


@click.command(
    "completion",
    short_help="Print what has a shell complete commands, specs and tenants.",
    epilog="\b\nExamples:\n"
    "  kpo-provision completion bash >~/.local/share/bash-completion/completions/kpo-provision\n"
    '  kpo-provision completion zsh >"${fpath[1]}/_kpo-provision"\n'
    "  kpo-provision completion fish >~/.config/fish/completions/kpo-provision.fish",
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(context: click.Context, shell: str) -> None:
    """Print a script for SHELL that completes commands, options, specs and the names of tenants.

    Put it where the shell looks for such scripts, and start a new one.
    """
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    assert kind is not None  # noqa: S101  click knows the shells that are offered
    terminal = context.ensure_object(Terminal)
    terminal.write(kind(context.find_root().command, {}, "kpo-provision", _VARIABLE).source())
