"""One command at a time changes a local cluster; the second waits, and says so."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from kpo_provision import errors
from kpo_provision.progress import Progress


@contextmanager
def hold_lock(path: Path, progress: Progress) -> Iterator[None]:
    """Hold the lock at ``path``; the kernel gives it back however this process ends."""
    while True:
        with _open(path) as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                with progress.step("Wait for another command that works on the local cluster"):
                    fcntl.flock(lock, fcntl.LOCK_EX)
            # Whoever held it may have removed the folder with all that is in it: then this is a lock of nothing.
            if path.exists() and os.path.samestat(path.stat(), os.fstat(lock.fileno())):
                yield
                return


def _open(path: Path) -> TextIO:
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        return path.open("w")
    except OSError as e:
        raise errors.LocalClusterError(
            f"{path.parent} cannot be used: {e.strerror}", hint="run as root, or choose another folder for it"
        ) from e
