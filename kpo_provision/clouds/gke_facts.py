"""What Google says of a cluster, of its node pools and of what it is doing to them. Asks nobody; only reads answers."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kpo_provision.plan import INSTALLATION_KEY, POOL_KEY, Taint

if TYPE_CHECKING:
    from google.cloud import container_v1

_EFFECTS = {
    "NO_SCHEDULE": "NoSchedule",
    "NO_EXECUTE": "NoExecute",
    "PREFER_NO_SCHEDULE": "PreferNoSchedule",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterName:
    """Where a cluster is found."""

    project: str
    location: str
    cluster: str

    @property
    def parent(self) -> str:
        """The location's path."""
        return f"projects/{self.project}/locations/{self.location}"

    @property
    def path(self) -> str:
        """The cluster's path."""
        return f"{self.parent}/clusters/{self.cluster}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterFacts:
    """A cluster as Google describes it.

    Attributes:
        authority: The cluster's CA as PEM; trust it, and no other, for ``server``.
        channel: Release channel in lower case; empty for a cluster in none.
        pod_range: The range that pods get their addresses from, in CIDR notation.
        workload_pool: Workload Identity's pool; empty where it is off.
        labels: Google's own labels, which say who made the cluster.
    """

    name: ClusterName
    server: str
    authority: str
    version: str
    channel: str
    pod_range: str
    zones: tuple[str, ...]
    status: str
    is_autopilot: bool
    workload_pool: str
    labels: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class LivePool:
    """A node pool that is there. Node counts are per zone, or None where the pool counts all zones together."""

    name: str
    status: str
    problem: str
    version: str
    machine_type: str
    zones: tuple[str, ...]
    min_per_zone: int | None
    max_per_zone: int | None
    total_min: int | None
    total_max: int | None
    max_pods: int
    labels: Mapping[str, str]
    taints: tuple[Taint, ...]
    spot: bool
    image_type: str
    disk_gib: int

    @property
    def pool(self) -> str | None:
        """The pool of a spec that it stands for; None for one that nobody made for a spec."""
        return self.labels.get(POOL_KEY)

    @property
    def is_broken(self) -> bool:
        """Whether Google could not make it: it is there by name, has no nodes and never gets any."""
        return self.status == "ERROR"

    def belongs_to(self, installation: str) -> bool:
        """Tell whether it was made for a pool of this installation's spec."""
        return self.pool is not None and self.labels.get(INSTALLATION_KEY) == installation


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """What Google has under a cluster's name: the cluster, None where there is none, and all of its node pools."""

    cluster: ClusterFacts | None = None
    pools: tuple[LivePool, ...] = ()

    def pools_of(self, installation: str) -> tuple[LivePool, ...]:
        """Pick the pools that were made for an installation's spec."""
        return tuple(pool for pool in self.pools if pool.belongs_to(installation))


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationFacts:
    """Something that Google is doing, or has done; ``error_code`` is 0 when nothing went wrong."""

    name: str
    kind: str
    target: str
    status: str
    error_code: int
    problem: str

    @property
    def is_done(self) -> bool:
        """Whether it has ended, well or not."""
        return self.status == "DONE"

    def __str__(self) -> str:
        return f"{self.kind} of {self.target.rpartition('/')[2]} is {self.status}"


def parse_cluster(name: ClusterName, found: container_v1.Cluster) -> ClusterFacts:
    """Read Google's ``Cluster``."""
    return ClusterFacts(
        name=name,
        server=f"https://{found.endpoint}",
        authority=base64.b64decode(found.master_auth.cluster_ca_certificate).decode(),
        version=found.current_master_version,
        channel=_channel(found.release_channel.channel.name),
        pod_range=found.ip_allocation_policy.cluster_ipv4_cidr_block or found.cluster_ipv4_cidr,
        zones=tuple(sorted(found.locations)),
        status=found.status.name,
        is_autopilot=found.autopilot.enabled,
        workload_pool=found.workload_identity_config.workload_pool,
        labels=dict(found.resource_labels),
    )


def parse_pool(found: container_v1.NodePool) -> LivePool:
    """Read Google's ``NodePool``."""
    scaling, config = found.autoscaling, found.config
    counts_total = bool(scaling.enabled and scaling.total_max_node_count)
    fixed = None if scaling.enabled else found.initial_node_count
    return LivePool(
        name=found.name,
        status=found.status.name,
        problem=found.status_message,
        version=found.version,
        machine_type=config.machine_type,
        zones=tuple(sorted(found.locations)),
        min_per_zone=None if counts_total else (scaling.min_node_count if fixed is None else fixed),
        max_per_zone=None if counts_total else (scaling.max_node_count if fixed is None else fixed),
        total_min=scaling.total_min_node_count if counts_total else None,
        total_max=scaling.total_max_node_count if counts_total else None,
        max_pods=found.max_pods_constraint.max_pods_per_node,
        labels=dict(config.labels),
        taints=tuple(
            Taint(key=taint.key, value=taint.value, effect=_EFFECTS.get(str(taint.effect.name), ""))
            for taint in config.taints
        ),
        spot=config.spot or config.preemptible,
        image_type=config.image_type,
        disk_gib=config.disk_size_gb,
    )


def parse_operation(found: container_v1.Operation) -> OperationFacts:
    """Read Google's ``Operation``."""
    return OperationFacts(
        name=found.name,
        kind=found.operation_type.name,
        target=found.target_link.partition("/v1/")[2] or found.target_link,
        status=found.status.name,
        error_code=found.error.code,
        problem=found.error.message or (found.status_message if found.error.code else ""),
    )


def _channel(name: str) -> str:
    return "" if name == "UNSPECIFIED" else name.lower()
