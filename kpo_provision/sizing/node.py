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
    CUSTOM = "custom"
    """Any node with reservations of its own."""


class NodeImage(enum.StrEnum):
    """Operating system of a GKE node."""

    COS = "cos"
    UBUNTU = "ubuntu"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservations:
    """What a kubelet holds back besides what its platform prescribes; memory in KiB."""

    kube_cpu_milli: int = 0
    kube_memory_ki: int = 0
    system_cpu_milli: int = 0
    system_memory_ki: int = 0
    eviction_memory_ki: int = 100 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeRequest:
    """One node to work out.

    ``version`` is a Kubernetes or GKE version as text (``1.34``, ``1.34.9-gke.1065000``), None for the newest known.
    ``capacity_ki`` is memory capacity as observed; None predicts it. ``overhead`` is what runs on every node of the pool
    (DaemonSets and static pods); None takes the platform's usual. ``reservations`` replaces the platform's rule.
    """

    platform: Platform
    machine: MachineType
    version: str | None = None
    image: NodeImage = NodeImage.COS
    max_pods: int | None = None
    capacity_ki: int | None = None
    image_streaming: bool = False
    disk_gib: int = 100
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
    fresh node (``schedulable.pods``: how many pods of tenants).
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
