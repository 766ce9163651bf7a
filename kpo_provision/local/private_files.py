"""Writes files that only their owner may read, whole or not at all."""

from __future__ import annotations

from pathlib import Path

from kpo_provision import errors
from kpo_provision.whole_files import PRIVATE, replace_file


def write_private(path: Path, content: str | bytes) -> None:
    """Replace ``path`` by ``content`` with mode 0600; a crash leaves the old file or the new one."""
    data = content.encode() if isinstance(content, str) else content
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        replace_file(path, data, mode=PRIVATE)
    except OSError as e:
        raise errors.LocalClusterError(
            f"{path} cannot be written: {e.strerror}", hint="free space there, or choose another KPO_PROVISION_HOME"
        ) from e
