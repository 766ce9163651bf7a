"""How many nodes of one shape a pool needs, and what they cost: one machine type on the scales.

Looks at one shape at a time and as little as it can: a bound first, and the packing only where it could matter.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

from kpo_provision.sizing import bounds, exact, mixes, packing, spread, zones
from kpo_provision.sizing.cidr import node_count
from kpo_provision.sizing.mixes import Batch
from kpo_provision.sizing.node import NodeShape
from kpo_provision.sizing.packing import Room
from kpo_provision.sizing.pool import NodeCounts, PoolDemand
from kpo_provision.sizing.resources import Resources

USUAL_PODS = 110
"""Pods on a node that every platform holds without a price; GKE takes CPU for more."""
Rank = tuple[int, bool, int, int, int, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """A demand as every machine type is weighed with it.

    ``largest_pod`` must fit a fresh node, ``largest_possible_pod`` is as much of it as any promise holds.
    """

    demand: PoolDemand
    largest_pod: Resources
    mixes: tuple[tuple[Batch, ...], ...]
    promised: Resources
    largest_possible_pod: Resources


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A shape that the largest pod fits. ``micro_usd`` is the list price of one node-hour, None where unknown."""

    shape: NodeShape
    room: Room
    micro_usd: int | None
    least_nodes: int
    """A bound on the nodes at promise that takes no time to find."""

    def least_cost(self, demand: PoolDemand) -> int:
        """No packing makes the pool cheaper than this."""
        return _cost(self.least_nodes, self.micro_usd, demand)


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighed:
    """A candidate with its numbers of nodes; ``nodes`` is None where the range of pods is too small for them."""

    candidate: Candidate
    nodes_at_promise: int
    lower_bound: int
    nodes_in_any_order: int
    nodes: NodeCounts | None
    cost: int

    def rank(self) -> Rank:
        """Cheaper first; then 110 pods at most, fewer nodes in any order, smaller nodes, smaller blocks, the name."""
        shape = self.candidate.shape
        return (
            self.cost,
            shape.max_pods > USUAL_PODS,
            self.nodes_in_any_order,
            self.candidate.micro_usd or 0,
            shape.max_pods,
            shape.machine.name,
        )


def make_load(demand: PoolDemand, largest_pod: Resources) -> Load:
    """Work out once what every machine type is weighed with."""
    return Load(
        demand=demand,
        largest_pod=largest_pod,
        mixes=mixes.list_mixes(demand.promises, largest_pod),
        promised=demand.promised,
        largest_possible_pod=spread.largest_possible_pod(demand.promises, largest_pod),
    )


def make_candidate(shape: NodeShape, load: Load) -> Candidate:
    """Put a shape that the largest pod fits on the scales."""
    machine = shape.machine
    room = _read_room(shape, load.largest_pod)
    return Candidate(
        shape=shape,
        room=room,
        micro_usd=machine.spot_micro_usd if load.demand.spot else machine.price_micro_usd,
        least_nodes=max(bounds.bound_by_sums(mix, room) for mix in load.mixes),
    )


def weigh(candidate: Candidate, load: Load) -> Weighed:
    """Count a candidate's nodes."""
    demand = load.demand
    at_least, at_promise = count_mixes(load.mixes, candidate.room)
    in_any_order = spread.count_nodes_in_any_order(load.promised, load.largest_possible_pod, candidate.room)
    prefix = demand.pod_range_prefix
    return Weighed(
        candidate=candidate,
        nodes_at_promise=at_promise,
        lower_bound=at_least,
        nodes_in_any_order=in_any_order,
        nodes=zones.count_nodes(
            demand,
            at_promise=at_promise,
            in_any_order=in_any_order,
            range_limit=None if prefix is None else node_count(prefix, max_pods=candidate.shape.max_pods),
        ),
        cost=_cost(at_promise, candidate.micro_usd, demand),
    )


@functools.lru_cache(maxsize=4096)
def count_mixes(planned: tuple[tuple[Batch, ...], ...], room: Room) -> exact.Count:
    """Count the nodes that hold each of the mixes; kept, because many machine types differ in no more than a name."""
    counts = [_count_mix(mix, room) for mix in planned]
    return exact.Count(max(count.at_least for count in counts), max(count.at_most for count in counts))


def _read_room(shape: NodeShape, largest_pod: Resources) -> Room:
    """What pods may use of a fresh node; where they may use its disk, no more of them than the disk holds at worst."""
    free = shape.schedulable
    disk = largest_pod.ephemeral_bytes
    pods = min(free.pods, free.ephemeral_bytes // disk) if disk else free.pods
    return Room(free.cpu_milli, free.memory_ki, pods)


def _count_mix(mix: Sequence[Batch], room: Room) -> exact.Count:
    at_least = bounds.lower_bound(mix, room)
    at_most = packing.count_nodes(mix, room, at_least=at_least)
    if at_most > at_least:
        at_least = max(at_least, bounds.sharper_bound(mix, room))
    return exact.count_nodes(mix, room, exact.Count(at_least, at_most))


def _cost(nodes: int, micro_usd: int | None, demand: PoolDemand) -> int:
    # An empty pool costs nothing on any machine; what its first node would cost still decides.
    return max(nodes, demand.least_per_zone * demand.zones, 1) * (micro_usd or 0)
