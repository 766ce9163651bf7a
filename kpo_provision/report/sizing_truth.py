"""What live nodes are beside what the model says of them."""

from __future__ import annotations

from typing import Any, NamedTuple

from kpo_provision.report.characters import clean_line
from kpo_provision.sizing.node import NodeShape
from kpo_provision.sizing.observed import Comparison, ObservedNode

_NUMBERS = {
    "capacityMemoryKi": "capacity KiB",
    "allocatableMemoryKi": "allocatable KiB",
    "allocatableCpuMilli": "allocatable CPU m",
    "allocatableEphemeralBytes": "allocatable disk bytes",
    "maxPods": "pods",
    "overheadMemoryKi": "every node's KiB",
    "overheadCpuMilli": "every node's CPU m",
    "overheadPods": "every node's pods",
}
_LABEL_WIDTH = 24
_COLUMN_WIDTH = 18


class _Row(NamedTuple):
    key: str
    label: str
    truth: int
    model: int | None


def render_comparison(comparison: Comparison) -> list[str]:
    """Show one kind of node: a line a number, with the difference where there is a model."""
    truth = comparison.truth
    count = f"{comparison.nodes} nodes like {truth.name}" if comparison.nodes > 1 else f"node {truth.name}"
    machine = f", {truth.machine_type}" if truth.machine_type else ""
    lines = [clean_line(f"pool {truth.pool}: {count}{machine}, kubelet {truth.version}")]
    if comparison.model is None:
        lines.append("  no model: nobody said who installs the nodes (sizing.platform or --platform)")
    elif not comparison.is_capacity_predicted:
        lines.append("  the model was told the capacity: the catalog does not know the machine")
    lines.append(_align("", "truth", "model", "difference"))
    return lines + [_render_row(row) for row in _list_rows(comparison)]


def describe_comparison(comparison: Comparison) -> dict[str, Any]:
    """Return one kind of node as plain values for JSON."""
    rows = _list_rows(comparison)
    return {
        "pool": comparison.truth.pool,
        "node": comparison.truth.name,
        "nodes": comparison.nodes,
        "machineType": comparison.truth.machine_type or None,
        "kubeletVersion": comparison.truth.version,
        "capacityPredicted": comparison.is_capacity_predicted,
        "truth": {row.key: row.truth for row in rows},
        "model": None if comparison.model is None else {row.key: row.model for row in rows},
    }


def _list_rows(comparison: Comparison) -> tuple[_Row, ...]:
    seen = _list_seen(comparison.truth)
    modelled = _list_modelled(comparison.model) if comparison.model else (None,) * len(seen)
    return tuple(
        _Row(key, label, truth, model)
        for (key, label), truth, model in zip(_NUMBERS.items(), seen, modelled, strict=True)
    )


def _list_seen(node: ObservedNode) -> tuple[int, ...]:
    return (
        node.capacity.memory_ki,
        node.allocatable.memory_ki,
        node.allocatable.cpu_milli,
        node.allocatable.ephemeral_bytes,
        node.capacity.pods,
        node.overhead.memory_ki,
        node.overhead.cpu_milli,
        node.overhead.pods,
    )


def _list_modelled(shape: NodeShape) -> tuple[int, ...]:
    return (
        shape.capacity_memory_ki,
        shape.allocatable.memory_ki,
        shape.allocatable.cpu_milli,
        shape.allocatable.ephemeral_bytes,
        shape.max_pods,
        shape.overhead.memory_ki,
        shape.overhead.cpu_milli,
        shape.overhead.pods,
    )


def _render_row(row: _Row) -> str:
    if row.model is None:
        return _align(row.label, f"{row.truth:,}", "-", "")
    difference = row.model - row.truth
    return _align(row.label, f"{row.truth:,}", f"{row.model:,}", f"{difference:+,}" if difference else "same")


def _align(label: str, *cells: str) -> str:
    return f"  {label:<{_LABEL_WIDTH}}{''.join(cell.rjust(_COLUMN_WIDTH) for cell in cells)}".rstrip()
