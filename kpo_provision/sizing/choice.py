"""Chooses a pool's machine type: the cheapest that holds every promise, and what it costs to choose another.

A machine is out where the largest pod does not fit a *fresh* node of it, after what runs on every node. The others are
weighed in the order of a bound on their cost, and only while that bound could still matter.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Sequence

from kpo_provision import errors
from kpo_provision.sizing import amounts, cautions, misfit, mixes, weighing, zones
from kpo_provision.sizing.node import NodeShape, Reason
from kpo_provision.sizing.pool import Alternative, NodeCounts, PoolDemand, PoolSize
from kpo_provision.sizing.resources import Resources
from kpo_provision.sizing.weighing import USUAL_PODS, Candidate, Load, Rank, Weighed


def choose(demand: PoolDemand, shapes: Iterable[NodeShape], *, compare: int = 3) -> PoolSize:
    """Choose the cheapest of ``shapes`` for a pool, and up to ``compare`` other machine types beside it.

    Shapes may be the same machine with another maximum of pods. A machine without a price, or a burstable one, is
    chosen only where the demand names it.

    Raises:
        errors.SizingError: None holds the largest pod, none that does has a price, or the limits contradict.
    """
    zones.check_limits(demand)
    known = tuple(shapes)
    largest_pod = _decide_largest_pod(demand, known)
    load = weighing.make_load(demand, largest_pod)
    candidates = _list_candidates(load, known)
    ranked = _rank(load, candidates, wanted=max(compare, 0) + 1)
    chosen, others = ranked[0], ranked[1:]
    nodes = chosen.nodes
    if nodes is None:
        raise _refuse_range(demand, chosen)
    return PoolSize(
        demand=demand,
        shape=chosen.candidate.shape,
        largest_pod=largest_pod,
        nodes_at_promise=chosen.nodes_at_promise,
        lower_bound=chosen.lower_bound,
        nodes_in_any_order=chosen.nodes_in_any_order,
        nodes=nodes,
        micro_usd_per_node_hour=chosen.candidate.micro_usd,
        alternatives=tuple(_make_alternative(other, chosen) for other in others),
        reasons=_explain(demand, chosen, nodes=nodes, considered=len({each.shape.machine.name for each in candidates})),
        warnings=cautions.list_warnings(demand, largest_pod, chosen, nodes=nodes, shapes=known),
    )


def _decide_largest_pod(demand: PoolDemand, shapes: Sequence[NodeShape]) -> Resources:
    """Take the demand's, or what Astronomer allows as far as quotas and a machine that was named let it come about."""
    if demand.largest_pod is not None:
        return demand.largest_pod
    bounds = [cautions.AU_MAXIMUM_POD]
    if demand.promises:
        bounds.append(_largest([promise.resources for promise in demand.promises]))
    if demand.machine_type is not None and shapes:
        bounds.append(_largest([shape.schedulable for shape in shapes]))
    return Resources(
        cpu_milli=max(min(bound.cpu_milli for bound in bounds), mixes.AU.cpu_milli),
        memory_ki=max(min(bound.memory_ki for bound in bounds), mixes.AU.memory_ki),
        pods=1,
    )


def _largest(sizes: Sequence[Resources]) -> Resources:
    return Resources(cpu_milli=max(size.cpu_milli for size in sizes), memory_ki=max(size.memory_ki for size in sizes))


def _list_candidates(load: Load, shapes: Sequence[NodeShape]) -> list[Candidate]:
    demand = load.demand
    if not shapes:
        raise errors.SizingError(
            f"pool {demand.name} has no machine type to choose from",
            hint=f"set nodePools.{demand.name}.machineType or machineFamilies",
        )
    fitting = [shape for shape in shapes if load.largest_pod.fits(shape.schedulable)]
    if not fitting:
        raise misfit.refuse(demand, load.largest_pod, shapes)
    candidates = [
        weighing.make_candidate(shape, load)
        for shape in fitting
        if demand.machine_type is not None or not shape.machine.is_burstable
    ]
    if demand.machine_type is None:
        candidates = [candidate for candidate in candidates if candidate.micro_usd is not None]
    if not candidates:
        raise errors.SizingError(
            f"pool {demand.name}: no machine type that holds its largest pod has a known price and CPUs of its own, "
            "so none is the cheapest",
            hint=f"name one in nodePools.{demand.name}.machineType, or give pricePerHour under sizing.machineTypes",
        )
    return sorted(candidates, key=lambda candidate: (candidate.least_cost(demand), candidate.micro_usd or 0))


