"""What Terraform would do, told by the pools of the spec instead of by resources. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from kpo_provision import terraform
from kpo_provision.clouds.gke_facts import LivePool
from kpo_provision.results import Action, Change, PoolChange
from kpo_provision.sizing.pool import PoolSize
from kpo_provision.sizing.pools import InstallationSize
from kpo_provision.target.plan_changes import ACTIONS, describe_resource
from kpo_provision.terraform import ChangeKind, PlanSummary, ResourceChange

_BLOCKS = ("node_config.", "autoscaling.", "management.", "upgrade_settings.", "network_config.")
_CONSEQUENCES = frozenset(
    {"id", "instance_group_urls", "managed_instance_group_urls", "name", "name_prefix", "operation"}
)
"""What changes because something else does."""


def describe_pools(summary: PlanSummary, size: InstallationSize, live: Sequence[LivePool]) -> tuple[PoolChange, ...]:
    """Say what becomes of every pool of the spec, and of those that are no longer in it."""
    changes = {change.address: change for change in summary.changes if _is_for_tasks(change)}
    names = {terraform.address_pool(pool.pool): pool.name for pool in live if pool.pool is not None}
    rows = [_describe(pool, changes, names) for pool in size.pools]
    wanted = {terraform.address_pool(row.pool) for row in rows}
    return (*rows, *(_describe_gone(change) for address, change in changes.items() if address not in wanted))


def describe_others(summary: PlanSummary) -> Iterator[Change]:
    """Say what becomes of everything else."""
    for change in summary.changes:
        if not _is_for_tasks(change):
            yield describe_resource(change, detail=_say_why(change))


def _is_for_tasks(change: ResourceChange) -> bool:
    """Tell a pool of the spec from what a cluster needs for itself."""
    return change.type == terraform.POOL_TYPE and change.address != terraform.SYSTEM_POOL_ADDRESS


def _describe(pool: PoolSize, changes: Mapping[str, ResourceChange], names: Mapping[str, str]) -> PoolChange:
    address = terraform.address_pool(pool.demand.name)
    change = changes.get(address)
    return PoolChange(
        action=ACTIONS[change.kind] if change else Action.UNCHANGED,
        pool=pool.demand.name,
        live=change.old_name if change else names.get(address, ""),
        machine_type=pool.shape.machine.name,
        min_nodes=pool.nodes.minimum,
        max_nodes=pool.nodes.maximum,
        zones=pool.nodes.zones,
        max_pods=pool.shape.max_pods,
        spot=pool.demand.spot,
        detail=_say_why(change) if change else "",
    )


def _describe_gone(change: ResourceChange) -> PoolChange:
    return PoolChange(
        action=ACTIONS[change.kind],
        pool=change.old_name.rpartition("-")[0] or change.key,
        live=change.old_name,
        detail="no longer in the spec",
    )


def _say_why(change: ResourceChange) -> str:
    """Name what differs, without the names of the blocks that it is in."""
    told = change.forced_by if change.kind is ChangeKind.REPLACE else change.attributes
    names = [name for name in told if name not in _CONSEQUENCES] or [
        name for name in change.attributes if name not in _CONSEQUENCES
    ]
    return ", ".join(dict.fromkeys(_shorten(name) for name in names))


def _shorten(name: str) -> str:
    block = next((block for block in _BLOCKS if name.startswith(block)), "")
    return name.removeprefix(block)
