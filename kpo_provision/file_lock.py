"""One process at a time works on a folder; the second waits, and says so."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kpo_provision.progress import Progress


@contextmanager
def hold_lock(path: Path, *, whose: str, progress: Progress) -> Iterator[None]:
    """Hold the lock at ``path``, whose folder is made; the kernel gives it back however this process ends.

    Args:
        path: The file to lock.
        whose: What is worked on ("the local cluster"), for whoever has to wait.
        progress: Who is told that it is waited for.

    Raises:
        OSError: The file cannot be made.
    """
    while True:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with path.open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                with progress.step(f"Wait for another command that works on {whose}"):
                    fcntl.flock(lock, fcntl.LOCK_EX)
            # Whoever held it may have removed the folder with all that is in it: then this is a lock of nothing.
            if path.exists() and os.path.samestat(path.stat(), os.fstat(lock.fileno())):
                yield
                return
