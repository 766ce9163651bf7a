"""Where a path in a spec leads. Asks nobody whether something is there: whoever reads it says so."""

from __future__ import annotations

import os
from pathlib import Path


def resolve_path(written: str, *, base: Path) -> Path:
    """Return the path that a spec in the folder ``base`` means; ``~`` is somebody's home.

    An unknown ``~user`` stays as it is written, and is then not found, under the name that its author knows.
    """
    return base / os.path.expanduser(written)  # noqa: PTH111 - pathlib raises for an unknown user
