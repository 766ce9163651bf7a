"""What the user sees: data on stdout, everything else on stderr, colour only where it is wanted."""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TextIO

from kpo_provision import errors, progress
from kpo_provision.cli.steps import LineProgress, LiveProgress, StepLog

_ERROR_SCHEMA = "kpo-provision/error/v1"


def _wants_colour(environ: Mapping[str, str], stream: TextIO) -> bool:
    if environ.get("NO_COLOR"):
        return False
    if environ.get("FORCE_COLOR"):
        return True
    return bool(stream.isatty()) and environ.get("TERM") != "dumb"


class Terminal:
    """The two output streams and how the user wants them used."""

    def __init__(self, *, colour_out: bool, colour_err: bool, interactive: bool) -> None:
        self.colour_out = colour_out
        self.colour_err = colour_err
        self.is_json = False
        self._interactive = interactive
        self._quiet = False
        self._steps = StepLog()
        self.next_command = ""
        """What the user is told to run after an interruption."""

    @classmethod
    def from_environment(cls) -> Terminal:
        """Judge the streams of this process."""
        return cls(
            colour_out=_wants_colour(os.environ, sys.stdout),
            colour_err=_wants_colour(os.environ, sys.stderr),
            interactive=sys.stderr.isatty() and os.environ.get("TERM") != "dumb" and not os.environ.get("CI"),
        )

    def use_format(self, name: str) -> None:
        """Choose what stdout carries: ``text`` or ``json``."""
        self.is_json = name == "json"

    def refuse_colour(self) -> None:
        """Use no colour on either stream."""
        self.colour_out = self.colour_err = False

    def refuse_progress(self) -> None:
        """Say nothing but results and errors."""
        self._quiet = True

    @contextmanager
    def progress(self) -> Iterator[progress.Progress]:
        """Show the steps that run inside."""
        if self._quiet:
            yield progress.Silent()
        elif self._interactive:
            with LiveProgress(self._steps, colour=self.colour_err) as live:
                yield live
        else:
            yield LineProgress(self._steps)

    def write(self, text: str) -> None:
        """Write a result to stdout as it is."""
        sys.stdout.write(text if text.endswith("\n") else text + "\n")
        sys.stdout.flush()

    def write_json(self, document: Mapping[str, Any]) -> None:
        """Write a JSON document to stdout."""
        self.write(json.dumps(document, indent=2, ensure_ascii=False))

    def say(self, text: str) -> None:
        """Tell the user something that is no result."""
        if not self._quiet:
            sys.stderr.write(text + "\n")

    def fail(self, error: errors.KpoProvisionError) -> int:
        """Show an error, and return its exit code."""
        if self.is_json:
            self.write_json(_error_document(error))
        sys.stderr.write(f"{self._red('error:')} {error}\n")
        if error.hint:
            sys.stderr.write(f"  hint: {error.hint}\n")
        return error.exit_code

    def show_interruption(self) -> None:
        """Say what was done before Ctrl-C, and what to run next."""
        message, steps = "interrupted; nothing is left half open", self._steps.summary()
        if self.is_json:
            self.write_json(
                {
                    "schema": _ERROR_SCHEMA,
                    "error": "Interrupted",
                    "message": message,
                    "hint": f"go on with: {self.next_command}",
                    "exitCode": int(errors.ExitCode.INTERRUPTED),
                    "steps": list(steps),
                }
            )
        sys.stderr.write("\n" + "\n  ".join([message, *steps, f"next: {self.next_command}"]) + "\n")

    def show_bug(self, error: Exception) -> int:
        """Show a fault of our own, with its traceback."""
        traceback.print_exception(error, file=sys.stderr)
        sys.stderr.write(
            f"{self._red('error:')} this is a fault in kpo-provision ({type(error).__name__}); "
            "please open an issue with the lines above\n"
        )
        return errors.ExitCode.BUG

    def _red(self, text: str) -> str:
        return f"\x1b[1;31m{text}\x1b[0m" if self.colour_err else text


def _error_document(error: errors.KpoProvisionError) -> dict[str, Any]:
    document: dict[str, Any] = {
        "schema": _ERROR_SCHEMA,
        "error": type(error).__name__,
        "message": str(error),
        "hint": error.hint,
        "exitCode": int(error.exit_code),
    }
    if isinstance(error, errors.SpecError):
        document["issues"] = [
            {
                "path": issue.path,
                "problem": issue.problem,
                "value": issue.value,
                "allowed": issue.allowed,
                "file": issue.file,
                "line": issue.line,
                "column": issue.column,
            }
            for issue in error.issues
        ]
    return document
