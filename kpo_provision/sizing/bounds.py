"""Numbers of nodes that no packing can beat.

Each bound is proven on its own; the largest one counts. None of them packs anything.
"""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Sequence
from typing import TypeVar

from kpo_provision.sizing.mixes import Batch
from kpo_provision.sizing.packing import Room

SAMPLED_SIZES = 48
"""Distinct sizes that the costliest bound looks at; any subset of them gives a valid bound."""
MOST_STEPS = 32
"""Step functions that are tried; finer ones come close to plain sums."""

_Size = TypeVar("_Size")


def lower_bound(batches: Sequence[Batch], room: Room) -> int:
    """Return the best bound known: by sums, by sizes that exclude one another, by how many alike fit one node."""
    by_sums = bound_by_sums(batches, room)
    return max(
        by_sums,
        _bound_by_halves([(batch.cpu_milli, batch.pods) for batch in batches], room.cpu_milli),
        _bound_by_halves([(batch.memory_ki, batch.pods) for batch in batches], room.memory_ki),
        _bound_by_equals(batches, room),
    )


def sharper_bound(batches: Sequence[Batch], room: Room) -> int:
    """Return a bound that takes longer to find, by the step functions of Fekete and Schepers; worth it for a gap."""
    return max(
        _bound_by_steps([(batch.cpu_milli, batch.pods) for batch in batches], room.cpu_milli),
        _bound_by_steps([(batch.memory_ki, batch.pods) for batch in batches], room.memory_ki),
    )


def bound_by_sums(batches: Sequence[Batch], room: Room) -> int:
    """Divide what all pods use together by what a node offers, resource by resource."""
    cpu = sum(batch.cpu_milli * batch.pods for batch in batches)
    memory = sum(batch.memory_ki * batch.pods for batch in batches)
    pods = sum(batch.pods for batch in batches)
    return max(_divide_up(cpu, room.cpu_milli), _divide_up(memory, room.memory_ki), _divide_up(pods, room.pods))


def _bound_by_halves(sizes: list[tuple[int, int]], room: int) -> int:
    """Bound L2 of Martello and Toth (Knapsack Problems, 1990, 8.3) for one resource.

    Pods of more than half a node need a node each. For any threshold, pods below it are left out, those that leave less
    than it beside them fill their node, and what the others cannot take beside the halves needs further nodes.
    """
    ascending = sorted(sizes)
    steps = [size for size, _ in ascending]
    counts = [0, *itertools.accumulate(count for _, count in ascending)]
    sums = [0, *itertools.accumulate(size * count for size, count in ascending)]
    above_half, best = bisect.bisect_right(steps, room // 2), 0
    for threshold in (0, *dict.fromkeys(steps[:above_half])):
        filling = max(bisect.bisect_right(steps, room - threshold), above_half)
        alone, halves = counts[-1] - counts[filling], counts[filling] - counts[above_half]
        beside_halves = halves * room - (sums[filling] - sums[above_half])
        rest = sums[above_half] - sums[bisect.bisect_left(steps, threshold)]
        best = max(best, alone + halves + max(_divide_up(rest - beside_halves, room), 0))
    return best


def _bound_by_steps(sizes: Sequence[tuple[int, int]], room: int) -> int:
    """Bound by the dual feasible functions u(k) of Fekete and Schepers (Mathematical Programming 91, 2001).

    A share x of a node counts as floor((k+1)x)/k, or as itself where (k+1)x is whole; shares that fit one node together
    then still count as one node at most. It sees what is lost where only whole pods fit.
    """
    best = 0
    for k in range(1, MOST_STEPS + 1):
        in_kth = in_next = 0
        for size, count in sizes:
            steps, rest = divmod((k + 1) * size, room)
            if rest:
                in_kth += steps * count
            else:
                in_next += steps * count
        best = max(best, _divide_up(in_kth * (k + 1) + in_next * k, k * (k + 1)))
    return best


def _bound_by_equals(batches: Sequence[Batch], room: Room) -> int:
    """A node holds no more pods of at least some size than it holds pods of just that size."""
    best = 0
    for cpu, memory in _sample(sorted({(batch.cpu_milli, batch.memory_ki) for batch in batches})):
        fitting = room.pods
        fitting = min(fitting, room.cpu_milli // cpu) if cpu else fitting
        fitting = min(fitting, room.memory_ki // memory) if memory else fitting
        if fitting > 0:
            larger = sum(batch.pods for batch in batches if batch.cpu_milli >= cpu and batch.memory_ki >= memory)
            best = max(best, _divide_up(larger, fitting))
    return best


def _sample(values: Sequence[_Size]) -> Sequence[_Size]:
    return values[:: max(1, _divide_up(len(values), SAMPLED_SIZES))]


def _divide_up(amount: int, by: int) -> int:
    return -(-amount // by) if amount else 0
