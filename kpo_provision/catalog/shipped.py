"""The machine types that are shipped with the package, with list prices; parsed cloud by cloud, when asked for."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_UP, Decimal

from kpo_provision.catalog import tables
from kpo_provision.catalog.machine import Cloud, EniLimits, MachineType

TABLES = {
    Cloud.GCP: "gcp_machine_types.csv",
    Cloud.AWS: "aws_machine_types.csv",
    Cloud.AZURE: "azure_machine_types.csv",
}

_BURSTABLE_AWS = frozenset({"t1", "t2", "t3", "t3a", "t4g"})
_BURSTABLE_AZURE = frozenset({"Bs"})


@dataclass(frozen=True, slots=True, kw_only=True)
class GcpFamily:
    """What holds for every machine of one GCE family; prices in US dollars an hour, None where unknown."""

    architecture: str = "amd64"
    per_vcpu: Decimal | None = None
    per_gib: Decimal | None = None
    spot_factor: Decimal | None = None

    def price(self, vcpu: int, memory_mib: int) -> Decimal | None:
        """Price a machine of this family, in US dollars an hour."""
        if self.per_vcpu is None or self.per_gib is None:
            return None
        return vcpu * self.per_vcpu + memory_mib * self.per_gib / 1024


_UNKNOWN_FAMILY = GcpFamily()


def read_machines(cloud: Cloud) -> tuple[MachineType, ...]:
    """Read one cloud's machine types; the user's own are not shipped."""
    match cloud:
        case Cloud.GCP:
            return tuple(map(_read_gcp, tables.read_rows(TABLES[cloud])))
        case Cloud.AWS:
            return tuple(map(_read_aws, tables.read_rows(TABLES[cloud])))
        case Cloud.AZURE:
            return tuple(map(_read_azure, tables.read_rows(TABLES[cloud])))
        case Cloud.OWN:
            return ()


@functools.cache
def read_gcp_families() -> dict[str, GcpFamily]:
    """Read what GCE's families cost."""
    return {
        row["family"]: GcpFamily(
            architecture=row["architecture"],
            per_vcpu=_parse_usd(row["usd_per_vcpu"]),
            per_gib=_parse_usd(row["usd_per_gib"]),
            spot_factor=_parse_usd(row["spot_factor"]),
        )
        for row in tables.read_rows("gcp_families.csv")
    }


def with_prices(machine: MachineType, known: Mapping[str, MachineType]) -> MachineType:
    """Add list prices to a machine type that a cloud's API listed without: those known by name, else by family."""
    if machine.name in known:
        same = known[machine.name]
        return replace(machine, price_micro_usd=same.price_micro_usd, spot_micro_usd=same.spot_micro_usd)
    if machine.cloud is Cloud.GCP:
        return _price_gcp(machine, None)
    return machine


def to_micro_usd(usd: Decimal | None) -> int | None:
    """Convert US dollars to whole millionths of one."""
    return None if usd is None else int((usd * 1_000_000).quantize(Decimal(1), rounding=ROUND_HALF_UP))


def _parse_usd(text: str) -> Decimal | None:
    return Decimal(text) if text else None


def _read_gcp(row: dict[str, str]) -> MachineType:
    family = row["name"].split("-")[0]
    machine = MachineType(
        cloud=Cloud.GCP,
        name=row["name"],
        family=family,
        vcpu=int(row["vcpu"]),
        memory_mib=int(row["memory_mib"]),
        architecture=read_gcp_families().get(family, _UNKNOWN_FAMILY).architecture,
        is_burstable=bool(row["is_shared_core"]),
    )
    return _price_gcp(machine, _parse_usd(row["usd_per_hour"]))


def _price_gcp(machine: MachineType, exception: Decimal | None) -> MachineType:
    """Price by family unless the machine is an exception. What local SSDs cost extra is not known."""
    family = read_gcp_families().get(machine.family, _UNKNOWN_FAMILY)
    price = exception or family.price(machine.vcpu, machine.memory_mib)
    if price is None or machine.name.endswith("lssd"):
        return machine
    spot = price * family.spot_factor if family.spot_factor else None
    return replace(machine, price_micro_usd=to_micro_usd(price), spot_micro_usd=to_micro_usd(spot))


def _read_aws(row: dict[str, str]) -> MachineType:
    family = row["name"].split(".")[0]
    return MachineType(
        cloud=Cloud.AWS,
        name=row["name"],
        family=family,
        vcpu=int(row["vcpu"]),
        memory_mib=int(row["memory_mib"]),
        architecture=row["architecture"],
        is_burstable=family in _BURSTABLE_AWS,
        price_micro_usd=to_micro_usd(_parse_usd(row["usd_per_hour"])),
        eni=EniLimits(
            interfaces=int(row["interfaces"]), addresses=int(row["addresses"]), is_nitro=row["is_nitro"] == "1"
        ),
    )


def _read_azure(row: dict[str, str]) -> MachineType:
    return MachineType(
        cloud=Cloud.AZURE,
        name=row["name"],
        family=row["family"],
        vcpu=int(row["vcpu"]),
        memory_mib=int(row["memory_mib"]),
        architecture=row["architecture"],
        is_burstable=row["family"] in _BURSTABLE_AZURE,
        price_micro_usd=to_micro_usd(_parse_usd(row["usd_per_hour"])),
    )
