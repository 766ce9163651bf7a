"""The fewest nodes that hold a few pods, by search.

For pools small enough that one node more or less is a large part of the price. Gives up after so many steps, and then
says what it knows; it never reads a clock, so that the same question always has the same answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from kpo_provision.sizing import packing
from kpo_provision.sizing.mixes import Batch
from kpo_provision.sizing.packing import Room

MOST_PODS = 64
"""Pods beyond which the search would end without an answer."""
MOST_STEPS = 20_000
"""Nodes of the search tree that are looked at for one answer."""


class Count(NamedTuple):
    """What is known of the fewest nodes: no fewer than ``at_least``, no more than ``at_most``."""

    at_least: int
    at_most: int


def count_nodes(batches: Sequence[Batch], room: Room, known: Count) -> Count:
    """Narrow down what is known by searching for a packing on fewer nodes."""
    if known.at_least >= known.at_most or sum(batch.pods for batch in batches) > MOST_PODS:
        return known
    order = packing.list_orders(room)[0]
    sizes = [
        (batch.cpu_milli, batch.memory_ki)
        for batch in sorted(batches, key=order, reverse=True)
        for _ in range(batch.pods)
    ]
    for nodes in range(known.at_least, known.at_most):
        found = _Search(sizes, nodes).fits(room)
        if found is None:
            return Count(nodes, known.at_most)
        if found:
            return Count(nodes, nodes)
    return Count(known.at_most, known.at_most)


class _Search:
    """Depth first, largest pod first; nodes with the same room left are one choice, states seen before are none."""

    def __init__(self, sizes: Sequence[tuple[int, int]], nodes: int) -> None:
        self._sizes = sizes
        self._nodes = nodes
        self._seen: set[tuple[int, tuple[Room, ...]]] = set()

    def fits(self, room: Room) -> bool | None:
        """Whether all pods fit so many nodes; None where the search was given up."""
        cpu, memory = sum(cpu for cpu, _ in self._sizes), sum(memory for _, memory in self._sizes)
        if cpu > room.cpu_milli * self._nodes or memory > room.memory_ki * self._nodes:
            return False
        return self._place(0, (room,) * self._nodes)

    def _place(self, index: int, rooms: tuple[Room, ...]) -> bool | None:
        if index == len(self._sizes):
            return True
        if (index, rooms) in self._seen:
            return False
        if len(self._seen) >= MOST_STEPS:
            return None
        self._seen.add((index, rooms))
        cpu, memory = self._sizes[index]
        for place, room in enumerate(rooms):
            if place and room == rooms[place - 1]:
                continue
            if room.cpu_milli < cpu or room.memory_ki < memory or room.pods < 1:
                continue
            left = Room(room.cpu_milli - cpu, room.memory_ki - memory, room.pods - 1)
            found = self._place(index + 1, tuple(sorted((*rooms[:place], left, *rooms[place + 1 :]))))
            if found is not False:
                return found
        return False
