"""What a spec says of its nodes outright, and what follows from its target where it says nothing."""

from __future__ import annotations

from kpo_provision.sizing.node import Platform
from kpo_provision.spec import model

GKE_REGIONAL_ZONES = 3
"""Zones of a regional GKE cluster that names none (its documentation on regional clusters, read 2026-11-23)."""


def declared_platform(spec: model.Installation) -> Platform | None:
    """Return who installs the nodes, if the spec says it."""
    if spec.sizing.platform is not None:
        return Platform(spec.sizing.platform)
    if spec.target.self_hosted is not None:
        return Platform.SELF_HOSTED
    return Platform.GKE if spec.target.gke is not None else None


def declared_version(spec: model.Installation) -> str | None:
    """Return the version of the nodes, if the spec says one."""
    target = spec.target.gke or spec.target.self_hosted or spec.target.kubeconfig
    return spec.sizing.version or (target.version if target else None)


def count_zones(spec: model.Installation, pool: str) -> int:
    """Count the zones of a pool."""
    zones = spec.node_pools[pool].zones or spec.sizing.zones
    if zones is None:
        return GKE_REGIONAL_ZONES if spec.target.gke is not None and spec.target.gke.is_regional else 1
    return zones if isinstance(zones, int) else len(zones)
