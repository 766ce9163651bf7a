"""What a spec may say about nodes: the pools, and what decides their size.

But for ``largestPod``, ``nodeSelector`` and ``dedicated``, nothing here changes what is written to a cluster.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from kpo_provision.spec.ec2 import Ec2Pool
from kpo_provision.spec.fields import (
    CpuOrZero,
    CpuQuantity,
    DiskSize,
    DnsLabel,
    FilePath,
    KubernetesVersion,
    LabelKey,
    LabelValue,
    MachineFamily,
    MachineMemory,
    MachineName,
    MemoryOrZero,
    MemoryQuantity,
    PodRange,
    Price,
    Zones,
)
from kpo_provision.spec.hosts import Host
from kpo_provision.spec.part import SpecModel

Architecture = Literal["amd64", "arm64"]
NodeCount = Annotated[int, Field(ge=0, le=65_000)]
"""The bound is GKE's largest cluster (its documentation on large clusters, read 2026-11-23)."""
PodCount = Annotated[int, Field(ge=1, le=1024)]


class PodSize(SpecModel):
    """What one pod asks for."""

    cpu: CpuQuantity
    """CPU, such as `3500m` or `2`."""
    memory: MemoryQuantity
    """Memory, such as `13Gi`."""


class NodePool(SpecModel):
    """A node pool for KPO pods alone."""

    largest_pod: PodSize | None = None
    """Largest pod that a tenant may launch here; a larger one is refused when it is created."""
    node_selector: dict[LabelKey, LabelValue] = {}
    """Labels that tell the pool's nodes on a cluster that exists already; `apply` puts the pool's label and taints on
    them. Empty: the nodes carry the pool's label already, or the target makes them."""
    dedicated: bool = True
    """Whether the pool's nodes are tainted, so that nothing but KPO pods runs there. Only a single-node cluster has a
    reason to say false."""
    machine_type: MachineName | None = None
    """Machine type of its nodes; `size` chooses the cheapest when absent."""
    machine_families: list[MachineFamily] = []
    """Families that `size` chooses from, such as `[n2, e2]`; all of the platform's cloud when empty."""
    architecture: Architecture = "amd64"
    """Processors that the tenants' images are built for."""
    spot: bool = False
    """Whether its nodes are spot (preemptible) machines."""
    min_nodes: NodeCount = 0
    """Fewest nodes, all zones together."""
    max_nodes: NodeCount | None = None
    """Most nodes, all zones together; `size` works them out when absent."""
    max_pods_per_node: PodCount | None = None
    """Pods that one node takes, those of the system included; `size` chooses when absent. GKE allows 8 to 256."""
    zones: Zones | None = None
    """Zones of its nodes, how many or their names; `sizing.zones` when absent."""
    surge: Annotated[int, Field(ge=0, le=1000)] = 1
    """Nodes that an upgrade adds for as long as it runs."""
    disk: DiskSize | None = None
    """Boot disk of a node; 100Gi when absent."""
    hosts: dict[DnsLabel, Host] = {}
    """Hosts that join the cluster as the pool's nodes, by the name of their node; for the target selfHosted. Their
    machine is the pool's `machineType`."""
    ec2: Ec2Pool | None = None
    """EC2 instances that join the cluster as the pool's nodes, as many as are needed; for the target selfHosted."""


class Overhead(SpecModel):
    """What runs on every node besides KPO pods: DaemonSets and static pods. What is absent is as usual there."""

    cpu: CpuOrZero | None = None
    """Sum of their CPU requests."""
    memory: MemoryOrZero | None = None
    """Sum of their memory requests."""
    pods: Annotated[int, Field(ge=0, le=200)] | None = None
    """How many they are."""


class Reserved(SpecModel):
    """What a kubelet keeps from pods. What is absent follows the platform's rule."""

    cpu: CpuOrZero | None = None
    """CPU."""
    memory: MemoryOrZero | None = None
    """Memory."""


class Reservations(SpecModel):
    """What the kubelets were told to reserve. What is absent follows the platform's rule."""

    kube_reserved: Reserved = Reserved()
    """`--kube-reserved`; for GKE what its API calls effective."""
    system_reserved: Reserved = Reserved()
    """`--system-reserved`."""
    eviction_memory: MemoryOrZero | None = None
    """`memory.available` of `--eviction-hard`."""


class OwnMachineType(SpecModel):
    """A machine type that the catalog does not have, or has otherwise."""

    cpu: Annotated[int, Field(ge=1, le=4096)]
    """Virtual CPUs, or hardware threads."""
    memory: MachineMemory
    """Memory as it is sold, before the operating system takes its part."""
    capacity: MemoryQuantity | None = None
    """Memory that its kernel sees, `MemTotal` in /proc/meminfo; worked out from what such machines usually hide when
    absent."""
    storage: MemoryQuantity | None = None
    """Size of the file system below /var/lib/kubelet; the pool's `disk` when absent."""
    price_per_hour: Price | None = None
    """US dollars an hour; a machine without a price is used only where it is named."""
    spot_price_per_hour: Price | None = None
    """US dollars an hour as a spot machine."""
    architecture: Architecture = "amd64"
    """Its processors."""


class Sizing(SpecModel):
    """What `size` needs to know of the nodes; changes nothing that is written to a cluster."""

    platform: Literal["gke", "eks", "aks", "kubeadm", "kubespray", "k3s", "rke2", "selfHosted", "custom"] | None = None
    """Who installs the nodes, and so decides what their kubelets reserve; `gke` for the target gke, `selfHosted` for
    the target selfHosted."""
    version: KubernetesVersion | None = None
    """Version of the nodes, quoted; that of `target` when absent, else the newest that is known."""
    os: Literal["cos", "ubuntu", "al2", "al2023", "bottlerocket"] | None = None
    """Operating system of the nodes, where the platform's rule depends on it: `cos` (when absent) or `ubuntu` on GKE,
    `al2023` (when absent), `al2` or `bottlerocket` on EKS."""
    zones: Zones | None = None
    """Zones of the cluster, how many or their names; 1 when absent, but 3 for the target gke in a region."""
    pod_range: PodRange | None = None
    """Address range of the pods, or only its prefix length: it bounds how many nodes there can be."""
    image_streaming: bool = False
    """Whether GKE's Image Streaming is on, which reserves more memory."""
    confidential: bool = False
    """Whether GKE's nodes are Confidential VMs, which hide more memory."""
    pod_networking: Literal["eni", "prefix", "custom"] = "eni"
    """How EKS gives pods their addresses: one each, prefixes of 16, or custom networking."""
    mesh: Literal["none", "istio"] = "none"
    """Service mesh that adds a sidecar to KPO pods."""
    overhead: Overhead = Overhead()
    """What runs on every node besides KPO pods."""
    reservations: Reservations | None = None
    """What the kubelets were told to reserve, in place of the platform's rule."""
    machine_types: dict[MachineName, OwnMachineType] = {}
    """Machine types of your own, by name."""
    catalog: FilePath | None = None
    """A file with more machine types; its path is relative to the spec."""
