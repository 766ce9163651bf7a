"""Why a pod fits no machine: which comes nearest, and by how much it misses."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from kpo_provision import errors, quantity
from kpo_provision.sizing import amounts
from kpo_provision.sizing.node import NodeShape
from kpo_provision.sizing.pool import PoolDemand
from kpo_provision.sizing.resources import Resources


def refuse(demand: PoolDemand, largest_pod: Resources, shapes: Sequence[NodeShape]) -> errors.SizingError:
    """Make the error that names the nearest of ``shapes``, none of which holds the largest pod."""
    nearest = min(shapes, key=lambda shape: (_excess(largest_pod, shape.schedulable), shape.machine.name))
    missing = " and ".join(_list_missing(largest_pod, nearest.schedulable))
    subject = (
        f"machine type {nearest.machine.name} does not hold"
        if demand.machine_type
        else f"no machine type holds the largest pod; {nearest.machine.name} comes nearest to"
    )
    return errors.SizingError(
        f"pool {demand.name}: {subject} {amounts.render_size(largest_pod)}: a fresh node has "
        f"{amounts.render_size(_at_least_nothing(nearest.schedulable))} for it, which is {missing} too little",
        hint=_advise(demand, largest_pod, nearest),
    )


def is_held_by_allocatable_alone(largest_pod: Resources, shape: NodeShape) -> bool:
    """Whether only what runs on every node keeps the pod off a fresh one: the trap of reading ``allocatable``."""
    return largest_pod.fits(shape.allocatable) and not largest_pod.fits(shape.schedulable)


def _excess(pod: Resources, room: Resources) -> Fraction:
    pairs = (
        (pod.cpu_milli, room.cpu_milli),
        (pod.memory_ki, room.memory_ki),
        (pod.pods, room.pods),
        (pod.ephemeral_bytes, room.ephemeral_bytes),
    )
    return max(Fraction(wanted, max(offered, 1)) for wanted, offered in pairs)


def _list_missing(pod: Resources, room: Resources) -> list[str]:
    short = pod - room
    missing = []
    if short.cpu_milli > 0:
        missing.append(f"{amounts.render_cpu(short.cpu_milli)} CPU")
    if short.memory_ki > 0:
        missing.append(f"{amounts.render_memory(short.memory_ki)} of memory")
    if short.pods > 0:
        missing.append(f"{short.pods} pods")
    if short.ephemeral_bytes > 0:
        missing.append(f"{quantity.format_bytes(short.ephemeral_bytes)} of ephemeral storage")
    return missing


def _advise(demand: PoolDemand, largest_pod: Resources, nearest: NodeShape) -> str:
    taken = ""
    if is_held_by_allocatable_alone(largest_pod, nearest):
        taken = (
            f"allocatable ({amounts.render_size(nearest.allocatable)}) would hold it, but what runs on every node "
            f"takes {amounts.render_size(nearest.overhead)}; "
        )
    other = "choose a larger machineType" if demand.machine_type else "allow larger machines in machineFamilies"
    return f"{taken}lower nodePools.{demand.name}.largestPod, or {other}"


def _at_least_nothing(size: Resources) -> Resources:
    return Resources(cpu_milli=max(size.cpu_milli, 0), memory_ki=max(size.memory_ki, 0))
