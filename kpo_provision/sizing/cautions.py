"""What is worth a warning about a sized pool: it works as planned, and yet may surprise."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kpo_provision import quantity
from kpo_provision.sizing import amounts, misfit
from kpo_provision.sizing.mixes import AU
from kpo_provision.sizing.node import NodeShape, Platform
from kpo_provision.sizing.pool import NodeCounts, PoolDemand, PoolWarning, WarningCode
from kpo_provision.sizing.resources import Resources
from kpo_provision.sizing.weighing import Weighed

AU_MAXIMUM = 35
"""Largest pod of an Astronomer deployment unless it is configured, in AU (Astronomer Software 0.37, ``maxPodAu``)."""
AU_MAXIMUM_POD = Resources(cpu_milli=AU_MAXIMUM * AU.cpu_milli, memory_ki=AU_MAXIMUM * AU.memory_ki, pods=1)
_SHAPE_CODES = (
    ("GKE 1.37", WarningCode.GKE_1_37_MEMORY_RULE),
    ("more than 110 pods", WarningCode.MORE_THAN_110_PODS),
)
_DECIMAL_UNITS = ("k", "M", "G", "T", "P", "E")


def list_warnings(
    demand: PoolDemand, largest_pod: Resources, chosen: Weighed, *, nodes: NodeCounts, shapes: Sequence[NodeShape]
) -> tuple[PoolWarning, ...]:
    """List what to know about the pool; ``shapes`` are all that were looked at."""
    return (
        *_warn_of_largest_pod(demand, largest_pod, chosen.candidate.shape),
        *_warn_of_allocatable(largest_pod, chosen, shapes),
        *_warn_of_unit(demand),
        *_warn_of_limits(demand, chosen, nodes),
        *_warn_of_node(demand, chosen),
    )


def _warn_of_largest_pod(demand: PoolDemand, largest_pod: Resources, shape: NodeShape) -> Iterator[PoolWarning]:
    where = f"nodePools.{demand.name}.largestPod"
    if demand.largest_pod is None:
        yield PoolWarning(
            code=WarningCode.LARGEST_POD_ASSUMED,
            sentence=f"no largest pod is stated; planned for {amounts.render_size(largest_pod)}, and a larger pod that "
            "a quota allows may wait for ever",
            hint=f"set {where}, so that such a pod is refused when it is created",
        )
    may_ask = demand.largest_pod is None or any(
        promise.resources.cpu_milli >= AU_MAXIMUM_POD.cpu_milli for promise in demand.promises
    )
    if may_ask and not AU_MAXIMUM_POD.fits(shape.schedulable):
        yield PoolWarning(
            code=WarningCode.AU_MAXIMUM_DOES_NOT_FIT,
            sentence=f"Astronomer lets a pod ask for {AU_MAXIMUM} AU unless it is configured otherwise "
            f"({amounts.render_size(AU_MAXIMUM_POD)}), which a {shape.machine.name} does not hold: a fresh node has "
            f"{amounts.render_size(shape.schedulable)}",
            hint=f"lower maxPodAu in Astronomer's configuration, or set {where} to that, for a machine that holds it",
        )


def _warn_of_allocatable(largest_pod: Resources, chosen: Weighed, shapes: Sequence[NodeShape]) -> Iterator[PoolWarning]:
    """Name the smallest machine that reading ``allocatable`` would have chosen."""
    traps = [shape for shape in shapes if misfit.is_held_by_allocatable_alone(largest_pod, shape)]
    if not traps:
        return
    trap = min(traps, key=lambda shape: (_price(shape), shape.machine.vcpu, shape.machine.memory_mib, shape.max_pods))
    if _price(trap) >= _price(chosen.candidate.shape):
        return
    yield PoolWarning(
        code=WarningCode.ALLOCATABLE_IS_NOT_SCHEDULABLE,
        sentence=f"{trap.machine.name} offers {amounts.render_size(trap.allocatable)} as allocatable, which would hold "
        f"the largest pod, but {amounts.render_size(trap.schedulable)} once what runs on every node has started",
        hint="size by what is schedulable: a pod as large as allocatable waits for ever",
    )


def _warn_of_unit(demand: PoolDemand) -> Iterator[PoolWarning]:
    text = demand.largest_memory_text
    if demand.largest_pod is None or not text.endswith(_DECIMAL_UNITS):
        return
    binary = text[:-1] + text[-1].upper() + "i"
    meant = quantity.parse_quantity(binary).ki
    yield PoolWarning(
        code=WarningCode.UNIT,
        sentence=f"the largest pod's memory of {text} is decimal, "
        f"{amounts.render_memory(demand.largest_pod.memory_ki)}; {binary} would be {amounts.render_memory(meant)}",
        hint=f"write {binary} if that was meant",
    )


def _warn_of_limits(demand: PoolDemand, chosen: Weighed, nodes: NodeCounts) -> Iterator[PoolWarning]:
    if nodes.maximum < chosen.nodes_at_promise:
        yield PoolWarning(
            code=WarningCode.QUOTA_NO_POOL_CAN_HOLD,
            sentence=f"the tenants' quotas together need {amounts.render_nodes(chosen.nodes_at_promise)}, and the pool "
            f"may have {nodes.maximum}: some pods that a quota allows will wait",
            hint=f"raise nodePools.{demand.name}.maxNodes, or promise less",
        )
    elif nodes.maximum < chosen.nodes_in_any_order:
        limit = "maxNodes" if demand.max_nodes is not None else "the range of the pods' addresses"
        yield PoolWarning(
            code=WarningCode.MAXIMUM_NEEDS_GOOD_ORDER,
            sentence=f"{amounts.render_nodes(nodes.maximum)} can hold every promise if its pods are packed well; "
            f"the scheduler spreads them, and only {chosen.nodes_in_any_order} hold them whatever they are and in "
            "whatever order they come",
            hint=f"{limit} is what keeps the pool smaller",
        )


def _warn_of_node(demand: PoolDemand, chosen: Weighed) -> Iterator[PoolWarning]:
    shape = chosen.candidate.shape
    if chosen.candidate.micro_usd is None:
        kind = "spot price" if demand.spot else "price"
        yield PoolWarning(
            code=WarningCode.PRICE_UNKNOWN,
            sentence=f"no {kind} of {shape.machine.name} is known, so its cost is not counted",
            hint="give pricePerHour under sizing.machineTypes",
        )
    by_cpu = shape.schedulable.cpu_milli // AU.cpu_milli
    if shape.platform is Platform.EKS and shape.schedulable.pods < by_cpu:
        yield PoolWarning(
            code=WarningCode.ENI_POD_LIMIT,
            sentence=f"the network interfaces of {shape.machine.name} give addresses to {shape.max_pods} pods, "
            f"{shape.schedulable.pods} of them tenants', though its CPUs would do for {by_cpu} pods of 1 AU",
            hint="turn on prefix delegation in the VPC CNI, or choose a machine with more addresses",
        )
    for sentence in shape.warnings:
        code = next((code for words, code in _SHAPE_CODES if words in sentence), WarningCode.NODE_MODEL)
        yield PoolWarning(code=code, sentence=sentence)


def _price(shape: NodeShape) -> int:
    return shape.machine.price_micro_usd or 0
