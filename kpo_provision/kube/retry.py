"""Which requests are sent again, after what pause, and when to stop: so that a loaded server recovers.

A server that says Retry-After is obeyed and costs nothing of the budget; blind retries are a fifth of all requests at
most, beyond a first hundred, so that a broken server is not asked twice for everything.
"""

from __future__ import annotations

import random
import threading

RETRIED_STATUS = frozenset({429, 500, 502, 503, 504})
_REQUESTS_PER_RETRY = 5
_FREE_RETRIES = 100
_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 5.0

_random = random.SystemRandom()


class RetryBudget:
    """Counts how many blind retries are left; shared by all threads of a transport."""

    def __init__(self) -> None:
        self._credit = _FREE_RETRIES * _REQUESTS_PER_RETRY
        self._lock = threading.Lock()

    def earn(self) -> None:
        """Count a request."""
        with self._lock:
            self._credit = min(_FREE_RETRIES * _REQUESTS_PER_RETRY, self._credit + 1)

    def spend(self) -> bool:
        """Take one retry, or say that none is left."""
        with self._lock:
            if self._credit < _REQUESTS_PER_RETRY:
                return False
            self._credit -= _REQUESTS_PER_RETRY
            return True


def pause_s(attempt: int, *, retry_after: str | None) -> float:
    """Return how long to wait before attempt number ``attempt``: what the server asks, plus full jitter."""
    jitter_s = _random.uniform(0, min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2**attempt))
    return jitter_s + (float(retry_after) if retry_after and retry_after.isdigit() else 0.0)
