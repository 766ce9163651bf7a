"""A sizing for a person: each pool's machine and counts, the way from nominal memory to the largest pod, the cost."""

from __future__ import annotations

from kpo_provision.report.characters import clean_line
from kpo_provision.report.layout import Layout, Mark
from kpo_provision.report.sizing_amounts import (
    TABLE_HEAD,
    align,
    align_resources,
    render_count,
    render_hour,
    render_memory,
    render_month,
    render_months,
)
from kpo_provision.report.sizing_truth import render_comparison
from kpo_provision.sizing.node import NodeShape
from kpo_provision.sizing.pool import HOURS_A_MONTH, Alternative, PoolSize
from kpo_provision.sizing.pools import InstallationSize
from kpo_provision.sizing.resources import Resources

_STEPS = {
    "machineType": "machine",
    "nominalMemoryMiB": "nominal",
    "capacityMemoryKi": "capacity",
    "kubeReservedMemoryMiB": "reserved memory",
    "kubeReservedCpuMilli": "reserved CPU",
    "evictionMemoryMiB": "eviction",
    "allocatableMemoryKi": "allocatable",
    "allocatableEphemeralBytes": "storage",
    "maxPods": "pods",
    "podCidrPrefix": "pod range",
    "schedulableMemoryKi": "schedulable",
    "largestPod": "largest pod",
    "nodesAtPromise": "at promise",
    "nodesInAnyOrder": "in any order",
    "nodes": "nodes",
}
"""Words for the numbers, in the order in which they follow from each other."""


def render_size_text(size: InstallationSize, *, layout: Layout) -> str:
    """Render every pool of an installation."""
    where = " ".join(part for part in (size.platform or "the nodes there are", size.version) if part)
    tenants = render_count(size.tenants, "tenant")
    pools = render_count(len(size.pools), "pool")
    lines = [clean_line(f"{size.installation}: {pools} for {tenants} that may launch pods, on {where}")]
    for pool in size.pools:
        lines += _render_pool(pool, layout)
    if size.comparisons:
        lines += layout.heading("model and truth")
        lines += [line for comparison in size.comparisons for line in render_comparison(comparison)]
    return "\n".join([*lines, *_render_total(size, layout)]) + "\n"


def render_staircase(shape: NodeShape) -> list[str]:
    """Show one node on its way from what is sold to what tenants' pods may use."""
    machine = shape.machine
    nominal = Resources(cpu_milli=machine.vcpu * 1000, memory_ki=machine.memory_mib * 1024)
    capacity = Resources(cpu_milli=nominal.cpu_milli, memory_ki=shape.capacity_memory_ki)
    is_sold = any(reason.step == "nominalMemoryMiB" for reason in shape.reasons)
    return [
        align("one node", TABLE_HEAD),
        *([align_resources("nominal", nominal, with_pods=False)] if is_sold else []),
        align_resources("capacity", capacity, with_pods=False),
        align_resources("allocatable", shape.allocatable),
        align_resources("every node's", shape.overhead),
        align_resources("schedulable", shape.schedulable),
    ]


def _render_pool(pool: PoolSize, layout: Layout) -> list[str]:
    lines = layout.heading(f"pool {pool.demand.name}")
    lines += layout.marked(Mark.GOOD, _sum_up(pool))
    lines += layout.detail(_describe_cost(pool))
    lines += layout.detail(_describe_counts(pool))
    lines += ["", *render_staircase(pool.shape), align_resources("largest pod", pool.largest_pod)]
    lines += ["", *_render_promises(pool)]
    lines += ["", *_explain(pool, layout)]
    lines += [line for warning in pool.warnings for line in _render_warning(warning.sentence, warning.hint, layout)]
    if pool.alternatives:
        lines += ["", *_compare(pool, pool.alternatives, layout)]
    return lines


def _sum_up(pool: PoolSize) -> str:
    spot = "spot " if pool.demand.spot else ""
    nodes = pool.nodes
    zones = f": {nodes.min_per_zone} to {nodes.max_per_zone} in each of {nodes.zones} zones" if nodes.zones > 1 else ""
    return f"{spot}{pool.shape.machine.name}, {nodes.minimum:,} to {render_count(nodes.maximum, 'node')}{zones}"


def _describe_counts(pool: PoolSize) -> str:
    limit = f"; the pod range holds {pool.nodes.range_limit:,}" if pool.nodes.range_limit is not None else ""
    return (
        f"nodes: {pool.nodes_at_promise:,} at promise (lower bound {pool.lower_bound:,}, gap {pool.gap:,}), "
        f"{pool.nodes_in_any_order:,} in any order, {pool.nodes.surge:,} more for surge{limit}"
    )


def _describe_cost(pool: PoolSize) -> str:
    if pool.micro_usd_per_hour is None:
        return f"cost unknown: no price of {pool.shape.machine.name}"
    hour = render_hour(pool.micro_usd_per_node_hour)
    kind = "spot price" if pool.demand.spot else "list price"
    return (
        f"{render_month(pool.micro_usd_per_hour)} a month with every promise used to the full: "
        f"{render_count(pool.paid_nodes, 'node')} x {hour} x {HOURS_A_MONTH} h, {kind}"
    )


def _render_promises(pool: PoolSize) -> list[str]:
    held = pool.shape.schedulable.times(pool.paid_nodes)
    promised = pool.demand.promised
    return [
        align("the pool", TABLE_HEAD),
        align_resources("promised", promised),
        align_resources(f"{pool.paid_nodes:,} node{'' if pool.paid_nodes == 1 else 's'}", held),
        align_resources("left", held - promised),
    ]


def _explain(pool: PoolSize, layout: Layout) -> list[str]:
    lines = ["why"]
    order = list(_STEPS)
    for reason in sorted((*pool.shape.reasons, *pool.reasons), key=lambda reason: order.index(reason.step)):
        lines += layout.detail(f"{_STEPS[reason.step]}: {reason.text}")
    written = pool.demand.largest_memory_text
    unit = f"{written} = " if written else ""
    return [*lines, *layout.detail(f"largest pod's memory: {unit}{render_memory(pool.largest_pod.memory_ki)}"), ""]


def _render_warning(sentence: str, hint: str, layout: Layout) -> list[str]:
    return layout.marked(Mark.DOUBTFUL, sentence) + (layout.detail(f"hint: {hint}") if hint else [])


def _compare(pool: PoolSize, alternatives: tuple[Alternative, ...], layout: Layout) -> list[str]:
    widest = max(len(alternative.shape.machine.name) for alternative in alternatives)
    lines = [f"{'instead of ' + pool.shape.machine.name:<{widest + 2}}"]
    for alternative in alternatives:
        month = "price unknown"
        if alternative.micro_usd_per_hour is not None:
            month = f"{render_month(alternative.micro_usd_per_hour)} a month"
        counts = f"{render_count(alternative.nodes_at_promise, 'node')}, at most {alternative.nodes_in_any_order:,}"
        lines.append(f"  {alternative.shape.machine.name:<{widest}}  {counts}, {month}")
        lines += layout.detail(alternative.why)
    return lines


def _render_total(size: InstallationSize, layout: Layout) -> list[str]:
    lines = ["", f"all pools: {render_months([pool.micro_usd_per_hour for pool in size.pools])}"]
    lines += [line for source in size.sources for line in layout.detail(source)]
    return lines + [line for warning in size.warnings for line in layout.marked(Mark.DOUBTFUL, warning)]
