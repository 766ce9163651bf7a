"""What a cloud's API listed when ``catalog refresh`` last asked it: one JSON file a cloud, in the user's cache.

A file that cannot be used is named in a warning and left out: the shipped tables serve, and nothing fails offline.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kpo_provision import errors
from kpo_provision.catalog.machine import Cloud, EniLimits, MachineType
from kpo_provision.whole_files import replace_file

SCHEMA = "kpo-provision/catalog/v1"
REFRESHABLE = (Cloud.GCP, Cloud.AWS)
"""The clouds that can be asked."""
_MAX_BYTES = 20_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshedList:
    """Machine types as one cloud listed them.

    ``scope`` is what was asked for (``region eu-west-1``), ``read_on`` the date.
    """

    cloud: Cloud
    scope: str
    read_on: str
    machines: tuple[MachineType, ...]

    @property
    def description(self) -> str:
        """Say where the list comes from."""
        return f"{len(self.machines)} machine types of {self.scope}, read from the cloud's API on {self.read_on}"


def cache_folder(environ: Mapping[str, str]) -> Path:
    """Return the folder of the refreshed lists."""
    caches = Path(environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return caches / "kpo-provision" / "catalog"


def load_lists(folder: Path) -> tuple[dict[Cloud, RefreshedList], tuple[str, ...]]:
    """Load every refreshed list in ``folder``, and say which of them cannot be used."""
    lists, warnings = {}, []
    for cloud in REFRESHABLE:
        path = folder / f"{cloud}.json"
        try:
            if path.exists():
                lists[cloud] = parse_list(_read_text(path), cloud=cloud)
        except (OSError, ValueError) as e:
            reason = e.strerror if isinstance(e, OSError) else str(e)
            warnings.append(
                f"{path} cannot be used ({reason}), so the shipped list of {cloud} serves; "
                f"`kpo-provision catalog refresh --cloud {cloud}` writes it anew"
            )
    return lists, tuple(warnings)


def save_list(found: RefreshedList, folder: Path) -> Path:
    """Write a list to ``folder``, whole or not at all, and return its path.

    Raises:
        errors.UsageError: The file cannot be written.
    """
    path = folder / f"{found.cloud}.json"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        replace_file(path, render_list(found).encode(), mode=0o666)
    except OSError as e:
        raise errors.UsageError(
            f"{path} cannot be written: {e.strerror}", hint="free space there, or choose another XDG_CACHE_HOME"
        ) from e
    return path


def render_list(found: RefreshedList) -> str:
    """Write a list as JSON, one machine type a line."""
    head = {"schema": SCHEMA, "cloud": found.cloud, "scope": found.scope, "readOn": found.read_on}
    machines = sorted(
        found.machines, key=lambda machine: (machine.family, machine.vcpu, machine.memory_mib, machine.name)
    )
    rows = ",\n".join(f"  {json.dumps(_to_row(machine))}" for machine in machines)
    return json.dumps(head)[:-1] + f', "machines": [\n{rows}\n]}}\n'


def parse_list(text: str, *, cloud: Cloud) -> RefreshedList:
    """Parse a list; raises ``ValueError`` that says what is wrong with it."""
    try:
        document = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as e:
        raise ValueError("it is not JSON") from e
    match document:
        case {
            "schema": str(schema),
            "cloud": str(listed),
            "scope": str(scope),
            "readOn": str(read_on),
            "machines": [_, *_] as rows,
        } if (schema, listed) == (SCHEMA, cloud):
            machines = tuple(_parse_row(row, cloud=cloud) for row in rows)
            return RefreshedList(cloud=cloud, scope=scope, read_on=read_on, machines=machines)
        case _:
            raise ValueError(f"it is no {SCHEMA} of {cloud}")


def _read_text(path: Path) -> str:
    if path.stat().st_size > _MAX_BYTES:
        raise ValueError(f"it is larger than {_MAX_BYTES // 10**6} MB")
    return path.read_text(encoding="utf-8")


def _to_row(machine: MachineType) -> dict[str, Any]:
    row: dict[str, Any] = {
        "name": machine.name,
        "family": machine.family,
        "vcpu": machine.vcpu,
        "memoryMiB": machine.memory_mib,
        "architecture": machine.architecture,
    }
    if machine.is_burstable:
        row["burstable"] = True
    if machine.eni is not None:
        row["eni"] = [machine.eni.interfaces, machine.eni.addresses, machine.eni.is_nitro]
    return row


def _parse_row(row: object, *, cloud: Cloud) -> MachineType:
    match row:
        case {
            "name": str(name),
            "family": str(family),
            "vcpu": int(vcpu),
            "memoryMiB": int(memory_mib),
            "architecture": str(architecture),
            **rest,
        } if min(vcpu, memory_mib) > 0:
            return MachineType(
                cloud=cloud,
                name=name,
                family=family,
                vcpu=vcpu,
                memory_mib=memory_mib,
                architecture=architecture,
                is_burstable=rest.get("burstable") is True,
                eni=_parse_eni(rest.get("eni")),
            )
        case _:
            raise ValueError(f"it has a machine type that is none: {errors.clip(json.dumps(row))}")


def _parse_eni(value: object) -> EniLimits | None:
    match value:
        case [int(interfaces), int(addresses), bool(is_nitro)] if min(interfaces, addresses) > 0:
            return EniLimits(interfaces=interfaces, addresses=addresses, is_nitro=is_nitro)
        case _:
            return None
