"""One node as a JSON document of kind ``kpo-provision/node/v1``: units in the names, amounts in whole numbers."""

from __future__ import annotations

import json
from typing import Any

from kpo_provision.sizing.node import NodeShape

SCHEMA = "kpo-provision/node/v1"


def render_node_json(shape: NodeShape) -> str:
    """Render one node."""
    return json.dumps({"schema": SCHEMA, **describe_node(shape)}, indent=2)


def describe_node(shape: NodeShape) -> dict[str, Any]:
    """Return one node as plain values."""
    return {
        "platform": shape.platform.value,
        "version": shape.version,
        "machineType": shape.machine.name,
        "vcpu": shape.machine.vcpu,
        "nominalMemoryMiB": shape.machine.memory_mib,
        "capacityMemoryKi": shape.capacity_memory_ki,
        "capacityEphemeralBytes": shape.capacity_ephemeral_bytes,
        "allocatableMemoryKi": shape.allocatable.memory_ki,
        "allocatableCpuMilli": shape.allocatable.cpu_milli,
        "allocatableEphemeralBytes": shape.allocatable.ephemeral_bytes,
        "maxPods": shape.max_pods,
        "kubeReservedMemoryMiB": shape.kube_reserved_memory_mib,
        "kubeReservedCpuMilli": shape.kube_reserved_cpu_milli,
        "systemReservedMemoryMiB": shape.system_reserved_memory_mib,
        "systemReservedCpuMilli": shape.system_reserved_cpu_milli,
        "evictionMemoryMiB": shape.eviction_memory_mib,
        "overheadCpuMilli": shape.overhead.cpu_milli,
        "overheadMemoryKi": shape.overhead.memory_ki,
        "overheadPods": shape.overhead.pods,
        "schedulableCpuMilli": shape.schedulable.cpu_milli,
        "schedulableMemoryKi": shape.schedulable.memory_ki,
        "schedulableEphemeralBytes": shape.schedulable.ephemeral_bytes,
        "schedulablePods": shape.schedulable.pods,
        "podCidrPrefix": shape.pod_cidr_prefix,
        "reasons": [{"step": reason.step, "text": reason.text} for reason in shape.reasons],
        "warnings": list(shape.warnings),
    }
