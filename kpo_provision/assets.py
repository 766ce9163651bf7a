"""Where templates, modules and main.tf are: beside the package in a checkout, inside it in a wheel."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).parent


def asset(name: str) -> Path:
    """Return the path of a shipped file or folder, such as ``templates``."""
    shipped = _PACKAGE / "_assets" / name
    return shipped if shipped.exists() else _PACKAGE.parent / name
