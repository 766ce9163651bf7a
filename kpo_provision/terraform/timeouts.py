"""How long each of Terraform's commands may take."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """Deadlines of the commands; one that passes is a failure.

    ``lock_s`` is how long to wait for somebody else's run to release the state. ``stop_s`` is how long an interrupted
    command may take to finish what it cannot leave half done, before it is killed.
    """

    init_s: float = 600
    plan_s: float = 1800
    apply_s: float = 7200
    read_s: float = 120
    lock_s: int = 60
    stop_s: float = 900
