"""One node for a person: the staircase from nominal memory to the largest pod, then the reason for every step."""

from __future__ import annotations

from kpo_provision.report.characters import clean_line
from kpo_provision.report.layout import Layout, Mark
from kpo_provision.report.sizing_amounts import render_memory
from kpo_provision.report.sizing_text import render_staircase
from kpo_provision.sizing.node import NodeShape

TABLE_WIDTH = 64
"""Columns that the staircase takes; a narrower terminal gets a list."""


def render_node_text(shape: NodeShape, *, layout: Layout) -> str:
    """Render one node."""
    lines = [clean_line(_title(shape)), ""]
    lines += render_staircase(shape) if layout.width >= TABLE_WIDTH else _list_stairs(shape, layout)
    lines += ["", *_name_largest_pod(shape, layout), *layout.heading("why")]
    for name, amount, step in _list_steps(shape):
        for reason in shape.reasons:
            if reason.step == step:
                lines += layout.detail(f"{name} {amount}: {reason.text}")
    if shape.warnings:
        lines += layout.heading("mind")
        lines += [line for warning in shape.warnings for line in layout.marked(Mark.DOUBTFUL, warning)]
    return "\n".join(lines) + "\n"


def _title(shape: NodeShape) -> str:
    version = f" {shape.version}" if shape.version else ""
    return f"{shape.machine.name} on {shape.platform.value}{version}"


def _list_stairs(shape: NodeShape, layout: Layout) -> list[str]:
    vcpu_milli = shape.machine.vcpu * 1000
    stairs = (
        ("nominal", vcpu_milli, shape.machine.memory_mib * 1024),
        ("capacity", vcpu_milli, shape.capacity_memory_ki),
        ("allocatable", shape.allocatable.cpu_milli, shape.allocatable.memory_ki),
        ("schedulable", shape.schedulable.cpu_milli, shape.schedulable.memory_ki),
    )
    lines = [
        layout.detail(f"{name}: {cpu_milli}m, {render_memory(memory_ki)}") for name, cpu_milli, memory_ki in stairs
    ]
    return [line for wrapped in lines for line in wrapped]


def _name_largest_pod(shape: NodeShape, layout: Layout) -> list[str]:
    largest = shape.schedulable
    if min(largest.cpu_milli, largest.memory_ki, largest.pods) <= 0:
        return layout.marked(Mark.BAD, "no pod of a tenant fits")
    text = f"largest pod on a fresh node: {largest.cpu_milli}m CPU and {render_memory(largest.memory_ki)}"
    return layout.marked(Mark.GOOD, text)


def _list_steps(shape: NodeShape) -> tuple[tuple[str, str, str], ...]:
    """Return name, amount and key of every number that has a reason, in the order in which one follows from another."""
    return (
        ("nominal", f"{shape.machine.memory_mib:,} MiB", "nominalMemoryMiB"),
        ("capacity", f"{shape.capacity_memory_ki:,} KiB", "capacityMemoryKi"),
        ("reserved memory", f"{shape.kube_reserved_memory_mib:,} MiB", "kubeReservedMemoryMiB"),
        ("reserved CPU", f"{shape.kube_reserved_cpu_milli:,}m", "kubeReservedCpuMilli"),
        ("eviction", f"{shape.eviction_memory_mib:,} MiB", "evictionMemoryMiB"),
        ("allocatable", f"{shape.allocatable.memory_ki:,} KiB", "allocatableMemoryKi"),
        ("allocatable storage", f"{shape.allocatable.ephemeral_bytes:,} bytes", "allocatableEphemeralBytes"),
        ("schedulable", f"{shape.schedulable.memory_ki:,} KiB", "schedulableMemoryKi"),
        ("pods", f"{shape.max_pods:,}", "maxPods"),
        ("pod range", f"/{shape.pod_cidr_prefix}", "podCidrPrefix"),
    )
