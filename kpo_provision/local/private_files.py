"""Writes files that only their owner may read, whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

from kpo_provision import errors


def write_private(path: Path, content: str | bytes) -> None:
    """Replace ``path`` by ``content`` with mode 0600; a crash leaves the old file or the new one."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    data = content.encode() if isinstance(content, str) else content
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        partial.unlink(missing_ok=True)
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
            stream.write(data)
        partial.replace(path)
    except OSError as e:
        partial.unlink(missing_ok=True)
        raise errors.LocalClusterError(
            f"{path} cannot be written: {e.strerror}", hint="free space there, or choose another KPO_PROVISION_HOME"
        ) from e
