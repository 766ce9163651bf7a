"""Writes files whole or not at all: a crash leaves the old file or the new one."""

from __future__ import annotations

import os
from pathlib import Path

PRIVATE = 0o600
"""For what only its owner may read."""


def replace_file(path: Path, content: bytes, *, mode: int) -> None:
    """Replace ``path`` by ``content``; ``mode`` is that of the new file, less the umask.

    Raises:
        OSError: It cannot be written; nothing is left of the attempt.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        partial.unlink(missing_ok=True)
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as stream:
            stream.write(content)
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
