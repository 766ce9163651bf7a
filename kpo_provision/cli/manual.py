"""The command tree as documents: a manual page for ``man``, and a page of the documentation.

Both say what ``--help`` says. The manual page has no date, so that the same commands give the same bytes.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import click

from kpo_provision import __version__, errors
from kpo_provision.cli.app import app

_NAME = "kpo-provision"
_INDENT = re.compile(r"^  ", re.MULTILINE)
_PARAGRAPH_MARK = "\b"
_ENVIRONMENT = {
    "KPO_PROVISION_CACHE": "Where programs of the local cluster are kept; ~/.cache/kpo-provision when it is not set.",
    "KPO_PROVISION_HOME": "Where the local cluster lives.",
    "KUBECONFIG": "Where a cluster's login is found, if the spec names no file.",
    "NO_COLOR": "No colour, whatever its value.",
}
_EXIT_CODES = {
    errors.ExitCode.OK: "Done, and nothing is left to do.",
    errors.ExitCode.BUG: "A fault of our own.",
    errors.ExitCode.SPEC: "The spec is wrong, or the command line is.",
    errors.ExitCode.SIZING: "No node can hold what is promised.",
    errors.ExitCode.TERRAFORM: "Terraform failed.",
    errors.ExitCode.CLOUD: "A cloud or a registry refused, or cannot be reached.",
    errors.ExitCode.CLUSTER: "The cluster refused, or cannot be reached.",
    errors.ExitCode.VERIFICATION: "Applied, and not verified.",
    errors.ExitCode.CHANGES: "There are changes to make, or there is drift.",
    errors.ExitCode.INTERRUPTED: "Interrupted.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Command:
    """One command. ``options`` are pairs of how an option is written and what it does; ``examples`` are lines."""

    path: str
    usage: str
    paragraphs: tuple[str, ...]
    options: tuple[tuple[str, str], ...]
    examples: tuple[str, ...]


def render_man_page() -> str:
    """Render the manual page of all commands, in section 1."""
    lines = [
        f'.TH KPO-PROVISION 1 "" "kpo-provision {__version__}" "User Commands"',
        ".SH NAME",
        f"{_NAME} \\- {_escape(_lower_first(inspect.getdoc(app) or ''))}",
        ".SH SYNOPSIS",
        f".B {_escape(_NAME)}",
        ".I COMMAND",
        "[OPTIONS] [SPEC]",
        ".SH COMMANDS",
    ]
    for command in _list_commands():
        lines += [f".SS {_escape(command.path.removeprefix(_NAME).strip())}", ".nf", _escape(command.usage), ".fi"]
        for paragraph in command.paragraphs:
            lines += [".PP", _escape(paragraph)]
        for written, does in command.options:
            lines += [".TP", f".B {_escape(written)}", _escape(does)]
        if command.examples:
            lines += [".PP", "Examples:", ".PP", ".nf", *(f"  {_escape(line)}" for line in command.examples), ".fi"]
    lines += [".SH EXIT STATUS"]
    for code, meaning in _EXIT_CODES.items():
        lines += [".TP", f".B {int(code)}", _escape(meaning)]
    lines += [".SH ENVIRONMENT"]
    for name, meaning in _ENVIRONMENT.items():
        lines += [".TP", f".B {_escape(name)}", _escape(meaning)]
    return "\n".join(lines) + "\n"


def render_command_reference() -> str:
    """Render the page of the documentation about all commands, as Markdown."""
    parts = ["# Commands", "", "This page is made from the commands themselves; each says the same with `--help`.", ""]
    for command in _list_commands():
        parts += [f"## {command.path}", "", "```", command.usage, "```", ""]
        for paragraph in command.paragraphs:
            parts += [paragraph, ""]
        if command.options:
            parts += ["| Option | |", "|---|---|"]
            parts += [f"| `{_in_cell(written)}` | {_in_cell(does)} |" for written, does in command.options]
            parts += [""]
        if command.examples:
            parts += ["```", *command.examples, "```", ""]
    parts += ["## Exit codes", "", "| Code | |", "|---|---|"]
    parts += [f"| {int(code)} | {meaning} |" for code, meaning in _EXIT_CODES.items()]
    return "\n".join(parts) + "\n"


def _list_commands() -> Iterator[_Command]:
    yield from _walk(app, app.make_context(_NAME, [], resilient_parsing=True))


def _walk(group: click.Group, context: click.Context) -> Iterator[_Command]:
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command is None or command.hidden:
            continue
        below = click.Context(command, info_name=name, parent=context)
        if isinstance(command, click.Group):
            yield from _walk(command, below)
        else:
            yield _describe(command, below)


def _describe(command: click.Command, context: click.Context) -> _Command:
    return _Command(
        path=context.command_path,
        usage=" ".join([context.command_path, *command.collect_usage_pieces(context)]),
        paragraphs=tuple(_read_paragraphs(command.help or "")),
        options=tuple(
            record
            for parameter in command.get_params(context)
            if isinstance(parameter, click.Option) and (record := parameter.get_help_record(context))
        ),
        examples=tuple(_read_examples(command.epilog or "")),
    )


def _read_paragraphs(text: str) -> Iterator[str]:
    for paragraph in inspect.cleandoc(text).split("\n\n"):
        if paragraph.strip() and _PARAGRAPH_MARK not in paragraph:
            yield " ".join(paragraph.split())


def _read_examples(epilog: str) -> Sequence[str]:
    """Take the lines below the heading, which click shows as they are."""
    lines = epilog.replace(_PARAGRAPH_MARK, "").strip("\n").splitlines()
    return [_INDENT.sub("", line) for line in lines[1:]] if lines and lines[0].startswith("Example") else []


def _lower_first(text: str) -> str:
    first = text.partition("\n")[0].rstrip(".")
    return first[:1].lower() + first[1:]


def _escape(text: str) -> str:
    """Write text for roff: what begins a request, and what it would make of backslashes and hyphens."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{escaped}" if escaped.startswith((".", "'")) else escaped


def _in_cell(text: str) -> str:
    return text.replace("|", "\\|")
