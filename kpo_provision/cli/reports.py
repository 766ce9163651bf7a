"""How the report of a run reaches stdout and files."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from kpo_provision import errors
from kpo_provision.cli.terminal import Terminal

if TYPE_CHECKING:
    from kpo_provision import report
    from kpo_provision.report.layout import Layout

F = TypeVar("F", bound=Callable[..., Any])

MAX_WIDTH = 120
"""Longer lines are hard to read."""


def junit_option(function: F) -> F:
    """Add ``--junit-file``."""
    return click.option(
        "--junit-file",
        type=click.Path(path_type=Path, dir_okay=False),
        default=None,
        help="Also write the checks as JUnit XML.",
    )(function)


def timeout_option(function: F) -> F:
    """Add ``--timeout``."""
    return click.option(
        "--timeout",
        "timeout_s",
        type=click.FloatRange(min=1),
        default=120,
        show_default=True,
        metavar="SECONDS",
        help="How long one probe pod may take.",
    )(function)


def make_layout(terminal: Terminal) -> Layout:
    """Say how to write lines for stdout as it is: its width, its characters, its colours."""
    from kpo_provision.report.layout import Layout

    plain_marks = (sys.stdout.encoding or "").lower().replace("-", "") != "utf8"
    width = min(MAX_WIDTH, shutil.get_terminal_size((MAX_WIDTH, 0)).columns)
    return Layout(colour=terminal.colour_out, ascii_only=plain_marks, width=width)


def write_report(terminal: Terminal, run_report: report.RunReport, *, junit_file: Path | None) -> int:
    """Show ``run_report`` and return the exit code it stands for."""
    from kpo_provision import report

    if terminal.is_json:
        terminal.write(report.render_json(run_report))
    else:
        shown = make_layout(terminal)
        terminal.write(
            report.render_text(run_report, colour=shown.colour, ascii_only=shown.ascii_only, width=shown.width)
        )
    if junit_file is not None:
        try:
            junit_file.write_text(
                report.render_junit(run_report.checks, name=run_report.installation), encoding="utf-8"
            )
        except OSError as e:
            raise errors.UsageError(f"{junit_file} cannot be written: {e.strerror}") from e
    return run_report.exit_code
