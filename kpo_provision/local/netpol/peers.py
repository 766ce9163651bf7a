"""Who a rule means: selectors and address blocks resolved to IPv4 networks, by the pods and namespaces of the moment.

Pure. Everything is answered in terms of addresses, for that is all a packet shows.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence

from kpo_provision.local.netpol.objects import BlockPeer, Namespace, Pod, PodPeer
from kpo_provision.local.netpol.selectors import Selector

Networks = tuple[ipaddress.IPv4Network, ...]

EVERYONE: Networks = (ipaddress.IPv4Network("0.0.0.0/0"),)


class Neighbourhood:
    """The pods and namespaces that policies select from.

    Answers are kept, for policies made from one template ask the same of every namespace.
    """

    def __init__(self, pods: Iterable[Pod], namespaces: Iterable[Namespace]) -> None:
        self._labels = {namespace.name: namespace.labels for namespace in namespaces}
        self._pods: dict[str, list[Pod]] = {}
        for pod in sorted(pods, key=lambda pod: (pod.address, pod.namespace, pod.name)):
            self._pods.setdefault(pod.namespace, []).append(pod)
        self._matched: dict[Selector, list[str]] = {}
        self._found: dict[tuple[str | None, PodPeer], Networks] = {}

    def select(self, namespace: str, selector: Selector) -> list[Pod]:
        """The pods of one namespace that a selector matches."""
        return [pod for pod in self._pods.get(namespace, ()) if selector.matches(pod.labels)]

    def resolve(self, namespace: str, peers: Sequence[PodPeer | BlockPeer]) -> Networks:
        """The addresses that the peers of a rule stand for in a policy of that namespace, without overlaps."""
        if not peers:
            return EVERYONE
        networks: list[ipaddress.IPv4Network] = []
        for peer in peers:
            networks += peer.networks if isinstance(peer, BlockPeer) else self._pod_networks(namespace, peer)
        return tuple(ipaddress.collapse_addresses(networks))

    def inside(self, networks: Networks) -> list[Pod]:
        """Every pod whose address lies in one of the networks."""
        pods = (pod for listed in self._pods.values() for pod in listed)
        return [pod for pod in pods if any(pod.address in network for network in networks)]

    def _pod_networks(self, namespace: str, peer: PodPeer) -> Networks:
        key = (namespace if peer.namespaces is None else None, peer)
        if key not in self._found:
            names = [namespace] if peer.namespaces is None else self._match(peer.namespaces)
            pods = (pod for name in names for pod in self.select(name, peer.pods))
            self._found[key] = tuple(ipaddress.IPv4Network(pod.address) for pod in pods)
        return self._found[key]

    def _match(self, selector: Selector) -> list[str]:
        if selector not in self._matched:
            self._matched[selector] = [name for name, labels in self._labels.items() if selector.matches(labels)]
        return self._matched[selector]
