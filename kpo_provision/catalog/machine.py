"""What the catalog knows of a machine type."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kpo_provision.spec import nodes

_MIB = 2**20


class Cloud(enum.StrEnum):
    """Whose machine it is."""

    GCP = "gcp"
    AWS = "aws"
    AZURE = "azure"
    OWN = "own"
    """The user's own, named in the spec or on the command line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EniLimits:
    """Network interfaces of the default network card and IPv4 addresses on each (EC2)."""

    interfaces: int
    addresses: int
    is_nitro: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineType:
    """A machine type as its cloud lists it.

    ``memory_mib`` is nominal memory. Prices are list prices on demand in millionths of a US dollar an hour, None where
    unknown; ``spot_micro_usd`` likewise. ``is_burstable``: its vCPUs are shared or bought with credits (shared-core
    types of GCE, T families of EC2, B family of Azure), so what its pods request is not there all the time.
    ``capacity_ki`` is the memory that its kernel sees and ``storage_ki`` the size of its file system for pods, None
    where nobody stated them.
    """

    cloud: Cloud
    name: str
    family: str
    vcpu: int
    memory_mib: int
    architecture: str = "amd64"
    is_burstable: bool = False
    price_micro_usd: int | None = None
    spot_micro_usd: int | None = None
    eni: EniLimits | None = None
    capacity_ki: int | None = None
    storage_ki: int | None = None


def describe_own(name: str, described: nodes.OwnMachineType) -> MachineType:
    """Return the machine type that a user describes; a family of its own."""
    price, spot = described.price_per_hour, described.spot_price_per_hour
    return MachineType(
        cloud=Cloud.OWN,
        name=name,
        family=name,
        vcpu=described.cpu,
        memory_mib=described.memory.value // _MIB,
        architecture=described.architecture,
        price_micro_usd=price.nano // 1000 if price else None,
        spot_micro_usd=spot.nano // 1000 if spot else None,
        capacity_ki=described.capacity.value // 1024 if described.capacity else None,
        storage_ki=described.storage.value // 1024 if described.storage else None,
    )
