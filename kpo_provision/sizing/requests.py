"""From a spec to the nodes to work out: what it says of versions, overhead and reservations, for one machine each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from kpo_provision import quantity
from kpo_provision.catalog import Catalog, MachineType
from kpo_provision.sizing.node import NodeImage, NodeRequest, Platform, PodNetworking, Reservations
from kpo_provision.sizing.overhead import complete_overhead
from kpo_provision.sizing.pool import PoolDemand
from kpo_provision.sizing.resources import Resources
from kpo_provision.spec import model, nodes

GKE_POD_COUNTS = (16, 32, 64, 110, 256)
"""The most pods of each size of a node's address block; more than 110 costs CPU."""
DISK_GIB = 100
"""GKE's default boot disk."""
_FREE_PODS = 110
_SYSTEM_PODS = 20
"""Generous room for what runs on every node."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """What all nodes of an installation have in common; ``platform`` is None where nobody said it."""

    spec: model.Installation
    catalog: Catalog
    platform: Platform | None
    version: str | None


def request_node(basis: Basis, platform: Platform, pool: str, machine: MachineType) -> NodeRequest:
    """Ask for one node of a pool, as the spec describes it; the catalog's reservations stand where it has none."""
    wanted, disk = basis.spec.sizing, basis.spec.node_pools[pool].disk
    reservations = wanted.reservations or basis.catalog.reservations
    return NodeRequest(
        platform=platform,
        machine=machine,
        version=basis.version,
        image=NodeImage(wanted.os) if wanted.os else None,
        max_pods=basis.spec.node_pools[pool].max_pods_per_node,
        capacity_ki=machine.capacity_ki,
        ephemeral_capacity_ki=machine.storage_ki,
        image_streaming=wanted.image_streaming,
        confidential=wanted.confidential,
        networking=PodNetworking(wanted.pod_networking),
        disk_gib=disk.value // 2**30 if disk else DISK_GIB,
        overhead=_overhead(wanted.overhead, platform),
        reservations=_reservations(reservations) if reservations else None,
    )


def vary_pods(request: NodeRequest, *, promised_pods: int, has_range: bool) -> Sequence[NodeRequest]:
    """Ask for the node with every maximum of pods that could be the best one.

    More pods than the machine has CPU for in AU, or than were promised at all, are of no use. Fewer save addresses,
    which matters where their range is known.
    """
    if request.platform is not Platform.GKE or request.max_pods is not None:
        return (request,)
    useful = _SYSTEM_PODS + min(promised_pods, request.machine.vcpu * 1000 // quantity.AU_CPU_MILLI)
    enough = next((count for count in GKE_POD_COUNTS if count >= useful), GKE_POD_COUNTS[-1])
    counts = [count for count in GKE_POD_COUNTS if count <= enough]
    if not has_range:
        counts = [count for count in counts if count in (min(enough, _FREE_PODS), enough)]
    return [replace(request, max_pods=count) for count in counts]


def leave_out_hopeless(machines: Sequence[MachineType], wanted: PoolDemand) -> Sequence[MachineType]:
    """Drop machines that are smaller than the largest pod before anything is taken off them, unless all are."""
    largest = wanted.largest_pod or Resources()
    hopeful = [
        machine
        for machine in machines
        if machine.vcpu * 1000 >= largest.cpu_milli and machine.memory_mib * 1024 >= largest.memory_ki
    ]
    return hopeful or machines


def _overhead(given: nodes.Overhead, platform: Platform) -> Resources | None:
    if not given.model_fields_set:
        return None
    overhead, _ = complete_overhead(platform, cpu_milli=_milli(given.cpu), memory_ki=_ki(given.memory), pods=given.pods)
    return overhead


def _reservations(given: nodes.Reservations) -> Reservations:
    kube, system = given.kube_reserved, given.system_reserved
    return Reservations(
        kube_cpu_milli=_milli(kube.cpu),
        kube_memory_ki=_ki(kube.memory),
        system_cpu_milli=_milli(system.cpu),
        system_memory_ki=_ki(system.memory),
        eviction_memory_ki=_ki(given.eviction_memory),
    )


def _milli(amount: quantity.Quantity | None) -> int | None:
    return None if amount is None else amount.milli


def _ki(amount: quantity.Quantity | None) -> int | None:
    return None if amount is None else amount.ki
