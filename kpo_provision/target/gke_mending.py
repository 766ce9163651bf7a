"""Decides how Terraform's state is brought in line with pools that an earlier run made, lost sight of or left broken.

A run that was killed may leave a pool that the state does not know, and Google may leave one that it could not make.
Neither may end in a second pool or a refusal. Pure: asks nobody and changes nothing.
"""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from kpo_provision import terraform
from kpo_provision.clouds import gke_errors
from kpo_provision.clouds.gke_facts import ClusterName, LivePool
from kpo_provision.terraform import ChangeKind, KnownResource, PlanSummary


class MendKind(enum.Enum):
    """What has to be done about one pool that is there."""

    IMPORT = "becomes known to Terraform again"
    """By an import block: it is planned and shown like everything else."""
    RESTORE = "goes back to its place in Terraform's state"
    RETIRE = "was to be replaced: the next plan deletes it"
    UNTAINT = "is in order, though the run that made it ended in an error"
    REMOVE = "could not be made by Google: it is taken away and made anew"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mend:
    """One pool of the spec, what GKE calls it, and what to do; ``address`` is where the state has it, if it does."""

    kind: MendKind
    pool: str
    name: str
    address: str = ""

    @property
    def changes_state(self) -> bool:
        """Whether more is needed than an import block."""
        return self.kind is not MendKind.IMPORT

    def __str__(self) -> str:
        return f"pool {self.pool} ({self.name}) {self.kind.value}"


def is_plain(sketch: PlanSummary, live: Sequence[LivePool], installation: str, pools: Sequence[str]) -> bool:
    """Tell whether numbers alone say that nothing is to be mended, no name is taken, and no change has to be explained.

    So it is where every pool is either to be made or there once and in order. Then the plan need not be read a second
    time, which costs as much as loading its providers.
    """
    if any(change.kind is not ChangeKind.CREATE for change in sketch.changes):
        return False
    created = {change.key for change in sketch.changes if change.type == terraform.POOL_TYPE}
    ours = [pool for pool in live if pool.belongs_to(installation)]
    counted = Counter(pool.pool for pool in ours if not pool.is_broken)
    is_as_counted = counted == {pool: 1 for pool in pools if pool not in created} and len(ours) == counted.total()
    return is_as_counted and not any(_may_be_name(pool.name, created) for pool in live)


def _may_be_name(name: str, pools: Collection[str]) -> bool:
    """Tell whether the module may call a pool so: its name in the spec, and a suffix."""
    return name.rpartition("-")[0] in pools


def find_mends(summary: PlanSummary, live: Sequence[LivePool], pools: Sequence[str]) -> tuple[Mend, ...]:
    """Compare what the state knows with the live pools that are ours.

    Args:
        summary: What Terraform would do, and what its state holds.
        live: The installation's pools that are there.
        pools: Names of the spec's pools.
    """
    planned = {change.key: change.new_name for change in summary.changes if change.type == terraform.POOL_TYPE}
    known = [resource for resource in summary.known if resource.type == terraform.POOL_TYPE]
    return tuple(mend for pool in sorted(pools) for mend in _Comparison(pool, planned, known, live).find())


def require_free_names(summary: PlanSummary, live: Sequence[LivePool], installation: str, cluster: ClusterName) -> None:
    """Refuse to make a pool under a name that somebody else's pool has.

    Raises:
        errors.CloudError: The name is taken.
    """
    foreign = {pool.name for pool in live if not pool.belongs_to(installation)}
    for change in summary.changes:
        if change.kind in (ChangeKind.CREATE, ChangeKind.REPLACE) and change.new_name in foreign:
            raise gke_errors.refusal(
                "nodePools.create",
                f"cluster {cluster.cluster} has a node pool {change.new_name} that kpo-provision did not make "
                f"for {installation}",
                hint=f"give pool {change.key} another name in the spec, or remove that one: gcloud container "
                f"node-pools delete {change.new_name} --cluster {cluster.cluster} --location {cluster.location} "
                f"--project {cluster.project}",
            )


class _Comparison:
    """One pool of the spec: where the state has it, and what is there."""

    def __init__(
        self, pool: str, planned: dict[str, str], known: Sequence[KnownResource], live: Sequence[LivePool]
    ) -> None:
        self._pool = pool
        self._place = terraform.address_pool(pool)
        self._by_name = {resource.name: resource for resource in known}
        self._current = next((resource for resource in known if resource.address == self._place), None)
        self._live = {found.name: found for found in live if found.pool == pool}
        self._wanted = planned.get(pool) or (self._current.name if self._current else "")

    def find(self) -> Iterator[Mend]:
        """Say what to do, in the order in which to do it."""
        lost = [found for name, found in sorted(self._live.items()) if name not in self._by_name]
        elsewhere = self._by_name.get(self._wanted)
        yield from (self._mend(MendKind.REMOVE, found.name) for found in lost if found.is_broken)
        if self._current is None and elsewhere is not None and self._wanted in self._live:
            yield self._mend(MendKind.RESTORE, self._wanted)
        elif self._current is not None:
            yield from self._mend_current(self._current)
        yield from self._find_lost([found.name for found in lost if not found.is_broken], elsewhere)

    def _mend_current(self, current: KnownResource) -> Iterator[Mend]:
        found = self._live.get(current.name)
        if found is not None and found.is_broken:
            yield self._mend(MendKind.REMOVE, current.name)
        elif found is not None and current.is_tainted:
            yield self._mend(MendKind.UNTAINT, current.name)

    def _find_lost(self, lost: list[str], elsewhere: KnownResource | None) -> Iterator[Mend]:
        if not lost:
            return
        is_free = self._current is None and elsewhere is None
        chosen = self._wanted if self._wanted in lost else (lost[-1] if is_free else "")
        yield from (self._mend(MendKind.RETIRE, name) for name in lost if name != chosen)
        if chosen and self._current is not None:
            yield self._mend(MendKind.RETIRE, self._current.name)
        if chosen:
            yield self._mend(MendKind.IMPORT, chosen)

    def _mend(self, kind: MendKind, name: str) -> Mend:
        known = self._by_name.get(name)
        return Mend(kind=kind, pool=self._pool, name=name, address=known.address if known else "")
