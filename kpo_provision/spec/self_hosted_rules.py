"""Rules on a selfHosted target and its hosts that need more than one field of a spec."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kpo_provision import errors
from kpo_provision.spec.document import Node

_COUNTED = ("minNodes", "maxNodes", "spot", "disk")
"""What is about machines that somebody makes."""
_OTHERS = ("surge", "zones", "machineFamilies")
"""What only clouds that make whole pools ask for."""


def find_broken_rules(document: Node) -> Iterator[errors.SpecIssue]:
    """Find everything about hosts that breaks a rule between fields."""
    is_target = document.at("target", "selfHosted").exists
    pools = document.at("nodePools").entries.values()
    for pool in pools:
        if is_target:
            yield from _check_pool(pool, document)
            continue
        for key in ("hosts", "ec2"):
            if pool.at(key).exists:
                yield pool.at(key).issue(
                    "has a meaning only for the target selfHosted", allowed="leave it out", at_key=True
                )
    yield from _check_twins([host for pool in pools for host in pool.at("hosts").entries.items()])
    if is_target:
        yield from _check_platform(document)


def _check_twins(hosts: Sequence[tuple[str, Node]]) -> Iterator[errors.SpecIssue]:
    first_with: dict[str, str] = {}
    names: set[str] = set()
    for name, host in hosts:
        if name in names:
            yield host.issue("is in two pools", allowed="keep it in one of them", at_key=True)
        names.add(name)
        address = host.at("address")
        if address.text and first_with.setdefault(address.text, name) != name:
            yield address.issue(f"is the address of {first_with[address.text]} too")


def _check_pool(pool: Node, document: Node) -> Iterator[errors.SpecIssue]:
    hosts, ec2 = pool.at("hosts"), pool.at("ec2")
    if ec2.exists:
        yield from _check_ec2_pool(pool, document)
    elif not hosts.entries:
        yield pool.issue(
            "has no host", allowed="name some under `hosts`; one that leaves takes its pool with it", at_key=True
        )
    for key in _OTHERS if ec2.exists else (*_COUNTED, *_OTHERS):
        if pool.at(key).exists:
            whose = "EC2 instances" if ec2.exists else "hosts"
            yield pool.at(key).issue(f"has no meaning for {whose}", allowed="leave it out", at_key=True)
    machine = pool.at("machineType")
    if not machine.exists:
        known = ", ".join(document.at("sizing", "machineTypes").entries)
        yield pool.issue(
            "needs a `machineType`, so that `size` knows what its hosts are",
            allowed=f"one of {known}" if known else "describe one under sizing.machineTypes",
            at_key=True,
        )


def _check_ec2_pool(pool: Node, document: Node) -> Iterator[errors.SpecIssue]:
    target = document.at("target", "selfHosted")
    if pool.at("hosts").entries:
        yield pool.at("ec2").issue("has no meaning beside hosts", allowed="make two pools of it", at_key=True)
    if not target.at("ec2").exists:
        yield pool.at("ec2").issue(
            "needs target.selfHosted.ec2", allowed="say there in which region and subnets", at_key=True
        )
    if target.at("backend", "remote").exists:
        yield target.at("backend", "remote").issue(
            "is no backend for pools of EC2 instances", allowed="one of local, gcs, s3", at_key=True
        )
    if target.at("nodeRegistries").elements:
        yield target.at("nodeRegistries").issue(
            "has no meaning for EC2 instances, whose user data holds no secret",
            allowed="leave it out, or let them pull with their role: ec2.ecrRepositories",
            at_key=True,
        )


def _check_platform(document: Node) -> Iterator[errors.SpecIssue]:
    platform = document.at("sizing", "platform")
    if platform.text and platform.text != "selfHosted":
        yield platform.issue("is not that of target.selfHosted", allowed="leave it out")
