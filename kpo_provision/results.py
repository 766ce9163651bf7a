"""What steps return: changes made to the cluster, and verdicts of checks. Plain values; ``report`` shows them."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field


class Action(enum.Enum):
    """What was done, or would be done, to one object."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One object and what became of it. ``tenant`` is empty for what all tenants share."""

    action: Action
    kind: str
    namespace: str
    name: str
    tenant: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantFailure:
    """A tenant that could not be brought to the desired state, and why; the others went on."""

    tenant: str
    problem: str
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """Everything one apply did."""

    changes: tuple[Change, ...]
    failures: tuple[TenantFailure, ...] = ()
    orphans: tuple[str, ...] = ()
    """Namespaces of tenants that carry our label and are no longer in the spec."""

    @property
    def mutations(self) -> tuple[Change, ...]:
        """The changes that altered the cluster."""
        return tuple(change for change in self.changes if change.action is not Action.UNCHANGED)


class Outcome(enum.Enum):
    """Verdict of a check."""

    PASS = "pass"  # noqa: S105
    WARN = "warn"
    FAIL = "fail"
    SKIP = "skip"


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """One verdict. ``id`` is stable and is a heading in docs/checks.md."""

    id: str
    category: str
    description: str
    outcome: Outcome
    tenant: str = ""
    detail: str = ""
    hint: str = ""
    duration_s: float = 0.0
    evidence: Mapping[str, str] = field(default_factory=dict)
    simulated: bool = False
