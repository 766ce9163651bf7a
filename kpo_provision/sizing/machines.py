"""Finds the machine that a user named, or takes it as described where the catalog does not know it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from kpo_provision import errors
from kpo_provision.catalog import Catalog, Cloud, EniLimits, MachineType, UnknownMachineError
from kpo_provision.sizing.candidates import clouds_of
from kpo_provision.sizing.node import Platform

_UNNAMED = "unnamed machine"


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """What a user says of a machine; None leaves it to the catalog."""

    name: str | None = None
    vcpu: int | None = None
    memory_mib: int | None = None
    architecture: str | None = None
    eni: EniLimits | None = None


def find_machine(
    described: Description, catalog: Catalog, *, platform: Platform
) -> tuple[MachineType, tuple[str, ...]]:
    """Return the machine type, and warnings where the description contradicts the catalog; the description wins.

    Raises:
        errors.SizingError: The catalog does not know it, and its CPUs or memory are not given; names the nearest.
    """
    clouds = clouds_of(platform)
    nearest: list[str] = []
    if described.name is not None:
        for cloud in clouds:
            try:
                return _amend(catalog.find(described.name, cloud), described)
            except UnknownMachineError as e:
                nearest += e.nearest
    if described.vcpu is None or described.memory_mib is None:
        raise _unknown(described.name, clouds, nearest)
    machine = MachineType(
        cloud=Cloud.OWN,
        name=described.name or _UNNAMED,
        family="",
        vcpu=described.vcpu,
        memory_mib=described.memory_mib,
        architecture=described.architecture or "amd64",
        eni=described.eni,
    )
    return machine, ()


def _amend(known: MachineType, described: Description) -> tuple[MachineType, tuple[str, ...]]:
    machine = replace(
        known,
        vcpu=known.vcpu if described.vcpu is None else described.vcpu,
        memory_mib=known.memory_mib if described.memory_mib is None else described.memory_mib,
        architecture=described.architecture or known.architecture,
        eni=described.eni or known.eni,
    )
    compared = (
        ("CPUs", known.vcpu, machine.vcpu),
        ("MiB of memory", known.memory_mib, machine.memory_mib),
        ("architecture", known.architecture, machine.architecture),
    )
    warnings = tuple(
        f"the catalog's {known.name} differs in {what}: {ours}, not {theirs}; worked out with {theirs}, as given"
        for what, ours, theirs in compared
        if ours != theirs
    )
    return machine, warnings


def _unknown(name: str | None, clouds: Sequence[Cloud], nearest: Sequence[str]) -> errors.SizingError:
    if name is None:
        return errors.SizingError(
            "nobody said which machine", hint="name a machine type, or give both its CPUs and its memory"
        )
    meant = f"nearest names: {', '.join(nearest)}; or give" if nearest else "give"
    return errors.SizingError(
        f"machine type {errors.clip(name)!r} is not in the catalog of {' or '.join(clouds)}",
        hint=f"{meant} both its CPUs and its memory",
    )
