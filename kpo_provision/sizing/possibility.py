"""Refuses nodes that cannot be: absurd numbers, contradictions, options of another platform. Nothing is clipped."""

from __future__ import annotations

from dataclasses import fields

from kpo_provision import errors
from kpo_provision.sizing.node import NodeRequest, NodeShape, Platform, PodNetworking

MOST_VCPU = 8192
MOST_MEMORY_MIB = 2**28
"""256 TiB, several times the largest machine that is for rent."""
MOST_DISK_GIB = 2**16
"""64 TiB, the largest boot disk that GKE gives."""
LEAST_GKE_DISK_GIB = 10
MOST_LOCAL_SSDS = 32
MOST_KI = 2**50


def check_request(request: NodeRequest) -> None:
    """Refuse what no node can be.

    Raises:
        errors.SizingError: Says what, and what is possible.
    """
    machine = request.machine
    _check_range("vcpu", machine.vcpu, 1, MOST_VCPU)
    _check_range("memory in MiB", machine.memory_mib, 1, MOST_MEMORY_MIB)
    least_disk_gib = LEAST_GKE_DISK_GIB if request.platform is Platform.GKE else 1
    _check_range("disk in GiB", request.disk_gib, least_disk_gib, MOST_DISK_GIB)
    _check_range("local SSDs", request.local_ssds, 0, MOST_LOCAL_SSDS)
    if request.ephemeral_capacity_ki is not None:
        _check_range("ephemeral capacity in KiB", request.ephemeral_capacity_ki, 1, MOST_KI)
    if request.reserved_pods is not None:
        _check_range("reserved pods", request.reserved_pods, 1, 2**31 - 1)
    for name, amount in _amounts(request):
        _check_range(name, amount, 0, MOST_KI * 1024)
    _check_capacity(request)
    _check_options(request)


def check_allocatable(shape: NodeShape) -> None:
    """Refuse a node whose reservations are larger than it is; its kubelet would offer nothing.

    Raises:
        errors.SizingError: Says which resource is short, and by how much.
    """
    for name, amount, unit in (
        ("CPU", shape.allocatable.cpu_milli, "m"),
        ("memory", shape.allocatable.memory_ki, " KiB"),
        ("ephemeral storage", shape.allocatable.ephemeral_bytes, " bytes"),
    ):
        if amount <= 0:
            raise errors.SizingError(
                f"reservations leave no {name} of {shape.machine.name}: {-amount:,}{unit} are missing",
                hint="take a larger machine or disk, or smaller reservations",
            )


def _amounts(request: NodeRequest) -> list[tuple[str, int]]:
    amounts = []
    for label, holder in (("reservation", request.reservations), ("overhead", request.overhead)):
        if holder is not None:
            values = ((field.name, getattr(holder, field.name)) for field in fields(holder))
            amounts += [(f"{label} {name}", value) for name, value in values if value is not None]
    return amounts


def _check_range(name: str, value: int, lowest: int, highest: int) -> None:
    if not lowest <= value <= highest:
        raise errors.SizingError(f"{name} cannot be {value}", hint=f"give {lowest:,} to {highest:,}")


def _check_capacity(request: NodeRequest) -> None:
    if request.capacity_ki is None:
        return
    nominal_ki = request.machine.memory_mib * 1024
    name = f"{request.machine.name} with {request.machine.memory_mib:,} MiB ({nominal_ki:,} KiB)"
    if request.capacity_ki > nominal_ki:
        raise errors.SizingError(
            f"a capacity of {request.capacity_ki:,} KiB is more than all of {name}",
            hint="give .status.capacity.memory of a node of that machine type, in KiB",
        )
    if request.capacity_ki * 2 < nominal_ki:
        raise errors.SizingError(
            f"a capacity of {request.capacity_ki:,} KiB is less than half of {name}, which no kernel hides",
            hint="give .status.capacity.memory of a node of that machine type, in KiB",
        )


def _check_options(request: NodeRequest) -> None:
    of_gke = {
        "Image Streaming": request.image_streaming,
        "confidential nodes": request.confidential,
        "local SSDs": request.local_ssds > 0,
        "the memory rule by maximum of pods": request.pod_based_memory,
    }
    of_eks = {
        "prefix delegation and custom networking": request.networking is not PodNetworking.ENI,
        "a count of reserved pods": request.reserved_pods is not None,
    }
    for platform, options in ((Platform.GKE, of_gke), (Platform.EKS, of_eks)):
        for name, is_used in options.items():
            if is_used and request.platform is not platform:
                raise errors.SizingError(
                    f"{name}: only {platform.value} has that, and this node is of {request.platform.value}",
                    hint="leave it out, or name the platform that has it",
                )
