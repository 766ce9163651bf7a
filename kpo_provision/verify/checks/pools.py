"""The check of a node pool: that it has a node which KPO pods can run on, and nothing else can."""

from __future__ import annotations

from typing import Any

from kpo_provision import plan
from kpo_provision.results import Outcome
from kpo_provision.verify.check import Check, Finding, failure
from kpo_provision.verify.subjects import PoolSubject

_SIMULATED_MARK = "kwok.x-k8s.io/node"
"""Annotation of nodes that kwok pretends to run."""


def is_simulated(node: dict[str, Any]) -> bool:
    """Tell whether a node runs nothing in truth."""
    metadata = node["metadata"]
    return _SIMULATED_MARK in metadata.get("annotations", {}) or metadata.get("labels", {}).get("type") == "kwok"


def _check_nodes(subject: PoolSubject) -> Finding:
    selector = ",".join(f"{key}={value}" for key, value in sorted(subject.pool.labels.items()))
    nodes = subject.api.list("Node", label_selector=selector)
    if not nodes and subject.pool.may_be_empty:
        return Finding(
            outcome=Outcome.SKIP,
            detail=f"pool {subject.pool.name} has no node now; its autoscaler makes one when a pod wants it",
        )
    if not nodes:
        return failure(f"no node carries the label {selector}")
    ready = [node for node in nodes if _is_ready(node)]
    if not ready:
        return failure(f"none of the {len(nodes)} nodes is Ready")
    bare = [node["metadata"]["name"] for node in nodes if not _has_taints(node, subject.pool)]
    if bare:
        wanted = ", ".join(f"{taint.key}={taint.value}:{taint.effect}" for taint in subject.pool.taints)
        return failure(f"{', '.join(bare)} lacks the taints {wanted}, so other pods may run there")
    names = ", ".join(sorted(node["metadata"]["name"] for node in ready))
    evidence = {"pool": subject.pool.name, "nodes": names}
    simulated = [node for node in ready if is_simulated(node)]
    if simulated:
        return Finding(
            outcome=Outcome.WARN,
            detail=f"{len(simulated)} of {len(ready)} Ready nodes are simulated: {names}",
            hint="pods are placed on a simulated node and never run; a real node is needed to prove more",
            evidence=evidence,
            simulated=True,
        )
    return Finding(detail=f"{len(ready)} of {len(nodes)} nodes Ready: {names}", evidence=evidence)


def _is_ready(node: dict[str, Any]) -> bool:
    conditions = node.get("status", {}).get("conditions", ())
    return any(found["type"] == "Ready" and found["status"] == "True" for found in conditions)


def _has_taints(node: dict[str, Any], pool: plan.PoolPlan) -> bool:
    found = {(t["key"], t.get("value", ""), t["effect"]) for t in node.get("spec", {}).get("taints", ())}
    return found >= {(taint.key, taint.value, taint.effect) for taint in pool.taints}


CHECKS = (
    Check(
        id="pool-nodes",
        description="pool {pool} has a Ready node with its label and taints",
        hint="add nodes to pool {pool}, or run `kpo-provision apply` to label and taint them",
        judge=_check_nodes,
    ),
)
