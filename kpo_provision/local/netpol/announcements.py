"""The addresses that pods have been given before the API server shows them, and who waits for their rules.

A kubelet writes a pod's address down only after its containers have started. The gate says it before. What it says
counts until the pod is gone: it is never older than what the API server shows, which after a restart of the machine
may be an address that another pod has by now.
"""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address

from kpo_provision.local.netpol.objects import NO_ADDRESS, Pod

_Key = tuple[str, str]
"""Namespace and name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """A pod's address, from the one who gave it. ``uid`` may be empty, which means whatever pod has the name."""

    namespace: str
    name: str
    uid: str
    address: IPv4Address

    @property
    def key(self) -> _Key:
        """What no two pods share at one time."""
        return (self.namespace, self.name)

    def names(self, pod: Pod) -> bool:
        """Whether it is about this pod, and not about another one that had or will have the name."""
        return self.key == (pod.namespace, pod.name) and self.uid in ("", pod.uid)


class Announcements:
    """What was announced, and the pods whose rules the kernel has."""

    def __init__(self, changed: threading.Event) -> None:
        self._changed = changed
        self._condition = threading.Condition()
        self._held: dict[_Key, Announcement] = {}
        self._located: dict[_Key, Pod] = {}
        self._in_force: dict[_Key, Pod] | None = None

    @property
    def is_awaited(self) -> bool:
        """Whether a pod cannot start before the next rules are in force."""
        with self._condition:
            return not all(map(self._is_in_force, self._held.values()))

    def locate(self, pods: Iterable[Pod]) -> list[Pod]:
        """Give the pods that have an address: the announced one, or that which the API server shows."""
        with self._condition:
            held = dict(self._held)
        taken = {announcement.address for announcement in held.values()}
        located = []
        for pod in pods:
            announcement = held.get((pod.namespace, pod.name))
            if announcement is not None and announcement.names(pod):
                located.append(dataclasses.replace(pod, address=announcement.address))
            elif pod.address != NO_ADDRESS and pod.address not in taken:
                located.append(pod)
        with self._condition:
            self._located = {(pod.namespace, pod.name): pod for pod in located}
        return located

    def confirm(self) -> None:
        """Take note that the kernel has the rules for the pods located last, and forget pods that are gone."""
        with self._condition:
            for key, pod in (self._in_force or {}).items():
                announcement = self._held.get(key)
                if key not in self._located and announcement is not None and announcement.names(pod):
                    del self._held[key]
            self._in_force = self._located
            self._condition.notify_all()

    def wait_for_first_rules(self) -> None:
        """Block until the kernel has rules for everything that the API server knew at the start."""
        with self._condition:
            self._condition.wait_for(lambda: self._in_force is not None)

    def hold(self, announcement: Announcement) -> None:
        """Take the address as the pod's from now on."""
        with self._condition:
            # An address that is given anew was free: who was announced with it before is gone.
            others = {key: held for key, held in self._held.items() if held.address != announcement.address}
            self._held = {**others, announcement.key: announcement}
        self._changed.set()

    def wait_for_rules(self, announcement: Announcement, *, timeout_s: float) -> str:
        """Block until the kernel has the rules; gives what is in their way, or nothing."""
        with self._condition:
            if self._condition.wait_for(lambda: self._is_in_force(announcement), timeout_s):
                return ""
            if self._held.get(announcement.key) is announcement:
                del self._held[announcement.key]
            located = self._located.get(announcement.key)
        self._changed.set()
        if located is None or not announcement.names(located):
            return f"the API server has not shown the network policy agent a pod with uid {announcement.uid!r}"
        return "the network policy agent cannot read all policies, or cannot load the rules; its log says why"

    def _is_in_force(self, announcement: Announcement) -> bool:
        pod = (self._in_force or {}).get(announcement.key)
        return pod is not None and pod.address == announcement.address and announcement.names(pod)
