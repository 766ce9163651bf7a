"""Nodes that kwok plays, as objects of the cluster: there is nothing else to them."""

from __future__ import annotations

from kpo_provision.local import machine
from kpo_provision.local.api_client import ApiClient
from kpo_provision.local.nodes import NodeRecord
from kpo_provision.local.simulated.stages import MARK


def apply_node(api: ApiClient, record: NodeRecord) -> None:
    """Make the node exist, with its labels and taints."""
    key, value = MARK
    labels = {
        "kubernetes.io/arch": machine.read_architecture(),
        "kubernetes.io/hostname": record.name,
        "kubernetes.io/os": "linux",
        **record.labels,
    }
    metadata = {"name": record.name, "labels": labels, "annotations": {key: value}}
    taints = [{"key": key, "value": value, "effect": effect} for key, value, effect in record.taints]
    spec = {"spec": {"taints": taints}} if taints else {}
    api.apply(_path(record), {"apiVersion": "v1", "kind": "Node", "metadata": metadata, **spec})


def forget_conditions(api: ApiClient, record: NodeRecord) -> None:
    """Forget what an earlier kwok said of the node, so that it is Ready only once the present one says so."""
    api.patch(f"{_path(record)}/status", {"status": {"conditions": []}})


def _path(record: NodeRecord) -> str:
    return f"/api/v1/nodes/{record.name}"
