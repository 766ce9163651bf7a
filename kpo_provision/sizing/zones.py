"""From a number of nodes to what an autoscaler is told: so many at least and at most in each zone.

Clouds scale a pool zone by zone, so both ends are rounded: the minimum up, a maximum that the spec states down.
"""

from __future__ import annotations

from kpo_provision import errors
from kpo_provision.sizing.pool import NodeCounts, PoolDemand


def check_limits(demand: PoolDemand) -> None:
    """Refuse limits that no number of nodes can keep.

    Raises:
        errors.SizingError: They contradict each other, or the zones.
    """
    if demand.zones < 1 or demand.min_nodes < 0 or demand.surge_nodes < 0:
        raise errors.SizingError(
            f"pool {demand.name} has {demand.zones} zones, at least {demand.min_nodes} nodes and "
            f"{demand.surge_nodes} for surge",
            hint="a pool has at least one zone, and no number of nodes is negative",
        )
    if demand.max_nodes is None:
        return
    most, least = demand.max_nodes // demand.zones, demand.least_per_zone
    if demand.max_nodes < demand.min_nodes or most < max(least, 1):
        each = f": in each of {demand.zones} zones, {least} at least and {most} at most" if demand.zones > 1 else ""
        raise errors.SizingError(
            f"pool {demand.name} cannot have at least {demand.min_nodes} and at most {demand.max_nodes} nodes{each}",
            hint=f"raise nodePools.{demand.name}.maxNodes to {max(least, 1) * demand.zones} or more, or lower minNodes",
        )


def count_nodes(
    demand: PoolDemand, *, at_promise: int, in_any_order: int, range_limit: int | None
) -> NodeCounts | None:
    """Round to zones and keep within the spec's maximum and the range of pods.

    Returns None where the range cannot hold the nodes that the promises or the spec ask for.
    """
    least = demand.least_per_zone
    if demand.max_nodes is not None:
        most = demand.max_nodes // demand.zones
        needed = most
    else:
        most = max(-(-in_any_order // demand.zones), least)
        needed = max(-(-at_promise // demand.zones), least)
    if range_limit is not None:
        held = max(range_limit - demand.surge_nodes, 0) // demand.zones
        if held < needed:
            return None
        most = min(most, held)
    return NodeCounts(
        zones=demand.zones, min_per_zone=least, max_per_zone=most, surge=demand.surge_nodes, range_limit=range_limit
    )
