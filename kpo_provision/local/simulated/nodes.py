"""Nodes that kwok plays, as objects of the cluster: there is nothing else to them."""

from __future__ import annotations

from kpo_provision.local.api_client import ApiClient
from kpo_provision.local.nodes import NodeRecord
from kpo_provision.local.simulated.stages import MARK


def apply_node(api: ApiClient, record: NodeRecord) -> None:
    """Make the node exist, and let kwok say anew that it is Ready."""
    path = f"/api/v1/nodes/{record.name}"
    key, value = MARK
    labels = {"kubernetes.io/hostname": record.name, "kubernetes.io/os": "linux", **record.labels}
    metadata = {"name": record.name, "labels": labels, "annotations": {key: value}}
    taints = [{"key": key, "value": value, "effect": effect} for key, value, effect in record.taints]
    spec = {"spec": {"taints": taints}} if taints else {}
    api.apply(path, {"apiVersion": "v1", "kind": "Node", "metadata": metadata, **spec})
    api.patch(f"{path}/status", {"status": {"conditions": []}})
