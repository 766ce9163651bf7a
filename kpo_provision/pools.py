"""Marks the nodes of a pool on clusters whose nodes we did not make, and says what a pool's nodes are.

Touches a node's pool label and pool taints alone, and takes them away only where its own mark says that it put them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from kpo_provision import errors, plan
from kpo_provision.kube.api import Api
from kpo_provision.kube.kinds import Manifest
from kpo_provision.plan import PoolPlan, Taint
from kpo_provision.progress import Progress
from kpo_provision.results import Action, Change

_ATTEMPTS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeFacts:
    """A node as far as a pool is concerned."""

    name: str
    ready: bool
    labels: Mapping[str, str]
    taints: tuple[Taint, ...]
    allocatable: Mapping[str, str]
    simulated: bool
    """No kubelet runs there; kwok answers for it."""


def read_pool_nodes(api: Api, pool: PoolPlan) -> tuple[NodeFacts, ...]:
    """Read the nodes that carry a pool's labels."""
    selector = ",".join(f"{key}={value}" for key, value in pool.labels.items())
    return tuple(parse_node(node) for node in api.list("Node", label_selector=selector))


def label_nodes(api: Api, pools: Sequence[PoolPlan], *, progress: Progress) -> tuple[Change, ...]:
    """Put labels and taints on the nodes that a pool's ``node_selector`` matches; a pool without one is left alone.

    Raises:
        errors.ClusterError: A node matches two pools, or belongs to one that others made.
    """
    marked = {pool.name: pool for pool in pools if pool.node_selector}
    with progress.step("Label nodes") as step:
        changes = []
        for node in api.list("Node"):
            step.say(node["metadata"]["name"])
            change = _settle(api, node, marked)
            if change:
                changes.append(change)
        return tuple(changes)


def settle_members(api: Api, members: Mapping[str, PoolPlan], *, installation: str) -> tuple[Change, ...]:
    """See to it that nodes which are ours are in their pools: a kubelet says so only when it joins for the first time.

    Raises:
        errors.ClusterError: The cluster does not answer, or refuses.
    """
    changes = []
    for node in api.list("Node"):
        name = node["metadata"]["name"]
        pool = members.get(name)
        if pool is None:
            continue
        labels = {**pool.labels, plan.INSTALLATION_KEY: installation}
        taints = [*_foreign_taints(node), *_rendered_taints(pool)]
        if labels.items() <= (node["metadata"].get("labels") or {}).items() and _same(taints, _taints(node)):
            continue
        body = {
            "metadata": {"resourceVersion": node["metadata"]["resourceVersion"], "labels": labels},
            "spec": {"taints": taints},
        }
        api.patch("Node", name, None, body)
        changes.append(
            Change(action=Action.UPDATE, kind="Node", namespace="", name=name, detail=f"joins pool {pool.name}")
        )
    return tuple(changes)


def _settle(api: Api, node: Manifest, pools: Mapping[str, PoolPlan]) -> Change | None:
    name = node["metadata"]["name"]
    for attempt in range(_ATTEMPTS):
        wanted = _pool_of(node, pools)
        patch = _join(node, wanted) if wanted else _leave(node)
        if not patch:
            return None
        try:
            api.patch("Node", name, None, patch)
        except errors.ApiError as error:
            if error.status != 409 or attempt == _ATTEMPTS - 1:
                raise
            node = api.read("Node", name)  # somebody else changed it in between
            continue
        detail = f"joins pool {wanted.name}" if wanted else f"leaves pool {_annotations(node)[plan.MARK_KEY]}"
        return Change(action=Action.UPDATE, kind="Node", namespace="", name=name, detail=detail)
    return None


def _pool_of(node: Manifest, pools: Mapping[str, PoolPlan]) -> PoolPlan | None:
    labels = node["metadata"].get("labels") or {}
    name = node["metadata"]["name"]
    matching = [pool for pool in pools.values() if pool.node_selector.items() <= labels.items()]
    if len(matching) > 1:
        names = " and ".join(pool.name for pool in matching)
        raise errors.ClusterError(
            f"node {name} matches pools {names}", hint="make their nodeSelectors exclude each other"
        )
    if (
        matching
        and labels.get(plan.POOL_KEY, matching[0].name) != matching[0].name
        and plan.MARK_KEY not in _annotations(node)
    ):
        raise errors.ClusterError(
            f"node {name} matches pool {matching[0].name} and already is in pool {labels[plan.POOL_KEY]}, "
            "which kpo-provision did not put it in",
            hint=f"remove its label {plan.POOL_KEY}, or narrow the pool's nodeSelector",
        )
    return matching[0] if matching else None


def _join(node: Manifest, pool: PoolPlan) -> Manifest | None:
    labels = node["metadata"].get("labels") or {}
    taints = [*_foreign_taints(node), *_rendered_taints(pool)]
    if pool.labels.items() <= labels.items() and _same(taints, _taints(node)):
        return None
    return _patch(node, labels=dict(pool.labels), mark=pool.name, taints=taints)


def _leave(node: Manifest) -> Manifest | None:
    if plan.MARK_KEY not in _annotations(node):
        return None
    return _patch(node, labels={plan.POOL_KEY: None}, mark=None, taints=list(_foreign_taints(node)))


def _patch(
    node: Manifest, *, labels: Mapping[str, str | None], mark: str | None, taints: list[dict[str, str]]
) -> Manifest:
    return {
        "metadata": {
            "resourceVersion": node["metadata"]["resourceVersion"],
            "labels": labels,
            "annotations": {plan.MARK_KEY: mark},
        },
        "spec": {"taints": taints},
    }


def _annotations(node: Manifest) -> Mapping[str, str]:
    return node["metadata"].get("annotations") or {}


def _taints(node: Manifest) -> list[dict[str, str]]:
    return node.get("spec", {}).get("taints") or []


def _foreign_taints(node: Manifest) -> Iterator[dict[str, str]]:
    return (taint for taint in _taints(node) if taint["key"] != plan.POOL_KEY)


def _rendered_taints(pool: PoolPlan) -> list[dict[str, str]]:
    return [{"key": taint.key, "value": taint.value, "effect": taint.effect} for taint in pool.taints]


def _same(wanted: list[dict[str, str]], found: list[dict[str, str]]) -> bool:
    def identify(taints: list[dict[str, str]]) -> set[tuple[str, str, str]]:
        return {(taint["key"], taint.get("value", ""), taint["effect"]) for taint in taints}

    return identify(wanted) == identify(found)


def parse_node(node: Manifest) -> NodeFacts:
    """Parse what a pool's owner has to know of a node."""
    metadata, status = node["metadata"], node.get("status") or {}
    conditions = {condition["type"]: condition["status"] for condition in status.get("conditions") or ()}
    labels = metadata.get("labels") or {}
    return NodeFacts(
        name=metadata["name"],
        ready=conditions.get("Ready") == "True",
        labels=labels,
        taints=tuple(
            Taint(key=taint["key"], value=taint.get("value", ""), effect=taint["effect"]) for taint in _taints(node)
        ),
        allocatable=status.get("allocatable") or {},
        simulated="kwok.x-k8s.io/node" in _annotations(node) or labels.get("type") == "kwok",
    )
