"""What is different between the node pools that were planned and those that are there. Asks nobody."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from kpo_provision.clouds.gke_facts import LivePool
from kpo_provision.plan import Plan, PoolPlan, Taint
from kpo_provision.sizing.pool import PoolSize

_GOOD = frozenset({"RUNNING", "RECONCILING", "PROVISIONING"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """One difference; ``live`` is Google's name of the pool, empty where there is none."""

    pool: str
    live: str
    field: str
    wanted: str
    found: str

    def __str__(self) -> str:
        place = f"pool {self.pool}" + (f" ({self.live})" if self.live else "")
        return f"{place}: {self.field} is {self.found}, planned is {self.wanted}"


def find_drift(planned: Plan, sizes: Mapping[str, PoolSize], live: Sequence[LivePool]) -> tuple[Drift, ...]:
    """Compare plan and world; pools that were not made for this installation are nobody's business."""
    names = {pool.name for pool in planned.pools}
    ours = [found for found in live if found.belongs_to(planned.installation)]
    drifts: list[Drift] = []
    for pool in planned.pools:
        matching = [found for found in ours if found.pool == pool.name]
        if not matching:
            drifts.append(Drift(pool=pool.name, live="", field="pool", wanted="there", found="missing"))
        for found in matching:
            drifts += _compare(pool, sizes[pool.name], found)
    drifts += [
        Drift(pool=found.pool, live=found.name, field="pool", wanted="gone", found="there")
        for found in ours
        if found.pool is not None and found.pool not in names
    ]
    return tuple(drifts)


def _compare(pool: PoolPlan, size: PoolSize, found: LivePool) -> Iterator[Drift]:
    pairs = {
        "status": ("RUNNING", "RUNNING" if found.status in _GOOD else _status(found)),
        "machine type": (size.shape.machine.name, found.machine_type),
        "spot": (str(size.demand.spot).lower(), str(found.spot).lower()),
        "most pods a node": (str(size.shape.max_pods), str(found.max_pods)),
        "nodes": _count_pair(size, found),
        "version": (_minor(size.shape.version or found.version), _minor(found.version)),
        "taints": (_list_taints(pool.taints), _list_taints(found.taints)),
    }
    for field, (wanted, there) in pairs.items():
        if wanted != there:
            yield Drift(pool=pool.name, live=found.name, field=field, wanted=wanted, found=there)


def _minor(version: str) -> str:
    """Return the part of a version that sizing depends on: GKE moves the rest on by itself."""
    return ".".join(version.removeprefix("v").split(".")[:2])


def _status(found: LivePool) -> str:
    return f"{found.status}: {found.problem}" if found.problem else found.status


def _count_pair(size: PoolSize, found: LivePool) -> tuple[str, str]:
    counts = size.nodes
    if found.max_per_zone is None:
        return f"{counts.minimum} to {counts.maximum}", f"{found.total_min} to {found.total_max}"
    return (
        f"{counts.min_per_zone} to {counts.max_per_zone} a zone",
        f"{found.min_per_zone} to {found.max_per_zone} a zone",
    )


def _list_taints(taints: Sequence[Taint]) -> str:
    return ", ".join(sorted(f"{taint.key}={taint.value}:{taint.effect}" for taint in taints)) or "none"
