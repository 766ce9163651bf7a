"""Packing pods onto nodes of one shape: how many nodes a good packing takes.

Vector first-fit-decreasing in several orders, counted in batches of equal pods and in runs of equal nodes, so that ten
thousand pods cost no more than their distinct sizes. What it returns can be done; ``bounds`` says what cannot be
beaten. Integers only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from kpo_provision.sizing.mixes import Batch

MANY_SIZES = 200
"""Distinct sizes beyond which one order is tried instead of all: each costs time in proportion to sizes times nodes."""


class Room(NamedTuple):
    """What pods may use of one node."""

    cpu_milli: int
    memory_ki: int
    pods: int


class Filling(NamedTuple):
    """So many nodes that hold the same pods."""

    batches: tuple[Batch, ...]
    nodes: int


Order = Callable[[Batch], int]


def list_orders(room: Room) -> tuple[Order, ...]:
    """Return what to sort pods by, largest first; each order suits other mixes."""
    cpu, memory = max(room.cpu_milli, 1), max(room.memory_ki, 1)
    return (
        lambda batch: batch.cpu_milli * memory + batch.memory_ki * cpu,
        lambda batch: max(batch.cpu_milli * memory, batch.memory_ki * cpu),
        lambda batch: batch.cpu_milli,
        lambda batch: batch.memory_ki,
    )


def count_nodes(batches: Sequence[Batch], room: Room, *, at_least: int = 0) -> int:
    """Return the fewest nodes that any of the orders takes; stops looking at ``at_least``.

    Every pod must fit an empty node.
    """
    orders = list_orders(room)
    fewest: int | None = None
    for order in orders[:1] if len(batches) > MANY_SIZES else orders:
        nodes = sum(filling.nodes for filling in fill_nodes(batches, room, order=order))
        fewest = nodes if fewest is None else min(fewest, nodes)
        if fewest <= at_least:
            break
    return fewest or 0


def fill_nodes(batches: Iterable[Batch], room: Room, *, order: Order) -> list[Filling]:
    """Pack first-fit-decreasing, node by node.

    Filling one node after the other from a sorted list puts every pod where first-fit-decreasing puts it, and shows
    when the next nodes come out the same.
    """
    waiting = sorted((batch for batch in batches if batch.pods > 0), key=order, reverse=True)
    fillings = []
    while waiting:
        chosen = _fill_one(waiting, room)
        if not chosen:
            raise ValueError(f"a pod of {waiting[0]} does not fit an empty node with {room}")
        nodes = min(waiting[place].pods // pods for place, pods in chosen)
        fillings.append(Filling(tuple(waiting[place]._replace(pods=pods) for place, pods in chosen), nodes))
        for place, pods in reversed(chosen):
            cpu, memory, left = waiting[place]
            if left == pods * nodes:
                del waiting[place]
            else:
                waiting[place] = Batch(cpu, memory, left - pods * nodes)
    return fillings


def _fill_one(waiting: Sequence[Batch], room: Room) -> list[tuple[int, int]]:
    """Fill an empty node first-fit; returns places in ``waiting`` and how many pods are taken from each."""
    cpu_left, memory_left, pods_left = room
    chosen = []
    for place, (cpu, memory, count) in enumerate(waiting):
        if cpu > cpu_left or memory > memory_left:
            continue
        pods = min(count, pods_left)
        if pods * cpu > cpu_left:
            pods = cpu_left // cpu
        if pods * memory > memory_left:
            pods = memory_left // memory
        if pods == 0:
            break
        chosen.append((place, pods))
        cpu_left, memory_left, pods_left = cpu_left - cpu * pods, memory_left - memory * pods, pods_left - pods
    return chosen
