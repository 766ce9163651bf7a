"""Progress on stderr: one live line a step on a terminal, one printed line an event elsewhere."""

from __future__ import annotations

import sys
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Self

from kpo_provision.progress import Step

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress

QUIET_PERIOD_S = 10.0
"""A printed step that is still running says so this often, which is Terraform's own rhythm."""


class StepLog:
    """Which steps ended, and how; kept for the words after an interruption."""

    def __init__(self) -> None:
        self._ended: list[str] = []
        self._lock = threading.Lock()

    def record(self, title: str, *, done: bool, count: str) -> None:
        """Note that a step ended, and how far it had come."""
        with self._lock:
            self._ended.append(f"done: {title}" if done else f"stopped: {title}{count}")

    def summary(self) -> tuple[str, ...]:
        """Return a line a step."""
        return tuple(self._ended)


class _CountedStep(ABC):
    """A step that knows how far it is; how that is shown is for its subclasses."""

    def __init__(self, title: str, total: int | None) -> None:
        self.title = title
        self._total = total
        self._done = 0
        self._lock = threading.Lock()
        self._detail = ""

    @property
    def count(self) -> str:
        """How much of the total is done, with a space before it; empty without a total."""
        return f" {self._done}/{self._total}" if self._total else ""

    def advance(self, by: int = 1) -> None:
        """Count ``by`` more as done."""
        with self._lock:
            self._done += by
        self._show()

    def say(self, detail: str) -> None:
        """Show what the step is busy with now."""
        self._detail = detail
        self._show()

    @abstractmethod
    def _show(self) -> None: ...

    @abstractmethod
    def close(self, *, done: bool) -> None:
        """Show that the step ended."""


@contextmanager
def _run(step: _CountedStep, log: StepLog) -> Iterator[Step]:
    done = False
    try:
        yield step
        done = True
    finally:
        step.close(done=done)
        log.record(step.title, done=done, count=step.count)


class _LineStep(_CountedStep):
    def __init__(self, title: str, total: int | None) -> None:
        super().__init__(title, total)
        self._started = self._spoke = time.monotonic()

    def _show(self) -> None:
        now = time.monotonic()
        with self._lock:
            if now - self._spoke < QUIET_PERIOD_S:
                return
            self._spoke = now
        elapsed = now - self._started
        sys.stderr.write(f"  {self.title}{self.count}: {self._detail or 'still running'} ({elapsed:.0f} s)\n")

    def close(self, *, done: bool) -> None:
        elapsed = time.monotonic() - self._started
        sys.stderr.write(f"{'done' if done else 'FAILED'}: {self.title} ({elapsed:.1f} s)\n")


class LineProgress:
    """For logs and pipes: a line when a step ends, and now and then while it runs."""

    def __init__(self, log: StepLog) -> None:
        self._log = log

    @contextmanager
    def step(self, title: str, *, total: int | None = None) -> Iterator[Step]:
        """Announce a step."""
        with _run(_LineStep(title, total), self._log) as step:
            yield step


class _LiveStep(_CountedStep):
    def __init__(self, title: str, total: int | None, display: RichProgress) -> None:
        super().__init__(title, total)
        self._display = display
        self._task = display.add_task(title, total=1, detail="")

    def _show(self) -> None:
        self._display.update(self._task, detail=f"{self.count} {self._detail}".strip())

    def close(self, *, done: bool) -> None:
        self._display.update(self._task, completed=1 if done else 0, detail="" if done else "stopped")
        self._display.stop_task(self._task)


class LiveProgress:
    """For terminals: a line a step, with a spinner while it runs, its time, and what it is busy with."""

    def __init__(self, log: StepLog, *, colour: bool) -> None:
        from rich.console import Console
        from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        console = Console(stderr=True, no_color=not colour, markup=False, emoji=False, highlight=False)
        self._log = log
        self._display = Progress(
            SpinnerColumn(finished_text="√"),
            TextColumn("{task.description}", markup=False),
            TimeElapsedColumn(),
            TextColumn("{task.fields[detail]}", markup=False),
            console=console,
        )

    def __enter__(self) -> Self:
        self._display.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._display.stop()

    @contextmanager
    def step(self, title: str, *, total: int | None = None) -> Iterator[Step]:
        """Announce a step."""
        with _run(_LiveStep(title, total, self._display), self._log) as step:
            yield step
