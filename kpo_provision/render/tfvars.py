"""From a spec and its sized pools to the values of the Terraform root: plain values for a serializer, never a template.

Holds what the spec decides and leaves the rest to the defaults of ``variables.tf``. Nothing in it is secret.
"""

from __future__ import annotations

from typing import Any

from kpo_provision.sizing.node import NodeImage
from kpo_provision.sizing.pool import PoolSize
from kpo_provision.sizing.pools import InstallationSize
from kpo_provision.sizing.requests import DISK_GIB
from kpo_provision.spec import gke, model, nodes

_IMAGE_TYPES = {NodeImage.COS: "COS_CONTAINERD", NodeImage.UBUNTU: "UBUNTU_CONTAINERD"}
CLUSTER_LABEL = "kpo-provision-installation"
"""Google's own label on a cluster that is made: the installation's name. Its keys have no dots and slashes."""


def render_tfvars(spec: model.Installation, target: gke.GkeTarget, size: InstallationSize) -> dict[str, Any]:
    """Render the root's variables for ``target``, which is the one of ``spec``."""
    variables: dict[str, Any] = {
        "project": target.project,
        "location": target.location,
        "cluster": _render_cluster(spec, target),
        "installation": spec.metadata.name,
        "node_pools": {pool.demand.name: _render_pool(spec, pool) for pool in size.pools},
    }
    if target.node_service_account is not None:
        variables["service_account"] = {"email": target.node_service_account}
    return variables


def _render_cluster(spec: model.Installation, target: gke.GkeTarget) -> dict[str, Any]:
    cluster: dict[str, Any] = {"name": target.cluster, "create": target.create}
    if not target.create:
        return cluster
    cluster["labels"] = {CLUSTER_LABEL: spec.metadata.name}
    cluster["version"] = spec.sizing.version.removeprefix("v") if spec.sizing.version else target.version
    if isinstance(spec.sizing.zones, tuple):
        cluster["zones"] = sorted(spec.sizing.zones)
    networks = {"network": target.network, "subnetwork": target.subnetwork}
    return cluster | {key: name for key, name in networks.items() if name is not None}


def _render_pool(spec: model.Installation, size: PoolSize) -> dict[str, Any]:
    wanted, sizing = spec.node_pools[size.demand.name], spec.sizing
    pool: dict[str, Any] = {
        "machine_type": size.shape.machine.name,
        "min_nodes_per_zone": size.nodes.min_per_zone,
        "max_nodes_per_zone": size.nodes.max_per_zone,
        "max_pods_per_node": size.shape.max_pods,
        "dedicated": wanted.dedicated,
        "spot": wanted.spot,
        "image_type": _IMAGE_TYPES[NodeImage(sizing.os or NodeImage.COS)],
        "image_streaming": sizing.image_streaming,
        "confidential": sizing.confidential,
        "disk": {"size_gb": wanted.disk.value // 2**30 if wanted.disk else DISK_GIB},
        # An upgrade needs one or the other: a node more, or a node less.
        "upgrade": {"max_surge": wanted.surge, "max_unavailable": 0 if wanted.surge else 1},
    }
    zones = _name_zones(wanted, sizing)
    return {**pool, "zones": zones} if zones else pool


def _name_zones(wanted: nodes.NodePool, sizing: nodes.Sizing) -> list[str] | None:
    zones = wanted.zones or sizing.zones
    return sorted(zones) if isinstance(zones, tuple) else None
