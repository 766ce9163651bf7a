"""Names a few of many, for a sentence that a person reads."""

from __future__ import annotations

from collections.abc import Sequence

_FEW = 5


def name_few(names: Sequence[str], *, few: int = _FEW) -> str:
    """Write the first ``few`` names and count the others: ``a, b and 3 more``."""
    more = f" and {len(names) - few} more" if len(names) > few else ""
    return ", ".join(names[:few]) + more
