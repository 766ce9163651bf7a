"""What steps return: changes to pools and objects, and verdicts of checks. Plain values; ``report`` shows them."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

from kpo_provision.enumeration import name_few


class Action(enum.Enum):
    """What was done, or would be done, to one object."""

    CREATE = "create"
    UPDATE = "update"
    REPLACE = "replace"
    """Made anew under another name, then the old one deleted."""
    IMPORT = "import"
    """It was there, and becomes known to Terraform."""
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
class PoolChange:
    """One node pool of a cloud: what it is to be, and what becomes of it.

    ``live`` is what the cloud calls the one that is there, empty where there is none. The rest is as planned, and empty
    or zero for a pool that goes.
    """

    action: Action
    pool: str
    live: str = ""
    machine_type: str = ""
    min_nodes: int = 0
    max_nodes: int = 0
    zones: int = 0
    max_pods: int = 0
    spot: bool = False
    detail: str = ""

    @property
    def is_mutation(self) -> bool:
        """Whether anything becomes of it."""
        return self.action is not Action.UNCHANGED

    def as_change(self) -> Change:
        """Return it as a change like those of objects."""
        return Change(action=self.action, kind="NodePool", namespace="", name=self.pool, detail=self.detail)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something about a host. ``code`` is stable and a heading in docs/hosts.md; ``is_fatal`` keeps it from joining."""

    code: str
    is_fatal: bool
    problem: str
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostChange:
    """One host that is, or was, a node: what becomes of it, and what was found out about it.

    ``storage_ki`` is the size of its file system for pods. Amounts are zero and ``os`` is empty where it could not be
    looked at. One that ``is_leaving`` leaves the cluster, for good or to join anew.
    """

    action: Action
    node: str
    pool: str
    address: str = ""
    os: str = ""
    cpus: int = 0
    memory_ki: int = 0
    storage_ki: int = 0
    detail: str = ""
    is_leaving: bool = False
    findings: tuple[Finding, ...] = ()

    @property
    def is_mutation(self) -> bool:
        """Whether anything becomes of it."""
        return self.action is not Action.UNCHANGED

    @property
    def fatal(self) -> tuple[Finding, ...]:
        """What keeps it from joining."""
        return tuple(finding for finding in self.findings if finding.is_fatal)

    def as_change(self) -> Change:
        """Return it as a change like those of objects."""
        return Change(action=self.action, kind="Host", namespace="", name=self.node, detail=self.detail)


@dataclass(frozen=True, slots=True, kw_only=True)
class Disruption:
    """KPO pods that end when node pools go, by what the cloud calls each pool; empty where nobody loses any."""

    pods: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """How many pods."""
        return sum(len(names) for names in self.pods.values())

    def __str__(self) -> str:
        return "; ".join(f"{name_few(names)} on {pool}" for pool, names in sorted(self.pods.items()))


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolsAhead:
    """What will become of a cluster and its node pools, and of whom that costs something."""

    pools: tuple[PoolChange, ...] = ()
    hosts: tuple[HostChange, ...] = ()
    others: tuple[Change, ...] = ()
    """What is no pool: the cluster, the nodes' service account and its rights."""
    notes: tuple[str, ...] = ()
    """What has to be mended first, and is not among the changes yet."""
    disruption: Disruption = Disruption()

    @property
    def changes(self) -> tuple[Change, ...]:
        """Everything that changes, as changes."""
        return (
            *self.others,
            *(pool.as_change() for pool in self.pools if pool.is_mutation),
            *(host.as_change() for host in self.hosts if host.is_mutation),
        )

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do."""
        return not (self.changes or self.notes)


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantFailure:
    """A tenant that could not be brought to the desired state, and why; the others went on."""

    tenant: str
    problem: str
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostFailure:
    """A host that could not be brought to the desired state, and why; the others went on."""

    node: str
    problem: str
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """Everything one apply did."""

    changes: tuple[Change, ...]
    failures: tuple[TenantFailure, ...] = ()
    host_failures: tuple[HostFailure, ...] = ()
    orphans: tuple[str, ...] = ()
    """Namespaces of tenants that carry our label and are no longer in the spec."""
    ending: tuple[str, ...] = ()
    """Such namespaces that are being deleted already, by whomever."""

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
