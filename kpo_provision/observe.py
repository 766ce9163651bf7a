"""Reads what the live nodes of a pool are: capacity, allocatable, and what runs on each of them besides KPO pods.

Only reads. What follows from it is for ``sizing``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from kpo_provision import quantity
from kpo_provision.kube.api import Api
from kpo_provision.kube.kinds import Manifest
from kpo_provision.plan import PoolPlan
from kpo_provision.sizing import pods
from kpo_provision.sizing.observed import ObservedNode
from kpo_provision.sizing.resources import Resources

_NODE_BOUND = ("DaemonSet", "Node")
"""Owners of pods that every node has: DaemonSets, and the node itself of its static pods."""
_UNFINISHED = "status.phase!=Succeeded,status.phase!=Failed"
_INSTANCE_TYPE, _ARCHITECTURE = "node.kubernetes.io/instance-type", "kubernetes.io/arch"


def read_nodes(api: Api, pools: Sequence[PoolPlan]) -> tuple[ObservedNode, ...]:
    """Read the nodes of pools; those that are not marked as a pool's yet are told by its ``node_selector``.

    Raises:
        errors.ApiError: Nodes or pods may not be read.
    """
    overhead = _read_overhead(api)
    found = []
    for pool in pools:
        nodes = _list_nodes(api, pool.labels) or (_list_nodes(api, pool.node_selector) if pool.node_selector else [])
        found += [_parse_node(node, pool.name, overhead) for node in nodes]
    return tuple(found)


def _list_nodes(api: Api, labels: Mapping[str, str]) -> list[Manifest]:
    return api.list("Node", label_selector=",".join(f"{key}={value}" for key, value in labels.items()))


def _read_overhead(api: Api) -> Mapping[str, Resources]:
    by_node: defaultdict[str, Resources] = defaultdict(Resources)
    for pod in api.list("Pod", field_selector=_UNFINISHED):
        owners = pod["metadata"].get("ownerReferences") or ()
        if any(owner["kind"] in _NODE_BOUND for owner in owners):
            by_node[pod["spec"].get("nodeName", "")] += pods.effective_request(_parse_pod(pod["spec"]))
    return by_node


def _parse_node(node: Manifest, pool: str, overhead: Mapping[str, Resources]) -> ObservedNode:
    name, labels = node["metadata"]["name"], node["metadata"].get("labels") or {}
    status = node.get("status") or {}
    return ObservedNode(
        name=name,
        pool=pool,
        machine_type=labels.get(_INSTANCE_TYPE, ""),
        architecture=labels.get(_ARCHITECTURE, "amd64"),
        version=str((status.get("nodeInfo") or {}).get("kubeletVersion", "")),
        capacity=_parse_offer(status.get("capacity") or {}),
        allocatable=_parse_offer(status.get("allocatable") or {}),
        overhead=overhead.get(name, Resources()),
    )


def _parse_offer(amounts: Mapping[str, str]) -> Resources:
    """Parse what a node offers, rounded down."""
    return Resources(
        cpu_milli=_parse(amounts, "cpu").nano // 10**6,
        memory_ki=_parse(amounts, "memory").nano // 10**9 // 1024,
        pods=_parse(amounts, "pods").value,
        ephemeral_bytes=_parse(amounts, "ephemeral-storage").nano // 10**9,
    )


def _parse_pod(spec: Manifest) -> pods.PodSpec:
    resources = spec.get("resources") or {}
    return pods.PodSpec(
        containers=_parse_containers(spec.get("containers") or ()),
        init_containers=_parse_containers(spec.get("initContainers") or ()),
        requests=_parse_amounts(resources.get("requests") or {}),
        limits=_parse_amounts(resources.get("limits") or {}),
        overhead=_parse_overhead(spec.get("overhead") or {}),
    )


def _parse_containers(containers: Iterable[Manifest]) -> tuple[pods.Container, ...]:
    return tuple(
        pods.Container(
            requests=_parse_amounts((container.get("resources") or {}).get("requests") or {}),
            limits=_parse_amounts((container.get("resources") or {}).get("limits") or {}),
            is_sidecar=container.get("restartPolicy") == "Always",
        )
        for container in containers
    )


def _parse_amounts(amounts: Mapping[str, str]) -> pods.Amounts:
    """Parse what a pod asks for, rounded up."""
    return pods.Amounts(
        cpu_milli=_parse(amounts, "cpu").milli if "cpu" in amounts else None,
        memory_ki=_parse(amounts, "memory").ki if "memory" in amounts else None,
        ephemeral_bytes=_parse(amounts, "ephemeral-storage").value if "ephemeral-storage" in amounts else None,
    )


def _parse_overhead(amounts: Mapping[str, str]) -> Resources:
    return _parse_amounts(amounts).over(Resources())


def _parse(amounts: Mapping[str, str], name: str) -> quantity.Quantity:
    return quantity.parse_quantity(str(amounts.get(name, "0")))
