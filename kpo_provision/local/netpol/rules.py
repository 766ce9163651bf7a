"""Network policies to an nftables script. Pure: the same objects in any order give the same bytes.

A packet between two pods passes two chains of the forward hook: first what its sender may send, then what its
receiver may receive; ``accept`` ends one chain only, so both must agree. A packet to the node itself, where the
API server listens, passes the sender's rules in the input hook. What a node sends to a pod passes no rule: probes
must arrive. All of it comes after kube-proxy's address translation (prerouting), so the rules see the pod behind a
service address. What is not allowed is dropped without an answer, as other network plugins do.

The cluster speaks IPv4. A pod's IPv6 address is link-local: it leads no further than the node, past all rules for
addresses, so what comes in that way is dropped.

On a pod's link (CNI plugins call the node's end ``veth`` and a number), an address that no known pod has passes
neither way: it is that of a container which outlives its pod object, or one that a pod has made up.
"""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Iterable, Iterator, Set

from kpo_provision.local.netpol.objects import Namespace, Pod, Policy, PortName, PortRange, Rule
from kpo_provision.local.netpol.peers import EVERYONE, Neighbourhood, Networks

TABLE = "inet kpo_netpol"
COMMENT_LIMIT = 120  # nftables takes 128 bytes

_BASE_CHAINS = """\
\tchain forward_egress {
\t\ttype filter hook forward priority filter; policy accept;
\t\tct state established,related accept
\t\tiifname "veth*" ip saddr != @pods drop
\t\tip saddr . ip daddr @itself accept
\t\tip saddr vmap @egress
\t}
\tchain forward_ingress {
\t\ttype filter hook forward priority filter + 1; policy accept;
\t\tct state established,related accept
\t\toifname "veth*" ip daddr != @pods drop
\t\tip saddr . ip daddr @itself accept
\t\tip daddr vmap @ingress
\t}
\tchain input_egress {
\t\ttype filter hook input priority filter; policy accept;
\t\tmeta nfproto ipv6 iifname != "lo" drop
\t\tct state established,related accept
\t\tiifname "veth*" ip saddr != @pods drop
\t\tip saddr vmap @egress
\t}"""


_PEER_FIELD = {"egress": "ip daddr", "ingress": "ip saddr"}


class _Table:
    """The sets and chains of the table, in the order they were asked for."""

    def __init__(self) -> None:
        self.blocks: dict[str, str] = {}

    def add_set(self, prefix: str, definition: str, elements: Iterable[str]) -> str:
        listed = ", ".join(elements)
        name = f"{prefix}_{_digest(listed)}"
        self.add_named_set(f"set {name}", definition, listed)
        return name

    def add_named_set(self, title: str, definition: str, listed: str) -> None:
        elements = f"\n\t\telements = {{ {listed} }}" if listed else ""
        self.blocks[title] = f"\t{title} {{\n\t\t{definition}{elements}\n\t}}"

    def add_chain(self, name: str, lines: Iterable[str]) -> None:
        body = "".join(f"\t\t{line}\n" for line in lines)
        self.blocks[f"chain {name}"] = f"\tchain {name} {{\n{body}\t}}"


def compile_ruleset(policies: Iterable[Policy], pods: Iterable[Pod], namespaces: Iterable[Namespace]) -> str:
    """Give the script that replaces the table, in one transaction, by the rules for these objects."""
    pods = tuple(pods)
    neighbourhood = Neighbourhood(pods, namespaces)
    ordered = sorted(policies, key=lambda policy: (policy.namespace, policy.name))
    table = _Table()
    isolated: set[ipaddress.IPv4Address] = set()
    for direction in _PEER_FIELD:
        chains = _Chains(table, direction, neighbourhood)
        for policy in ordered:
            chains.add_policy(policy)
        verdicts = chains.close()
        isolated.update(verdicts)
        listed = ", ".join(f"{address} : goto {chain}" for address, chain in verdicts.items())
        table.add_named_set(f"map {direction}", "type ipv4_addr : verdict", listed)
    listed = ", ".join(f"{address} . {address}" for address in sorted(isolated))
    table.add_named_set("set itself", "type ipv4_addr . ipv4_addr", listed)
    listed = ", ".join(map(str, sorted({pod.address for pod in pods})))
    table.add_named_set("set pods", "type ipv4_addr", listed)
    blocks = "\n".join((*table.blocks.values(), _BASE_CHAINS))
    # Deleting a table that is not there is an error, so it is added first.
    return f"add table {TABLE}\ndelete table {TABLE}\ntable {TABLE} {{\n{blocks}\n}}\n"


