"""Carries out in Terraform's state what ``gke_mending`` decided. Killed at any point, the next run decides again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from kpo_provision import terraform
from kpo_provision.spec import gke
from kpo_provision.target.gke_mending import Mend, MendKind
from kpo_provision.terraform import ChangeKind, Driver, PlanSummary

_PARKED = "parked"


def declare_imports(driver: Driver, target: gke.GkeTarget, mends: Iterable[Mend]) -> None:
    """Have the next plan import what only needs that."""
    driver.declare_imports({mend.place: _identify(target, mend) for mend in mends if mend.kind is MendKind.IMPORT})


def import_now(driver: Driver, target: gke.GkeTarget, mends: Iterable[Mend]) -> None:
    """Import it at once: a plan to destroy everything heeds no import block."""
    for mend in mends:
        if mend.kind is MendKind.IMPORT:
            driver.import_resource(mend.place, _identify(target, mend))


def mend_state(driver: Driver, target: gke.GkeTarget, summary: PlanSummary, mends: Sequence[Mend]) -> None:
    """Do all that needs more than an import block, in order."""
    occupied = {resource.address for resource in summary.known}
    for mend in mends:
        match mend.kind:
            case MendKind.RESTORE:
                driver.move(mend.address, mend.place)
                occupied.add(mend.place)
            case MendKind.UNTAINT:
                driver.untaint(mend.address)
            case MendKind.RETIRE | MendKind.REMOVE:
                retired = _retire(driver, target, mend, is_occupied=mend.place in occupied)
                occupied -= {mend.address}
                if mend.kind is MendKind.REMOVE:
                    _delete(driver, retired)
            case MendKind.IMPORT:
                pass  # an import block does it


def _retire(driver: Driver, target: gke.GkeTarget, mend: Mend, *, is_occupied: bool) -> str:
    """Bring a pool to an address that the root does not have. Terraform imports only to one that it has."""
    place, retired = mend.place, terraform.address_retired(mend.name)
    if mend.address:
        driver.move(mend.address, retired)
        return retired
    parked = terraform.address_retired(f"{mend.name} {_PARKED}")
    if is_occupied:
        driver.move(place, parked)
    driver.import_resource(place, _identify(target, mend))
    driver.move(place, retired)
    if is_occupied:
        driver.move(parked, place)
    return retired


def _identify(target: gke.GkeTarget, mend: Mend) -> str:
    if mend.place == terraform.CLUSTER_ADDRESS:
        return terraform.identify_cluster(target)
    return terraform.identify_pool(target, mend.name)


def _delete(driver: Driver, address: str) -> None:
    """Delete what never had a node, before a pool of the same name is made."""
    summary = driver.plan(destroy=True, targets=[address])
    if summary.count(ChangeKind.DELETE):
        driver.apply(summary)
