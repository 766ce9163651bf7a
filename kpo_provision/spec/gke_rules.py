"""Rules on a GKE target that need more than one field of a spec.

What GKE and the Terraform modules would refuse only at plan time is refused here, at its line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from kpo_provision import errors, quantity
from kpo_provision.spec.document import Node

POOL_NAME = re.compile(r"[a-z]([-a-z0-9]{0,31}[a-z0-9])?")
"""GKE allows 40 characters; the suffix by which a pool is replaced without an outage takes 7."""
SMALLEST_DISK = "12Gi"
"""What Container-Optimized OS needs to boot."""


def find_broken_rules(document: Node) -> Iterator[errors.SpecIssue]:
    """Find everything about a GKE target that breaks a rule between fields."""
    target, sizing = document.at("target", "gke"), document.at("sizing")
    if not target.exists:
        return
    yield from _check_cluster(target)
    yield from _check_sizing(sizing, target)
    yield from _check_zones(sizing.at("zones"), target)
    for name, pool in document.at("nodePools").entries.items():
        yield from _check_pool(name, pool, target)


def _check_cluster(target: Node) -> Iterator[errors.SpecIssue]:
    for key in ("network", "subnetwork"):
        if target.at(key).exists and target.at("create").value is not True:
            yield target.at(key).issue(
                "is about a cluster that is made, and this one is not", allowed="leave it out", at_key=True
            )


def _check_sizing(sizing: Node, target: Node) -> Iterator[errors.SpecIssue]:
    platform, version = sizing.at("platform"), sizing.at("version")
    if platform.text and platform.text != "gke":
        yield platform.issue("is not that of target.gke", allowed="leave it out")
    minor = target.at("version").text
    if minor and version.text and not re.match(rf"v?{re.escape(minor)}([.+-]|$)", version.text):
        yield version.issue(f"is not a version of {minor}, which is that of target.gke", allowed="leave it out")


def _check_pool(name: str, pool: Node, target: Node) -> Iterator[errors.SpecIssue]:
    if not POOL_NAME.fullmatch(name):
        yield pool.issue(
            "must begin with a letter and have 33 characters at most on GKE, whose names of pools have 40 with our "
            "suffix",
            at_key=True,
        )
    if isinstance(pool.at("zones").value, int):
        yield pool.at("zones").issue(
            "must be names of zones on GKE, unless it is that of the whole cluster",
            allowed="name them, or leave it out for the zones of the cluster",
        )
    yield from _check_zones(pool.at("zones"), target)
    disk = pool.at("disk")
    if 0 < _parse_bytes(disk) < _parse_bytes_of(SMALLEST_DISK):
        yield disk.issue("is too small for a node of GKE to boot from", allowed=f"at least {SMALLEST_DISK}")


def _check_zones(zones: Node, target: Node) -> Iterator[errors.SpecIssue]:
    location = target.at("location").text
    is_regional = location.count("-") == 1
    for zone in zones.elements:
        fits = zone.text.startswith(f"{location}-") if is_regional else zone.text == location
        if location and zone.text and not fits:
            yield zone.issue(f"is not in {location}, the location of target.gke")
    if location and not is_regional and isinstance(zones.value, int) and zones.number > 1:
        yield zones.issue(f"is more than {location} is, the one zone of target.gke", allowed="leave it out")


def _parse_bytes(node: Node) -> int:
    """Parse an amount; zero where there is none, which others report."""
    return _parse_bytes_of(str(node.value)) if node.exists else 0


def _parse_bytes_of(text: str) -> int:
    try:
        return quantity.parse_quantity(text).value
    except quantity.QuantityError:
        return 0
