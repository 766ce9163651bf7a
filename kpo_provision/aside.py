"""Work that goes on in a thread beside something else, from the moment when that is under way."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Generic, Self, TypeVar

Result = TypeVar("Result")


class Aside(Generic[Result]):
    """One piece of work. It does not begin by itself, so that it takes no time from what it waits for."""

    def __init__(self, work: Callable[[], Result], *, name: str) -> None:
        self._work = work
        self._executor = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._lock = threading.Lock()
        self._future: Future[Result] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._executor.shutdown()

    def begin(self) -> None:
        """Begin; a second time does nothing."""
        self._start()

    def result(self) -> Result:
        """Wait until it is done, beginning it if nobody has; what it raises is raised here."""
        return self._start().result()

    def _start(self) -> Future[Result]:
        with self._lock:
            if self._future is None:
                self._future = self._executor.submit(self._work)
            return self._future
