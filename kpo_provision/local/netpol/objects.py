"""What the rules need to know of pods, namespaces and policies, and nothing more.

Two objects that compare equal lead to the same rules: that is how the many updates of a pod that change no address,
label or port are told from those that matter.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kpo_provision.local.netpol.selectors import Labels, Selector, parse_selector

Json = Mapping[str, Any]

LAST_PORT = 65535
FINISHED_PHASES = frozenset({"Succeeded", "Failed"})
NO_ADDRESS = ipaddress.IPv4Address(0)
"""What a pod has that nobody has given an address yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Namespace:
    """A namespace and the labels that ``namespaceSelector`` asks for."""

    name: str
    labels: Labels


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerPort:
    """A port that a container gives a name."""

    name: str
    protocol: str
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Pod:
    """A pod of the cluster's own network that runs, or will run once it has an address."""

    uid: str
    namespace: str
    name: str
    labels: Labels
    address: ipaddress.IPv4Address
    ports: tuple[ContainerPort, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PodPeer:
    """Pods by label: of the selected namespaces, or of the policy's own where ``namespaces`` is None."""

    namespaces: Selector | None
    pods: Selector


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockPeer:
    """Addresses: an ``ipBlock`` with its exceptions taken out."""

    networks: tuple[ipaddress.IPv4Network, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PortRange:
    """Ports by number, from ``first`` to ``last`` inclusive."""

    protocol: str
    first: int = 0
    last: int = LAST_PORT


@dataclass(frozen=True, slots=True, kw_only=True)
class PortName:
    """A port that means whatever number the receiving pod gives that name."""

    protocol: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What one ``ingress`` or ``egress`` entry allows: no peers means all peers, no ports means every protocol."""

    peers: tuple[PodPeer | BlockPeer, ...] = ()
    ports: tuple[PortRange | PortName, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A network policy; a direction that is None is left open by it, one without rules is closed by it."""

    namespace: str
    name: str
    pods: Selector
    ingress: tuple[Rule, ...] | None
    egress: tuple[Rule, ...] | None


def parse_namespace(document: Json) -> Namespace:
    """Read a Namespace."""
    metadata = document["metadata"]
    return Namespace(name=metadata["name"], labels=metadata.get("labels") or {})


def parse_pod(document: Json) -> Pod | None:
    """Read a Pod; None if no rule can concern it: it is finished, or on its node's network."""
    metadata, spec, status = document["metadata"], document["spec"], document.get("status") or {}
    if spec.get("hostNetwork") or status.get("phase") in FINISHED_PHASES:
        return None
    return Pod(
        uid=metadata["uid"],
        namespace=metadata["namespace"],
        name=metadata["name"],
        labels=metadata.get("labels") or {},
        address=_first_ipv4(status),
        ports=_named_ports(spec),
    )


def parse_policy(document: Json) -> Policy:
    """Read a NetworkPolicy; absent ``policyTypes`` mean Ingress, and Egress where there are egress rules."""
    metadata, spec = document["metadata"], document.get("spec") or {}
    ingress, egress = spec.get("ingress") or (), spec.get("egress") or ()
    types = spec.get("policyTypes") or (("Ingress", "Egress") if egress else ("Ingress",))
    return Policy(
        namespace=metadata["namespace"],
        name=metadata["name"],
        pods=parse_selector(spec.get("podSelector") or {}),
        ingress=tuple(_parse_rule(rule, rule.get("from")) for rule in ingress) if "Ingress" in types else None,
        egress=tuple(_parse_rule(rule, rule.get("to")) for rule in egress) if "Egress" in types else None,
    )


def _first_ipv4(status: Json) -> ipaddress.IPv4Address:
    listed = [entry["ip"] for entry in status.get("podIPs") or ()] or [status.get("podIP") or "::"]
    addresses = (ipaddress.ip_address(text) for text in listed)
    return next((address for address in addresses if isinstance(address, ipaddress.IPv4Address)), NO_ADDRESS)


def _named_ports(spec: Json) -> tuple[ContainerPort, ...]:
    sidecars = [each for each in spec.get("initContainers") or () if each.get("restartPolicy") == "Always"]
    numbers: dict[tuple[str, str], int] = {}
    for container in (*spec["containers"], *sidecars):
        for port in container.get("ports") or ():
            if "name" in port:
                # As for services, the first container that uses a name has it.
                numbers.setdefault((port["name"], _protocol(port)), port["containerPort"])
    return tuple(ContainerPort(name=name, protocol=protocol, number=n) for (name, protocol), n in numbers.items())


def _protocol(port: Json) -> str:
    return str(port.get("protocol") or "TCP").lower()


def _parse_rule(rule: Json, peers: Sequence[Json] | None) -> Rule:
    return Rule(
        peers=tuple(_parse_peer(peer) for peer in peers or ()),
        ports=tuple(_parse_port(port) for port in rule.get("ports") or ()),
    )


def _parse_peer(peer: Json) -> PodPeer | BlockPeer:
    if "ipBlock" in peer:
        return BlockPeer(networks=_parse_block(peer["ipBlock"]))
    namespaces = peer.get("namespaceSelector")
    return PodPeer(
        namespaces=None if namespaces is None else parse_selector(namespaces),
        pods=parse_selector(peer.get("podSelector") or {}),
    )


def _parse_port(port: Json) -> PortRange | PortName:
    match port.get("port"):
        case None:
            return PortRange(protocol=_protocol(port))
        case str(name):
            return PortName(protocol=_protocol(port), name=name)
        case number:
            return PortRange(protocol=_protocol(port), first=number, last=port.get("endPort") or number)


def _parse_block(block: Json) -> tuple[ipaddress.IPv4Network, ...]:
    try:
        allowed = ipaddress.ip_network(block["cidr"], strict=False)
        exceptions = [ipaddress.ip_network(text, strict=False) for text in block.get("except") or ()]
    except ValueError:
        # Older API servers take spellings such as 010.0.0.0/8, whose meaning readers disagree on.
        return ()
    if not isinstance(allowed, ipaddress.IPv4Network):
        return ()
    left = [allowed]
    for exception in exceptions:
        if isinstance(exception, ipaddress.IPv4Network):
            left = list(_without(left, exception))
    return tuple(sorted(left))


def _without(
    networks: Iterable[ipaddress.IPv4Network], exception: ipaddress.IPv4Network
) -> Iterator[ipaddress.IPv4Network]:
    for network in networks:
        if network.subnet_of(exception):
            continue
        if exception.subnet_of(network):
            yield from network.address_exclude(exception)
        else:
            yield network
