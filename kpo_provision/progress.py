"""How long-running steps say what they are doing, without knowing who listens.

Only ``cli`` prints. A step reports to a ``Progress``; the terminal, a log file or nobody may be behind it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol


class Step(Protocol):
    """One running step."""

    def advance(self, by: int = 1) -> None:
        """Count ``by`` more of the step's total as done."""

    def say(self, detail: str) -> None:
        """Show what the step is busy with now; it replaces what was said before."""


class Progress(Protocol):
    """Where steps are announced. Steps may run side by side, from several threads."""

    @contextmanager
    def step(self, title: str, *, total: int | None = None) -> Iterator[Step]:
        """Announce a step ("Apply tenants"); leaving the context ends it, an exception marks it failed."""
        ...


class _SilentStep:
    def advance(self, by: int = 1) -> None:
        pass

    def say(self, detail: str) -> None:
        pass


class Silent:
    """A ``Progress`` that tells nobody."""

    @contextmanager
    def step(self, title: str, *, total: int | None = None) -> Iterator[Step]:  # noqa: ARG002
        """Run the step quietly."""
        yield _SilentStep()
