"""The nodes that hosts became, as the API server sees them: whether they are as planned, and who runs there."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence

from kpo_provision import errors, pools
from kpo_provision.kube.api import Api
from kpo_provision.plan import Plan
from kpo_provision.progress import Progress
from kpo_provision.results import Disruption
from kpo_provision.sizing.node import NodeShape
from kpo_provision.sizing.pools import InstallationSize
from kpo_provision.spec import model

_RUNNING = "status.phase!=Succeeded,status.phase!=Failed"


def find_drift(api: Api, spec: model.Installation, plan: Plan, size: InstallationSize) -> list[str]:
    """Say, a sentence each, where a host of the spec is no node as planned."""
    shapes = {pool.demand.name: pool.shape for pool in size.pools}
    nodes = {node["metadata"]["name"]: node for node in api.list("Node")}
    found: list[str] = []
    for pool in plan.pools:
        for name in spec.node_pools[pool.name].hosts:
            if name not in nodes:
                found.append(f"host {name} of pool {pool.name} is no node")
                continue
            facts = pools.parse_node(nodes[name])
            if not facts.ready:
                found.append(f"node {name} is not ready")
            if not pool.labels.items() <= facts.labels.items() or not set(pool.taints) <= set(facts.taints):
                found.append(f"node {name} lacks labels or taints of pool {pool.name}")
            found += _compare(name, facts.allocatable, shapes[pool.name])
    return found


def _compare(name: str, allocatable: Mapping[str, str], shape: NodeShape) -> Iterator[str]:
    planned = {
        "memory": f"{shape.allocatable.memory_ki}Ki",
        "pods": str(shape.max_pods),
    }
    for resource, amount in planned.items():
        if allocatable.get(resource) != amount:
            yield f"node {name} offers {resource} {allocatable.get(resource)}, and {amount} is planned"


def find_pods_to_end(api: Api, leaving: Sequence[str]) -> Disruption:
    """List the pods on nodes that leave which nobody makes again elsewhere: KPO's, and others without a controller."""
    pods: dict[str, tuple[str, ...]] = {}
    for node in leaving:
        names = sorted(f"{namespace}/{name}" for namespace, name in _list_bare(api, node))
        if names:
            pods[node] = tuple(names)
    return Disruption(pods=pods)


def end_pods(api: Api, leaving: Sequence[str], *, progress: Progress) -> None:
    """Keep new pods off nodes that leave, and end those that would be waited for."""
    with progress.step("End pods on hosts that leave", total=len(leaving)) as step:
        for node in leaving:
            step.say(node)
            with _absence_is_fine():
                api.patch("Node", node, None, {"spec": {"unschedulable": True}})
            for namespace, name in _list_bare(api, node):
                with _absence_is_fine():
                    api.delete("Pod", name, namespace)
            step.advance()


def delete_nodes(api: Api, nodes: Sequence[str]) -> None:
    """Delete the nodes of hosts that have left; their kubelets no longer run, which would make them again."""
    for node in nodes:
        with _absence_is_fine():
            api.delete("Node", node)


def _list_bare(api: Api, node: str) -> Iterator[tuple[str, str]]:
    for pod in api.list("Pod", field_selector=f"spec.nodeName={node},{_RUNNING}"):
        metadata = pod["metadata"]
        owners = metadata.get("ownerReferences") or ()
        if not any(owner.get("controller") for owner in owners):
            yield metadata["namespace"], metadata["name"]


@contextlib.contextmanager
def _absence_is_fine() -> Iterator[None]:
    try:
        yield
    except errors.ApiError as error:
        if not error.is_not_found:
            raise
