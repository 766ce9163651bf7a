"""What a node pool is asked to hold, and the pool that holds it.

Only the values that others read and write: ``demand`` makes a ``PoolDemand`` of a spec, ``choice`` answers with a
``PoolSize``, ``report`` prints it. Decides nothing.
"""

from __future__ import annotations

import enum
import functools
import operator
from dataclasses import dataclass

from kpo_provision.sizing.node import NodeShape, Reason
from kpo_provision.sizing.resources import Resources

HOURS_A_MONTH = 730
"""Hours by which the clouds' price lists turn an hour into a month (365 days in 12 months)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """What the pods of one tenant may request together: its quota, less what its own Airflow needs elsewhere."""

    tenant: str
    resources: Resources


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolDemand:
    """One pool to size.

    ``largest_pod`` is what the scheduler counts for the largest pod that may be created, sidecars and overhead of its
    runtime included; None where the spec limits no pod. ``min_nodes`` and ``max_nodes`` are of the whole pool, all
    zones together; None leaves the maximum to sizing. ``surge_nodes`` come on top while nodes are replaced.
    ``pod_range_prefix`` is the prefix length of the range that all the pool's pods get their addresses from, None
    where the platform gives nodes no block of it. ``max_pods`` pins the pods per node, None leaves them to sizing.
    ``largest_memory_text`` is the largest pod's memory as its author wrote it, ``13.01G``; empty where nobody did.
    """

    name: str
    promises: tuple[Promise, ...]
    largest_pod: Resources | None = None
    largest_memory_text: str = ""
    machine_type: str | None = None
    machine_families: tuple[str, ...] = ()
    architecture: str = "amd64"
    spot: bool = False
    zones: int = 1
    min_nodes: int = 0
    max_nodes: int | None = None
    surge_nodes: int = 1
    pod_range_prefix: int | None = None
    max_pods: int | None = None

    @property
    def promised(self) -> Resources:
        """All promises together."""
        return functools.reduce(operator.add, (promise.resources for promise in self.promises), Resources())

    @property
    def least_per_zone(self) -> int:
        """So many nodes in each zone that ``min_nodes`` is kept."""
        return -(-self.min_nodes // self.zones)


class WarningCode(enum.StrEnum):
    """What a warning is about; stable, for machines."""

    ALLOCATABLE_IS_NOT_SCHEDULABLE = "ALLOCATABLE_IS_NOT_SCHEDULABLE"
    AU_MAXIMUM_DOES_NOT_FIT = "AU_MAXIMUM_DOES_NOT_FIT"
    ENI_POD_LIMIT = "ENI_POD_LIMIT"
    GKE_1_37_MEMORY_RULE = "GKE_1_37_MEMORY_RULE"
    LARGEST_POD_ASSUMED = "LARGEST_POD_ASSUMED"
    MAXIMUM_NEEDS_GOOD_ORDER = "MAXIMUM_NEEDS_GOOD_ORDER"
    MORE_THAN_110_PODS = "MORE_THAN_110_PODS"
    NODE_MODEL = "NODE_MODEL"
    PRICE_UNKNOWN = "PRICE_UNKNOWN"
    QUOTA_NO_POOL_CAN_HOLD = "QUOTA_NO_POOL_CAN_HOLD"
    SIDECAR_EXCEEDS_QUOTA = "SIDECAR_EXCEEDS_QUOTA"
    UNIT = "UNIT"


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolWarning:
    """Something that works as planned and yet may surprise: what, and what to do about it."""

    code: WarningCode
    sentence: str
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeCounts:
    """How many nodes, for an autoscaler that counts per zone.

    ``range_limit`` is how many nodes the pods' address range can hold, None where nothing limits them.
    """

    zones: int
    min_per_zone: int
    max_per_zone: int
    surge: int
    range_limit: int | None = None

    @property
    def minimum(self) -> int:
        """Nodes that are always there, all zones together."""
        return self.min_per_zone * self.zones

    @property
    def maximum(self) -> int:
        """Nodes that the autoscaler may make, all zones together, without surge."""
        return self.max_per_zone * self.zones


@dataclass(frozen=True, slots=True, kw_only=True)
class Alternative:
    """A machine type that was weighed and lost. ``why`` says by what."""

    shape: NodeShape
    nodes_at_promise: int
    lower_bound: int
    nodes_in_any_order: int
    micro_usd_per_hour: int | None
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolSize:
    """A pool, sized.

    ``largest_pod`` is the one planned for. ``nodes_at_promise`` hold every promise used to the full, well packed: what
    the pool then costs. ``lower_bound`` is the number of nodes that no packing can beat. ``nodes_in_any_order`` hold
    every promise whatever its pods are and in whatever order a scheduler places them: the autoscaler's maximum.
    ``nodes`` is that, rounded to zones and kept within the spec's limits. ``micro_usd_per_node_hour`` is the list price
    paid, the spot price for a spot pool; None where unknown.
    """

    demand: PoolDemand
    shape: NodeShape
    largest_pod: Resources
    nodes_at_promise: int
    lower_bound: int
    nodes_in_any_order: int
    nodes: NodeCounts
    micro_usd_per_node_hour: int | None
    alternatives: tuple[Alternative, ...]
    reasons: tuple[Reason, ...]
    warnings: tuple[PoolWarning, ...]

    @property
    def paid_nodes(self) -> int:
        """Nodes paid for while every promise is used to the full."""
        return max(self.nodes_at_promise, self.nodes.minimum)

    @property
    def micro_usd_per_hour(self) -> int | None:
        """List price of the pool while every promise is used to the full."""
        return None if self.micro_usd_per_node_hour is None else self.paid_nodes * self.micro_usd_per_node_hour

    @property
    def most_micro_usd_per_hour(self) -> int | None:
        """List price of the pool while the autoscaler has made all the nodes that it may."""
        return None if self.micro_usd_per_node_hour is None else self.nodes.maximum * self.micro_usd_per_node_hour

    @property
    def gap(self) -> int:
        """Nodes by which the packing may be above the best one there is."""
        return self.nodes_at_promise - self.lower_bound