class _Chains:
    """The chains of one direction: one for each policy, and one for each group of pods with the same policies."""

    def __init__(self, table: _Table, direction: str, neighbourhood: Neighbourhood) -> None:
        self._table = table
        self._direction = direction
        self._neighbourhood = neighbourhood
        self._policies: dict[ipaddress.IPv4Address, list[str]] = {}

    def add_policy(self, policy: Policy) -> None:
        rules = policy.egress if self._direction == "egress" else policy.ingress
        selected = self._neighbourhood.select(policy.namespace, policy.pods)
        if rules is None or not selected:
            return
        title = f"{policy.namespace}/{policy.name}"
        chain = f"{self._direction}_{_digest(title)}"
        lines = [line for rule in rules for line in self._render_rule(policy, rule)]
        self._table.add_chain(chain, (f'comment "{title[:COMMENT_LIMIT]}"', *lines))
        for pod in selected:
            self._policies.setdefault(pod.address, []).append(chain)

    def close(self) -> dict[ipaddress.IPv4Address, str]:
        """Add the groups; gives the chain that decides for each isolated address."""
        verdicts = {}
        for address, chains in self._policies.items():
            group = f"{self._direction}_pods_{_digest(' '.join(chains))}"
            self._table.add_chain(group, (*(f"jump {chain}" for chain in chains), "drop"))
            verdicts[address] = group
        return verdicts

    def _render_rule(self, policy: Policy, rule: Rule) -> Iterator[str]:
        networks = self._neighbourhood.resolve(policy.namespace, rule.peers)
        if not networks:
            return
        peer = ""
        if networks != EVERYONE:
            addresses = self._table.add_set("peers", "type ipv4_addr; flags interval;", map(str, networks))
            peer = f"{_PEER_FIELD[self._direction]} @{addresses} "
        if not rule.ports:
            yield f"{peer}accept"
        for protocol, ranges in _number_ports(rule.ports).items():
            yield f"{peer}{protocol} dport {{ {', '.join(ranges)} }} accept"
        names = {port for port in rule.ports if isinstance(port, PortName)}
        numbers = _resolve_names(names, self._receivers(policy, networks)) if names else []
        if numbers:
            ports_of = self._table.add_set("ports", "type ipv4_addr . inet_proto . inet_service;", numbers)
            yield f"{peer}ip daddr . meta l4proto . th dport @{ports_of} accept"

    def _receivers(self, policy: Policy, networks: Networks) -> list[Pod]:
        if self._direction == "egress":
            return self._neighbourhood.inside(networks)
        return self._neighbourhood.select(policy.namespace, policy.pods)


def _resolve_names(names: Set[PortName], receivers: Iterable[Pod]) -> list[str]:
    """A name may mean another number in each pod, so an element names the pod's address too."""
    numbers = {
        (pod.address, port.protocol, port.number)
        for pod in receivers
        for port in pod.ports
        if PortName(protocol=port.protocol, name=port.name) in names
    }
    return [f"{address} . {protocol} . {number}" for address, protocol, number in sorted(numbers)]


def _number_ports(ports: Iterable[PortRange | PortName]) -> dict[str, list[str]]:
    """Ranges by protocol; nftables itself merges those that overlap."""
    ranges: dict[str, list[str]] = {}
    numbered = {port for port in ports if isinstance(port, PortRange)}
    for port in sorted(numbered, key=lambda port: (port.protocol, port.first, port.last)):
        ranges.setdefault(port.protocol, []).append(f"{port.first}-{port.last}")
    return ranges


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
