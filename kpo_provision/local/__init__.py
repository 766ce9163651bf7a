"""The embedded cluster: a real Kubernetes on this one machine, in namespaces of its own, or without root simulated.

It is started and stopped by ``up`` and ``down``; nothing of it is left on the machine after ``down`` but its home.
"""

from kpo_provision.local.cluster import PROBE_IMAGE, LocalCluster, build, down, read_cluster, up
from kpo_provision.local.nodes import REGISTRY_SERVER
from kpo_provision.local.options import LocalOptions
from kpo_provision.local.pools import PoolNode, ensure_pools
from kpo_provision.local.recipes import KUBERNETES_VERSION
from kpo_provision.local.status import DaemonStatus, LocalStatus, NodeStatus, read_status

__all__ = [
    "KUBERNETES_VERSION",
    "PROBE_IMAGE",
    "REGISTRY_SERVER",
    "DaemonStatus",
    "LocalCluster",
    "LocalOptions",
    "LocalStatus",
    "NodeStatus",
    "PoolNode",
    "build",
    "down",
    "ensure_pools",
    "read_cluster",
    "read_status",
    "up",
]
