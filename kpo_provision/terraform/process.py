"""Runs one command of Terraform to its end, line by line, and stops it cleanly.

Its output goes to files without a name rather than through pipes: if this process is killed, a pipe would take
Terraform with it in the middle of a change, whereas so it finishes, saves its state and releases its lock. For the same
reason it has a session of its own: Ctrl-C reaches it once, through here, and not a second time from the terminal, which
would make it give up at once.
"""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

_POLL_S = 0.02
_TAIL_BYTES = 4096
_READ_BYTES = 1 << 20


class TimedOutError(Exception):
    """The command took longer than it may; it was interrupted and has ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """How a command ended. ``stderr_tail`` is the end of what it wrote to stderr."""

    returncode: int
    stderr_tail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How long a command may take, and how long it may take to stop once it was interrupted."""

    timeout_s: float
    stop_s: float


def run(
    argv: Sequence[str],
    folder: Path,
    *,
    environ: Mapping[str, str],
    limits: Limits,
    on_line: Callable[[str], None],
    on_start: Callable[[], None] = lambda: None,
) -> Finished:
    """Run a command, handing each line of stdout to ``on_line`` as it comes, and calling ``on_start`` before them all.

    Ctrl-C interrupts the command once and waits for its clean stop; a second one kills it. ``KeyboardInterrupt`` goes
    on to the caller in both cases.

    Raises:
        OSError: It cannot be started.
        TimedOutError: It took too long.
    """
    with tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
        lines = _Lines(stdout, on_line)
        with _started(argv, folder, environ=environ, stdout=stdout, stderr=stderr) as process:
            try:
                on_start()
                _follow(process, lines, timeout_s=limits.timeout_s)
            except (KeyboardInterrupt, TimedOutError):
                # It stops as cleanly as for Ctrl-C, which would be ignored where a shell started us in the background.
                process.terminate()
                try:
                    _follow(process, lines, timeout_s=limits.stop_s)
                except TimedOutError:
                    _kill(process)
                raise
        return Finished(returncode=process.returncode, stderr_tail=_read_tail(stderr))


@contextmanager
def _started(
    argv: Sequence[str], folder: Path, *, environ: Mapping[str, str], stdout: IO[bytes], stderr: IO[bytes]
) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        argv,
        cwd=folder,
        env=dict(environ),
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=stderr,
        start_new_session=True,
        umask=0o077,  # plan files and state may hold what is nobody else's business
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            _kill(process)


def _follow(process: subprocess.Popen[bytes], lines: _Lines, *, timeout_s: float) -> None:
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            process.wait(_POLL_S)
        except subprocess.TimeoutExpired:
            lines.forward()
            if time.monotonic() > deadline:
                raise TimedOutError from None
            continue
        lines.forward()
        lines.finish()
        return


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Kill the command with its plugins and provisioners, which are in its session."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


class _Lines:
    """The whole lines of a file that another process is still writing."""

    def __init__(self, file: IO[bytes], on_line: Callable[[str], None]) -> None:
        self._descriptor = file.fileno()
        self._on_line = on_line
        self._offset = 0
        self._rest = b""

    def forward(self) -> None:
        """Hand over what was completed since the last call."""
        # The file's own position belongs to the writer, with whom it is shared.
        while read := os.pread(self._descriptor, _READ_BYTES, self._offset):
            self._offset += len(read)
            *lines, self._rest = (self._rest + read).split(b"\n")
            for line in lines:
                self._on_line(line.decode(errors="replace"))

    def finish(self) -> None:
        """Hand over a last line that nobody ended."""
        rest, self._rest = self._rest, b""
        if rest:
            self._on_line(rest.decode(errors="replace"))


def _read_tail(file: IO[bytes]) -> str:
    size = os.fstat(file.fileno()).st_size
    tail = os.pread(file.fileno(), _TAIL_BYTES, max(size - _TAIL_BYTES, 0))
    return tail.decode(errors="replace").strip()
