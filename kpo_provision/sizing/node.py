"""A node's way from nominal memory to the largest pod: what is asked, and what comes out."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from kpo_provision.catalog.machine import MachineType
from kpo_provision.sizing.resources import Resources


class Platform(enum.StrEnum):
    """Who installs the kubelet, and so decides what it reserves."""

    GKE = "gke"
    EKS = "eks"
    AKS = "aks"
    KUBEADM = "kubeadm"
    KUBESPRAY = "kubespray"
    K3S = "k3s"
    RKE2 = "rke2"
    SELF_HOSTED = "selfHosted"
    """Hosts of the target selfHosted, whose kubelets are told what `size` says."""
    CUSTOM = "custom"
    """Any node with reservations of its own."""


class NodeImage(enum.StrEnum):
    """Operating system of a node, where its platform's rule depends on it."""

    COS = "cos"
    UBUNTU = "ubuntu"
    AL2 = "al2"
    AL2023 = "al2023"
    BOTTLEROCKET = "bottlerocket"


class PodNetworking(enum.StrEnum):
    """How an EKS node gets addresses for its pods, which decides how many pods it may run."""

    ENI = "eni"
    PREFIX = "prefix"
    """Prefix delegation: 16 addresses where there was one."""
    CUSTOM = "custom"
    """Custom networking: the first interface carries no pods."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservations:
    """What a kubelet was told to hold back; None leaves it to the platform's rule. Memory in KiB."""

    kube_cpu_milli: int | None = None
    kube_memory_ki: int | None = None
    kube_ephemeral_bytes: int | None = None
    system_cpu_milli: int | None = None
    system_memory_ki: int | None = None
    eviction_memory_ki: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeRequest:
    """One node to work out. Only ``platform`` and ``machine`` must be given; None leaves a choice to the platform.

    Attributes:
        version: Kubernetes or GKE version as text (``1.34``, ``1.34.9-gke.1065000``); None for the newest known.
        capacity_ki: Memory capacity as observed; None predicts it.
        overhead: What runs on every node of the pool (DaemonSets and static pods).
        reservations: What the kubelet was told to hold back, as far as known; it wins over the platform's rule.
        reserved_pods: EKS: how many pods the reservation counts (the result of nodeadm's ``maxPodsExpression``).
        pod_based_memory: GKE 1.37 and later: whether the pool reserves memory by its maximum of pods.
        local_ssds: GKE: how many local SSDs back ephemeral storage in place of the boot disk.
    """

    platform: Platform
    machine: MachineType
    version: str | None = None
    image: NodeImage | None = None
    max_pods: int | None = None
    capacity_ki: int | None = None
    image_streaming: bool = False
    confidential: bool = False
    disk_gib: int = 100
    ephemeral_capacity_ki: int | None = None
    local_ssds: int = 0
    networking: PodNetworking = PodNetworking.ENI
    reserved_pods: int | None = None
    pod_based_memory: bool = False
    overhead: Resources | None = None
    reservations: Reservations | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why one number is what it is. ``step`` is the key of the number (``capacityMemoryKi``)."""

    step: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeShape:
    """One node, worked out.

    ``allocatable`` is what the kubelet offers; ``schedulable`` is that less ``overhead``, and so the largest pod on a
    fresh node (``schedulable.pods``: how many pods of tenants). What the overhead lacks comes out negative.
    ``*_mib`` are rounded up where a reservation is no whole number of MiB.
    """

    platform: Platform
    machine: MachineType
    version: str | None
    capacity_memory_ki: int
    allocatable: Resources
    overhead: Resources
    schedulable: Resources
    max_pods: int
    kube_reserved_memory_mib: int
    kube_reserved_cpu_milli: int
    eviction_memory_mib: int
    pod_cidr_prefix: int | None
    reasons: tuple[Reason, ...]
    warnings: tuple[str, ...] = ()
    system_reserved_memory_mib: int = 0
    system_reserved_cpu_milli: int = 0
    capacity_ephemeral_bytes: int = 0
    held_back: Reservations = Reservations()
    """What the kubelet is, or has to be, told; exactly."""