def _rank(load: Load, candidates: Sequence[Candidate], *, wanted: int) -> list[Weighed]:
    """Return the ``wanted`` best machine types, best first; types that the range of pods is too small for come last."""
    best: list[Weighed] = []
    for candidate in candidates:
        if len(best) >= wanted and best[-1].nodes is not None and candidate.least_cost(load.demand) > best[-1].cost:
            break
        weighed = weighing.weigh(candidate, load)
        rival = next((other for other in best if _is_same_machine(other, weighed)), None)
        if rival is not None:
            if _rank_of(rival) <= _rank_of(weighed):
                continue
            best.remove(rival)
        bisect.insort(best, weighed, key=_rank_of)
        del best[wanted:]
    return best


def _rank_of(weighed: Weighed) -> tuple[bool, Rank]:
    return weighed.nodes is None, weighed.rank()


def _is_same_machine(one: Weighed, other: Weighed) -> bool:
    return one.candidate.shape.machine.name == other.candidate.shape.machine.name


def _refuse_range(demand: PoolDemand, nearest: Weighed) -> errors.SizingError:
    shape = nearest.candidate.shape
    needed = demand.max_nodes if demand.max_nodes is not None else max(nearest.nodes_at_promise, demand.min_nodes)
    place = f" in {demand.zones} zones" if demand.zones > 1 else ""
    return errors.SizingError(
        f"pool {demand.name}: a pod range of /{demand.pod_range_prefix} is too small: {shape.machine.name} needs "
        f"{needed} nodes and {demand.surge_nodes} for surge{place}, each with a block of "
        f"/{shape.pod_cidr_prefix} for {shape.max_pods} pods",
        hint="give a larger sizing.podRange, larger machines, or a smaller maxPodsPerNode",
    )


def _make_alternative(other: Weighed, chosen: Weighed) -> Alternative:
    return Alternative(
        shape=other.candidate.shape,
        nodes_at_promise=other.nodes_at_promise,
        lower_bound=other.lower_bound,
        nodes_in_any_order=other.nodes_in_any_order,
        micro_usd_per_hour=None if other.candidate.micro_usd is None else other.cost,
        why=_explain_loss(other, chosen),
    )


def _explain_loss(other: Weighed, chosen: Weighed) -> str:
    if other.nodes is None:
        return "the range of the pods' addresses is too small for its nodes"
    if other.cost > chosen.cost:
        percent = -(-(other.cost - chosen.cost) * 100 // chosen.cost)
        return f"{amounts.render_usd(other.cost - chosen.cost)} an hour dearer (+{percent} %)"
    if other.candidate.shape.max_pods > USUAL_PODS >= chosen.candidate.shape.max_pods:
        return f"costs the same with more than {USUAL_PODS} pods on a node, which need larger blocks of addresses"
    if other.nodes_in_any_order > chosen.nodes_in_any_order:
        return f"costs the same and may need {other.nodes_in_any_order} nodes instead of {chosen.nodes_in_any_order}"
    if other.candidate.micro_usd != chosen.candidate.micro_usd:
        return "costs the same; its nodes are larger, so that less of them can be given back when idle"
    return "costs the same; nothing tells them apart but the name or the addresses set aside for its pods"


def _explain(demand: PoolDemand, chosen: Weighed, *, nodes: NodeCounts, considered: int) -> tuple[Reason, ...]:
    machine = chosen.candidate.shape.machine.name
    gap = chosen.nodes_at_promise - chosen.lower_bound
    named = "the spec names it" if demand.machine_type else f"the cheapest of {considered} that hold the largest pod"
    proof = "no packing takes fewer" if gap == 0 else f"no packing takes fewer than {chosen.lower_bound}"
    place = f" in each of {nodes.zones} zones" if nodes.zones > 1 else ""
    source = "as the spec says" if demand.max_nodes is not None else "by what any order needs"
    return (
        Reason(step="machineType", text=f"{machine}: {named}"),
        Reason(
            step="nodesAtPromise",
            text="every promise used to the full, as the largest pods or as pods of 1 AU, fits "
            f"{amounts.render_nodes(chosen.nodes_at_promise)}; {proof}",
        ),
        Reason(
            step="nodesInAnyOrder",
            text="whatever the pods of the promises are and in whatever order a scheduler that spreads them places "
            f"them, they fit {amounts.render_nodes(chosen.nodes_in_any_order)}",
        ),
        Reason(
            step="nodes",
            text=f"{nodes.min_per_zone} to {amounts.render_nodes(nodes.max_per_zone)}{place}, {source}; "
            f"{nodes.surge} more while nodes are replaced",
        ),
    )
