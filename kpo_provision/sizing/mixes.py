"""The pods that a promise is planned for.

A tenant may use its promise in countless ways. Two of them bound what is common: the fewest and largest pods that use
it up, and one pod for every AU. A pool is priced for the worse of the two; what holds *any* other mix is the business
of ``spread``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from kpo_provision import quantity
from kpo_provision.sizing.pool import Promise
from kpo_provision.sizing.resources import Resources

AU = Resources(cpu_milli=quantity.AU_CPU_MILLI, memory_ki=quantity.AU_MEMORY_BYTES // 1024, pods=quantity.AU_PODS)


class Batch(NamedTuple):
    """So many pods of one size."""

    cpu_milli: int
    memory_ki: int
    pods: int


def list_mixes(promises: Iterable[Promise], largest_pod: Resources) -> tuple[tuple[Batch, ...], ...]:
    """Return the mixes of pods that a pool is planned for, all promises together; equal pods are one batch."""
    alike = Counter(promise.resources for promise in promises)
    mixes = [
        (_largest_first(promise, largest_pod), _one_each_au(promise, largest_pod), n) for promise, n in alike.items()
    ]
    largest = _gather((batches, times) for batches, _, times in mixes)
    smallest = _gather((batches, times) for _, batches, times in mixes)
    return (largest,) if largest == smallest else (largest, smallest)


def _largest_first(promise: Resources, largest: Resources) -> list[Batch]:
    """Use a promise up in the fewest pods: each is as large as both the largest pod and what is left allow."""
    batches = []
    left = promise
    while left.pods > 0 and (left.cpu_milli > 0 or left.memory_ki > 0):
        cpu, memory = min(left.cpu_milli, largest.cpu_milli), min(left.memory_ki, largest.memory_ki)
        if cpu == memory == 0:
            break
        count = min(
            left.pods,
            left.cpu_milli // cpu if cpu else left.pods,
            left.memory_ki // memory if memory else left.pods,
        )
        batches.append(Batch(cpu, memory, count))
        left -= Resources(cpu_milli=cpu * count, memory_ki=memory * count, pods=count)
    return batches


def _one_each_au(promise: Resources, largest: Resources) -> list[Batch]:
    cpu, memory = min(AU.cpu_milli, largest.cpu_milli), min(AU.memory_ki, largest.memory_ki)
    limits = [promise.pods]
    limits += [promise.cpu_milli // cpu] if cpu else []
    limits += [promise.memory_ki // memory] if memory else []
    count = min(limits)
    return [Batch(cpu, memory, count)] if count > 0 else []


def _gather(parts: Iterable[tuple[list[Batch], int]]) -> tuple[Batch, ...]:
    counts: Counter[tuple[int, int]] = Counter()
    for batches, times in parts:
        for batch in batches:
            counts[batch.cpu_milli, batch.memory_ki] += batch.pods * times
    return tuple(Batch(cpu, memory, count) for (cpu, memory), count in sorted(counts.items(), reverse=True))
