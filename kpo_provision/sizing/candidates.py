"""Which machine types come into question for a pool: the one it names, or all that its spec allows."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import TYPE_CHECKING

from kpo_provision import errors
from kpo_provision.catalog import Catalog, Cloud, MachineType
from kpo_provision.catalog.machine import describe_own
from kpo_provision.sizing.node import Platform
from kpo_provision.sizing.pool import PoolDemand

if TYPE_CHECKING:
    from kpo_provision.spec import nodes

CLOUDS = {Platform.GKE: Cloud.GCP, Platform.EKS: Cloud.AWS, Platform.AKS: Cloud.AZURE}
ANY_CLOUD = (Cloud.OWN, Cloud.GCP, Cloud.AWS, Cloud.AZURE)
"""Where machines of a platform are sought that runs on any cloud or none."""


def clouds_of(platform: Platform) -> tuple[Cloud, ...]:
    """Return the clouds whose machines a platform runs on."""
    return (CLOUDS[platform],) if platform in CLOUDS else ANY_CLOUD


def find_machines(
    demand: PoolDemand, catalog: Catalog, *, platform: Platform, own: Iterable[MachineType]
) -> tuple[MachineType, ...]:
    """Find the machine types of a pool; ``own`` are those of the spec, which win over the catalog's.

    Raises:
        errors.SizingError: There is no such machine type or family, or nothing to choose from.
    """
    by_name = {machine.name: machine for machine in own}
    if demand.machine_type is not None:
        return (by_name.get(demand.machine_type) or catalog.find(demand.machine_type, *clouds_of(platform)),)
    if demand.machine_families:
        clouds = dict.fromkeys((Cloud.OWN, *clouds_of(platform)))
        known = {machine.name: machine for cloud in clouds for machine in catalog.machines(cloud)} | by_name
        _require_families(demand, known.values())
        found = [machine for machine in known.values() if machine.family in demand.machine_families]
    else:
        listed = catalog.machines(CLOUDS.get(platform, Cloud.OWN))
        found = list(({machine.name: machine for machine in listed} | by_name).values())
    if not found:
        raise errors.SizingError(
            f"pool {demand.name} names no machine, and {platform} runs on any",
            hint=f"set nodePools.{demand.name}.machineType or machineFamilies, or describe machines of your own under "
            "sizing.machineTypes",
        )
    fitting = tuple(machine for machine in found if machine.architecture == demand.architecture)
    if not fitting:
        raise errors.SizingError(
            f"pool {demand.name} asks for {demand.architecture}, and no machine that it may have is of that kind",
            hint=f"change nodePools.{demand.name}.architecture or machineFamilies",
        )
    return fitting


def own_machines(described: dict[str, nodes.OwnMachineType]) -> tuple[MachineType, ...]:
    """Return the machine types that the spec describes itself."""
    return tuple(describe_own(name, machine) for name, machine in sorted(described.items()))


def _require_families(demand: PoolDemand, machines: Iterable[MachineType]) -> None:
    known = sorted({machine.family for machine in machines})
    for family in demand.machine_families:
        if family not in known:
            near = difflib.get_close_matches(family, known, n=3, cutoff=0.3)
            raise errors.SizingError(
                f"pool {demand.name} asks for the machine family {family}, which the catalog does not have",
                hint=f"nearest families: {', '.join(near or known[:10])}; `kpo-provision catalog refresh` reads the "
                "cloud's own list",
            )
