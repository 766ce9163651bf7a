"""What goes wrong on demand, instead of an answer or after the work was done."""

import re
import time
from dataclasses import dataclass

from tests.fakes.gke.answers import RefusedError


class CutError(Exception):
    """The connection is to be cut without an answer."""


@dataclass(kw_only=True)
class Fault:
    """Meets requests whose method and path match, ``times`` times.

    ``status`` answers an error; ``cut`` is ``before`` or ``after`` the request was carried out; ``delay_s`` comes
    first.
    """

    method: str = ""
    path: str = ""
    status: int = 0
    message: str = "fault of the test"
    reason: str | None = None
    retry_after: str | None = None
    cut: str = ""
    delay_s: float = 0
    times: int = 1


class Faults:
    """The faults that are still to come."""

    def __init__(self):
        self.pending = []

    def take(self, method, path):
        """Return the next fault for a request, used up by it, or None."""
        for fault in self.pending:
            if fault.method in ("", method) and re.search(fault.path, path):
                fault.times -= 1
                if fault.times <= 0:
                    self.pending.remove(fault)
                return fault
        return None


def strike_before(fault):
    """Let a fault do its harm before the request is looked at."""
    if fault is None:
        return
    time.sleep(fault.delay_s)
    if fault.cut == "before":
        raise CutError
    if fault.status:
        raise RefusedError(fault.status, fault.message, reason=fault.reason)


def strike_after(fault):
    """Let a fault do its harm when the request has been carried out, and nobody was told."""
    if fault is not None and fault.cut == "after":
        raise CutError
