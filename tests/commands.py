"""Runs commands of kpo-provision as users do, without starting Python and importing the package for each.

For tests of what a command does. Those of how it starts, is killed or runs as somebody else start a process.
"""

from __future__ import annotations

import contextlib
import io
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from kpo_provision import cli

_OF_THE_TERMINAL = {"FORCE_COLOR", "NO_COLOR"}


class Answer:
    """Exit code and streams of a command that has ended."""

    def __init__(self, returncode: int, stdout: str, stderr: str) -> None:
        self.returncode = returncode
        self.stdout = stdout
        self.stderr = stderr


def run(*arguments: str, cwd: Path | None = None, environ: Mapping[str, str] = os.environ) -> Answer:
    """Run a command to its end, in a folder, with ``environ`` for its environment and nobody at the terminal."""
    environment = {name: value for name, value in environ.items() if name not in _OF_THE_TERMINAL}
    before = signal.getsignal(signal.SIGTERM)
    out, err = _open_stream(), _open_stream()
    with (
        Path(os.devnull).open() as nothing,
        pytest.MonkeyPatch.context() as patch,
        contextlib.chdir(cwd or Path.cwd()),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        patch.setattr(sys, "stdin", nothing)
        for name in os.environ.keys() - environment.keys():
            patch.delenv(name)
        for name, value in environment.items():
            patch.setenv(name, value)
        try:
            cli.main(arguments)
        except SystemExit as e:
            returncode = int(e.code or 0)
        finally:
            signal.signal(signal.SIGTERM, before)
    return Answer(returncode, _read(out), _read(err))


def _open_stream() -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)


def _read(stream: io.TextIOWrapper) -> str:
    stream.seek(0)
    return stream.read()
