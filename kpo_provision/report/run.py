"""One run of a command that changes or proves a cluster."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from kpo_provision import errors
from kpo_provision.results import Changes, CheckResult, Outcome, PoolsAhead


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReport:
    """Everything that a run did and found out."""

    command: str
    tool_version: str
    installation: str
    target: str
    kubernetes_version: str
    changes: Changes | None
    """None where the command changes nothing."""
    checks: tuple[CheckResult, ...]
    """Empty where nothing was verified."""
    next_commands: tuple[str, ...]
    duration_s: float
    ahead: PoolsAhead = field(default_factory=PoolsAhead)
    """What had to become of cluster and pools, and became of them."""

    @property
    def counts(self) -> Mapping[Outcome, int]:
        """How many checks came out how."""
        return {outcome: sum(1 for check in self.checks if check.outcome is outcome) for outcome in Outcome}

    @property
    def is_simulated(self) -> bool:
        """Whether anything was proven on a simulated node."""
        return any(check.simulated for check in self.checks)

    @property
    def exit_code(self) -> errors.ExitCode:
        """6 when a tenant or a host could not be applied, 7 when a check failed, else 0."""
        if self.changes is not None and (self.changes.failures or self.changes.host_failures):
            return errors.ExitCode.CLUSTER
        if self.counts[Outcome.FAIL]:
            return errors.ExitCode.VERIFICATION
        return errors.ExitCode.OK
