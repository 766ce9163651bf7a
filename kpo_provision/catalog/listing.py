"""The catalog: which machine types there are, where that is known from, and what a mistyped name probably meant."""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from kpo_provision import errors
from kpo_provision.catalog import refreshed, shipped, tables
from kpo_provision.catalog.machine import Cloud, MachineType

if TYPE_CHECKING:
    from kpo_provision.spec import nodes

_LONGEST_COMPARED = 64
_SIMILARITY = 0.6


class UnknownMachineError(errors.SizingError):
    """A machine type is in none of the catalog's sources."""

    def __init__(self, name: str, *, clouds: Sequence[Cloud], nearest: Sequence[str]) -> None:
        self.name = name
        self.clouds = tuple(clouds)
        self.nearest = tuple(nearest)
        meant = f"nearest names: {', '.join(self.nearest)}; " if self.nearest else ""
        super().__init__(
            f"machine type {errors.clip(name)!r} is not in the catalog of {', '.join(self.clouds)}",
            hint=f"{meant}`kpo-provision catalog show` lists what there is, `kpo-provision catalog refresh` reads the "
            "cloud's own list, and a catalog file adds machines of your own",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where a part of the catalog comes from, and when it was read."""

    cloud: Cloud
    description: str

    def __str__(self) -> str:
        return f"{self.cloud}: {self.description}"


class Catalog:
    """Machine types of every source. Each cloud's are parsed when they are first asked for."""

    def __init__(
        self,
        *,
        own: Sequence[MachineType] = (),
        own_source: Source | None = None,
        reservations: nodes.Reservations | None = None,
        refreshed_lists: Mapping[Cloud, refreshed.RefreshedList] | None = None,
        warnings: Sequence[str] = (),
    ) -> None:
        self.warnings = tuple(warnings)
        """What could not be read and is left out."""
        self.reservations = reservations
        """What the user's own file says that kubelets reserve."""
        self._own = tuple(own)
        self._own_source = own_source
        self._refreshed = dict(refreshed_lists or {})
        self._listed: dict[Cloud, dict[str, MachineType]] = {}
        self._shipped: dict[Cloud, dict[str, MachineType]] = {}

    @property
    def sources(self) -> tuple[Source, ...]:
        """Where the machine types of each cloud come from, the user's own last."""
        described = [
            Source(
                cloud=cloud,
                description=self._refreshed[cloud].description
                if cloud in self._refreshed
                else tables.read_source(table),
            )
            for cloud, table in shipped.TABLES.items()
        ]
        return (*described, self._own_source) if self._own_source else tuple(described)

    def machines(self, cloud: Cloud) -> tuple[MachineType, ...]:
        """Return the machine types to choose from: what the cloud's API listed when last asked, else what is shipped.

        The user's own win over both.
        """
        return tuple(self._list(cloud).values())

    def find(self, name: str, *clouds: Cloud) -> MachineType:
        """Return one machine type of ``clouds`` or of the user's own, even if its zone or region does not list it.

        Raises:
            UnknownMachineError: There is no such machine type; carries the nearest names.
        """
        places = [self._list(cloud) for cloud in (Cloud.OWN, *clouds)] + [self._ship(cloud) for cloud in clouds]
        for known in places:
            if name in known:
                return known[name]
        names = [known for place in places for known in place]
        raise UnknownMachineError(name, clouds=clouds, nearest=_name_nearest(name, names))

    def _list(self, cloud: Cloud) -> dict[str, MachineType]:
        if cloud not in self._listed:
            found = self._refreshed.get(cloud)
            listed = self._ship(cloud)
            if found is not None:
                listed = {machine.name: shipped.with_prices(machine, listed) for machine in found.machines}
            self._listed[cloud] = listed | {machine.name: machine for machine in self._own if machine.cloud is cloud}
        return self._listed[cloud]

    def _ship(self, cloud: Cloud) -> dict[str, MachineType]:
        if cloud not in self._shipped:
            self._shipped[cloud] = {machine.name: machine for machine in shipped.read_machines(cloud)}
        return self._shipped[cloud]


def load_catalog(extra: Path | None = None, *, folder: Path | None = None) -> Catalog:
    """Load the catalog.

    Args:
        extra: A file of the user's own machine types and reservations, believed before all else (see ``own``).
        folder: Where ``catalog refresh`` writes; the user's cache unless given. What cannot be read there is left out,
            with a warning.

    Raises:
        errors.SpecError: ``extra`` cannot be read, or is wrong; carries every problem with its line.
    """
    lists, warnings = refreshed.load_lists(folder or refreshed.cache_folder(os.environ))
    if extra is None:
        return Catalog(refreshed_lists=lists, warnings=warnings)
    # Only those who have such a file wait for the YAML parser and the model of a spec.
    from kpo_provision.catalog import own

    given = own.load_own(extra)
    return Catalog(
        own=given.machines,
        own_source=Source(cloud=Cloud.OWN, description=str(extra)),
        reservations=given.reservations,
        refreshed_lists=lists,
        warnings=warnings,
    )


def _name_nearest(name: str, names: Sequence[str]) -> tuple[str, ...]:
    """Return up to three names that were probably meant; upper and lower case are not told apart."""
    spelled = {known.casefold(): known for known in names}
    near = difflib.get_close_matches(name.strip().casefold()[:_LONGEST_COMPARED], spelled, n=3, cutoff=_SIMILARITY)
    return tuple(spelled[match] for match in near)
