"""Rules on node pools and sizing that need more than one field of a spec."""

from __future__ import annotations

from collections.abc import Iterator

from kpo_provision import errors, quantity
from kpo_provision.spec.document import Node

GKE_POD_COUNTS = range(8, 257)
"""What GKE allows as maximum pods of a node (its documentation on flexible pod CIDR, read 2026-11-23)."""
_OWNERS = {"imageStreaming": "gke", "confidential": "gke", "podNetworking": "eks"}
_IMAGES = {"gke": ("cos", "ubuntu"), "eks": ("al2023", "al2", "bottlerocket")}
_ALL_IMAGES = tuple(image for images in _IMAGES.values() for image in images)
_ONE_AU = "is less than one AU, which every container gets that asks for nothing"


def find_broken_rules(document: Node) -> Iterator[errors.SpecIssue]:
    """Find everything about nodes that breaks a rule between fields."""
    for pool in document.at("nodePools").entries.values():
        yield from _check_selector(pool, document)
        yield from _check_largest_pod(pool)
        yield from _check_machine(pool)
        yield from _check_counts(pool, document)
    yield from _check_platform(document.at("sizing"), platform=_find_platform(document))


def _check_selector(pool: Node, document: Node) -> Iterator[errors.SpecIssue]:
    selector = pool.at("nodeSelector")
    for target in ("local", "gke", "selfHosted"):
        if selector.entries and document.at("target", target).exists:
            yield selector.issue(
                f"has no meaning for the target {target}, which makes its nodes itself",
                allowed="leave it out",
                at_key=True,
            )


def _check_largest_pod(pool: Node) -> Iterator[errors.SpecIssue]:
    cpu, memory = pool.at("largestPod", "cpu"), pool.at("largestPod", "memory")
    if 0 < _parse_amount(cpu).milli < quantity.AU_CPU_MILLI:
        yield cpu.issue(_ONE_AU, allowed=f"at least {quantity.format_cpu(quantity.AU_CPU_MILLI)}")
    if 0 < _parse_amount(memory).value < quantity.AU_MEMORY_BYTES:
        unit = f", did you mean {memory.value}Gi?" if isinstance(memory.value, int) else ""
        yield memory.issue(_ONE_AU, allowed=f"at least {quantity.format_bytes(quantity.AU_MEMORY_BYTES)}{unit}")


def _check_machine(pool: Node) -> Iterator[errors.SpecIssue]:
    families = pool.at("machineFamilies")
    if pool.at("machineType").exists and families.elements:
        yield families.issue("has no meaning beside machineType", allowed="keep one of them", at_key=True)


def _check_counts(pool: Node, document: Node) -> Iterator[errors.SpecIssue]:
    fewest, most = pool.at("minNodes"), pool.at("maxNodes")
    if most.exists and fewest.number > most.number:
        yield fewest.issue(f"is more than maxNodes, which is {most.number}")
    if most.exists and isinstance(most.value, int) and most.number == 0:
        yield most.issue("leaves the pool without a node", allowed="at least 1, or leave it out")
    pods = pool.at("maxPodsPerNode")
    on_gke = _find_platform(document) == "gke"
    if on_gke and isinstance(pods.value, int) and pods.number not in GKE_POD_COUNTS:
        yield pods.issue(f"must be between {GKE_POD_COUNTS.start} and {GKE_POD_COUNTS.stop - 1} on GKE")


def _find_platform(document: Node) -> str:
    """Find who installs the nodes; empty where nobody said it."""
    return document.at("sizing", "platform").text or ("gke" if document.at("target", "gke").exists else "")


def _check_platform(sizing: Node, *, platform: str) -> Iterator[errors.SpecIssue]:
    image = sizing.at("os")
    if not platform:
        return
    for key, owner in _OWNERS.items():
        if sizing.at(key).exists and platform != owner:
            yield sizing.at(key).issue(
                f"is about {owner}, and sizing.platform is {platform}", allowed="leave it out", at_key=True
            )
    images = _IMAGES.get(platform, ())
    if image.text in _ALL_IMAGES and image.text not in images:
        allowed = f"one of {', '.join(images)}" if images else "leave it out"
        yield image.issue(f"is no system of {platform} nodes", allowed=allowed)


def _parse_amount(node: Node) -> quantity.Quantity:
    """Parse an amount; zero where there is none, which others report."""
    try:
        return quantity.parse_quantity(str(node.value))
    except quantity.QuantityError:
        return quantity.Quantity(0)
