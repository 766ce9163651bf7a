"""One command at a time changes a local cluster."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from kpo_provision import errors, file_lock
from kpo_provision.progress import Progress


@contextmanager
def hold_lock(path: Path, progress: Progress) -> Iterator[None]:
    """Hold the lock at ``path``; the kernel gives it back however this process ends.

    Raises:
        errors.LocalClusterError: The folder of the lock cannot be used.
    """
    with ExitStack() as held:
        try:
            held.enter_context(file_lock.hold_lock(path, whose="the local cluster", progress=progress))
        except OSError as e:
            raise errors.LocalClusterError(
                f"{path.parent} cannot be used: {e.strerror}", hint="run as root, or choose another folder for it"
            ) from e
        yield
