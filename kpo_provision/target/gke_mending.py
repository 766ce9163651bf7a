"""Decides how Terraform's state is brought in line with what an earlier run made, lost sight of or left broken.

A run that was killed may leave a pool, or the cluster, that the state does not know, and Google may leave a pool that
it could not make. None may end in a second one or a refusal. Pure: asks nobody and changes nothing.
"""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from kpo_provision import terraform
from kpo_provision.clouds import gke_errors
from kpo_provision.clouds.gke_facts import Live, LivePool
from kpo_provision.terraform import ChangeKind, KnownResource, PlanSummary

_MADE_WITH_CLUSTER = frozenset({terraform.CLUSTER_ADDRESS, terraform.SYSTEM_POOL_ADDRESS})


class MendKind(enum.Enum):
    """What has to be done about one thing that is there."""

    IMPORT = "becomes known to Terraform again"
    """By an import block: it is planned and shown like everything else."""
    RESTORE = "goes back to its place in Terraform's state"
    RETIRE = "was to be replaced: the next plan deletes it"
    UNTAINT = "is in order, though the run that made it ended in an error"
    REMOVE = "could not be made by Google: it is taken away and made anew"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mend:
    """One thing that is there, and what to do about it.

    Attributes:
        title: What it is to the user, such as ``pool standard``.
        name: What GKE calls it.
        place: The address where Terraform's state should have it.
        address: The address where the state has it; empty where it has not.
    """

    kind: MendKind
    title: str
    name: str
    place: str
    address: str = ""

    @property
    def changes_state(self) -> bool:
        """Whether more is needed than an import block."""
        return self.kind is not MendKind.IMPORT

    def __str__(self) -> str:
        return f"{self.title} ({self.name}) {self.kind.value}"


def is_plain(sketch: PlanSummary, live: Live, installation: str, pools: Sequence[str]) -> bool:
    """Tell whether numbers alone say that nothing is to be mended, no name is taken, and no change has to be explained.

    So it is where everything is either to be made or there once and in order. Then the plan need not be read a second
    time, which costs as much as loading its providers.
    """
    if any(change.kind is not ChangeKind.CREATE for change in sketch.changes):
        return False
    if live.cluster is not None and any(change.address in _MADE_WITH_CLUSTER for change in sketch.changes):
        return False
    created = {change.key for change in sketch.changes if change.type == terraform.POOL_TYPE}
    ours = live.pools_of(installation)
    counted = Counter(pool.pool for pool in ours if not pool.is_broken)
    is_as_counted = counted == {pool: 1 for pool in pools if pool not in created} and len(ours) == counted.total()
    return is_as_counted and not any(_may_be_name(pool.name, created) for pool in live.pools)


def _may_be_name(name: str, pools: Collection[str]) -> bool:
    """Tell whether the module may call a pool so: its name in the spec, and a suffix."""
    return name.rpartition("-")[0] in pools


def find_mends(summary: PlanSummary, live: Live, installation: str, pools: Sequence[str]) -> tuple[Mend, ...]:
    """Compare what the state knows with what is there and ours.

    Args:
        summary: What Terraform would do, and what its state holds.
        live: What is there. A cluster that the spec has made must be ours: then its system pool is too.
        installation: Whose pools are ours.
        pools: Names of the spec's pools.
    """
    return tuple(_find_all(summary, live, installation, pools))


def _find_all(summary: PlanSummary, live: Live, installation: str, pools: Sequence[str]) -> Iterator[Mend]:
    yield from _find_cluster(summary, live)
    system = _name_wanted(summary, terraform.SYSTEM_POOL_ADDRESS)
    there = [found for found in live.pools if found.name == system]
    yield from _Comparison("system pool", terraform.SYSTEM_POOL_ADDRESS, summary, there).find()
    ours = live.pools_of(installation)
    for pool in sorted(pools):
        there = [found for found in ours if found.pool == pool]
        yield from _Comparison(f"pool {pool}", terraform.address_pool(pool), summary, there).find()


def _find_cluster(summary: PlanSummary, live: Live) -> Iterator[Mend]:
    """Compare the cluster itself, which is there to be made only where the spec says so."""
    if live.cluster is None:
        return
    place, name = terraform.CLUSTER_ADDRESS, live.cluster.name.cluster
    if any(change.address == place and change.kind is ChangeKind.CREATE for change in summary.changes):
        yield Mend(kind=MendKind.IMPORT, title="cluster", name=name, place=place)
    if any(resource.address == place and resource.is_tainted for resource in summary.known):
        yield Mend(kind=MendKind.UNTAINT, title="cluster", name=name, place=place, address=place)


def _name_wanted(summary: PlanSummary, place: str) -> str:
    """Return what GKE is to call the pool of a place; empty for a place that there is not."""
    planned = (change.new_name for change in summary.changes if change.address == place)
    known = (resource.name for resource in summary.known if resource.address == place)
    return next((name for name in (*planned, *known) if name), "")


def find_lost_identities(summary: PlanSummary) -> tuple[str, ...]:
    """List the addresses of service accounts and roles that a plan would make: they may be there all the same.

    Making one that is there finds it, and changes nothing.
    """
    others = (terraform.POOL_TYPE, terraform.CLUSTER_TYPE)
    made = (change for change in summary.changes if change.kind is ChangeKind.CREATE and change.type not in others)
    return tuple(change.address for change in made)


def require_free_names(summary: PlanSummary, live: Live, installation: str) -> None:
    """Refuse to make a pool under a name that somebody else's pool has.

    Raises:
        errors.CloudError: The name is taken.
    """
    if live.cluster is None:
        return
    cluster = live.cluster.name
    foreign = {pool.name for pool in live.pools if not pool.belongs_to(installation)}
    for change in summary.changes:
        is_made = change.kind in (ChangeKind.CREATE, ChangeKind.REPLACE) and change.type == terraform.POOL_TYPE
        if is_made and change.address != terraform.SYSTEM_POOL_ADDRESS and change.new_name in foreign:
            raise gke_errors.refusal(
                "nodePools.create",
                f"cluster {cluster.cluster} has a node pool {change.new_name} that kpo-provision did not make "
                f"for {installation}",
                hint=f"give pool {change.key} another name in the spec, or remove that one: gcloud container "
                f"node-pools delete {change.new_name} --cluster {cluster.cluster} --location {cluster.location} "
                f"--project {cluster.project}",
            )


class _Comparison:
    """One pool that there is to be: where the state has it, and what is there of it."""

    def __init__(self, title: str, place: str, summary: PlanSummary, there: Sequence[LivePool]) -> None:
        self._title = title
        self._place = place
        known = [resource for resource in summary.known if resource.type == terraform.POOL_TYPE]
        self._by_name = {resource.name: resource for resource in known}
        self._current = next((resource for resource in known if resource.address == place), None)
        self._live = {found.name: found for found in there}
        self._wanted = _name_wanted(summary, place)

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
        address = known.address if known else ""
        return Mend(kind=kind, title=self._title, name=name, place=self._place, address=address)
