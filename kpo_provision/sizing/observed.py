"""Plans with nodes as they were seen: what a kubelet says of itself is believed before any model."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from kpo_provision.catalog import Catalog, Cloud, MachineType, UnknownMachineError
from kpo_provision.sizing import candidates, shape
from kpo_provision.sizing.node import NodeRequest, NodeShape, Platform, Reason
from kpo_provision.sizing.resources import Resources

_KI_PER_MIB = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedNode:
    """One live node of a pool.

    ``overhead`` is what the DaemonSets' and static pods on it request. ``machine_type`` is empty where no label says.
    """

    name: str
    pool: str
    machine_type: str
    architecture: str
    version: str
    capacity: Resources
    allocatable: Resources
    overhead: Resources


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The least node of one machine type as it was seen, beside what the model says of it.

    ``model`` is None where nobody said who installs the nodes.
    """

    nodes: int
    truth: ObservedNode
    model: NodeShape | None
    is_capacity_predicted: bool
    """Whether the model knew no more than the machine type; else it was told the capacity."""


def group_nodes(nodes: Sequence[ObservedNode]) -> tuple[tuple[ObservedNode, int], ...]:
    """Return the least node of each machine type with the most overhead, and how many there are."""
    by_type: dict[tuple[str, int], list[ObservedNode]] = {}
    for node in nodes:
        # Nodes that no label tells apart are told apart by their CPUs.
        by_type.setdefault((node.machine_type, 0 if node.machine_type else node.capacity.cpu_milli), []).append(node)
    return tuple((_least(alike), len(alike)) for _, alike in sorted(by_type.items()))


def most_overhead(nodes: Sequence[ObservedNode]) -> Resources:
    """Return the most that runs on any of some nodes."""
    return _extreme(max, [node.overhead for node in nodes])


def compare(truth: ObservedNode, count: int, catalog: Catalog, *, request: NodeRequest | None) -> Comparison:
    """Put the model's node beside the one that was seen; ``request`` is as the spec asks for it."""
    if request is None:
        return Comparison(nodes=count, truth=truth, model=None, is_capacity_predicted=False)
    known = find_known(truth, catalog, request.platform)
    asked = replace(
        request,
        machine=known or request.machine,
        capacity_ki=None if known else truth.capacity.memory_ki,
        ephemeral_capacity_ki=truth.capacity.ephemeral_bytes // 1024 or None,
        max_pods=truth.capacity.pods,
        version=request.version or truth.version,
    )
    return Comparison(nodes=count, truth=truth, model=shape.shape_node(asked), is_capacity_predicted=known is not None)


def shape_observed(truth: ObservedNode, machine: MachineType, platform: Platform | None) -> NodeShape:
    """Make a shape of a node that was seen."""
    held = truth.capacity - truth.allocatable
    seen = f"seen on node {truth.name}"
    return NodeShape(
        platform=platform or Platform.CUSTOM,
        machine=machine,
        version=truth.version,
        capacity_memory_ki=truth.capacity.memory_ki,
        allocatable=truth.allocatable,
        overhead=truth.overhead,
        schedulable=truth.allocatable - truth.overhead,
        max_pods=truth.capacity.pods,
        kube_reserved_memory_mib=-(-held.memory_ki // _KI_PER_MIB),
        kube_reserved_cpu_milli=held.cpu_milli,
        eviction_memory_mib=0,
        pod_cidr_prefix=None,
        reasons=(
            Reason(step="capacityMemoryKi", text=seen),
            Reason(step="allocatableMemoryKi", text=f"{seen}; all its reservations together are one number here"),
            Reason(
                step="schedulableMemoryKi",
                text=f"less what DaemonSets and static pods request there: {truth.overhead.pods} pods",
            ),
        ),
        capacity_ephemeral_bytes=truth.capacity.ephemeral_bytes,
    )


def find_known(truth: ObservedNode, catalog: Catalog, platform: Platform | None) -> MachineType | None:
    """Find the machine type that a node's label names; None where the catalog does not know it."""
    clouds = candidates.ANY_CLOUD if platform is None else candidates.clouds_of(platform)
    try:
        return catalog.find(truth.machine_type, *clouds)
    except UnknownMachineError:
        return None


def describe_machine(truth: ObservedNode) -> MachineType:
    """Describe a machine by what its kubelet sees of it."""
    return MachineType(
        cloud=Cloud.OWN,
        name=truth.machine_type or f"node like {truth.name}",
        family="",
        vcpu=max(truth.capacity.cpu_milli // 1000, 1),
        memory_mib=-(-truth.capacity.memory_ki // _KI_PER_MIB),
        architecture=truth.architecture,
    )


def _least(nodes: Sequence[ObservedNode]) -> ObservedNode:
    """Take the least of every resource, so that what fits it fits all of them."""
    smallest = min(nodes, key=lambda node: (node.allocatable.memory_ki, node.name))
    return replace(
        smallest,
        capacity=_extreme(min, [node.capacity for node in nodes]),
        allocatable=_extreme(min, [node.allocatable for node in nodes]),
        overhead=_extreme(max, [node.overhead for node in nodes]),
    )


def _extreme(choose: Callable[[Iterable[int]], int], amounts: Sequence[Resources]) -> Resources:
    return Resources(
        cpu_milli=choose(amount.cpu_milli for amount in amounts),
        memory_ki=choose(amount.memory_ki for amount in amounts),
        pods=choose(amount.pods for amount in amounts),
        ephemeral_bytes=choose(amount.ephemeral_bytes for amount in amounts),
    )
