"""What runs on every node beside tenants' pods: as somebody said, and where nobody did, as usual on the platform."""

from __future__ import annotations

from kpo_provision.catalog.overhead import usual_overhead
from kpo_provision.sizing.node import Platform
from kpo_provision.sizing.resources import Resources


def complete_overhead(
    platform: Platform, *, cpu_milli: int | None = None, memory_ki: int | None = None, pods: int | None = None
) -> tuple[Resources, str]:
    """Fill in what was left out with what is usual, and say what that is."""
    usual, basis = usual_overhead(platform.value)
    overhead = Resources(
        cpu_milli=usual.cpu_milli if cpu_milli is None else cpu_milli,
        memory_ki=usual.memory_ki if memory_ki is None else memory_ki,
        pods=usual.pods if pods is None else pods,
    )
    return overhead, basis
