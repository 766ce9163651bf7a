"""Writes amounts of CPU and memory for sentences: exact, with the unit that was meant."""

from __future__ import annotations

from kpo_provision.sizing.resources import Resources

_KI_PER_GI = 1024 * 1024


def render_cpu(milli: int) -> str:
    """Write an amount of CPU, never as Kubernetes' ``3k``: ``3000``, ``3500m``."""
    return f"{milli}m" if milli % 1000 else str(milli // 1000)


def render_memory(memory_ki: int) -> str:
    """Write memory exactly, and in GiB where that is easier to read: ``13631488Ki (13.00 GiB)``."""
    if memory_ki < _KI_PER_GI:
        return f"{memory_ki}Ki"
    hundredths = memory_ki * 100 // _KI_PER_GI
    return f"{memory_ki}Ki ({hundredths // 100}.{hundredths % 100:02d} GiB)"


def render_size(size: Resources) -> str:
    """Write CPU and memory of a pod or a node."""
    return f"{render_cpu(size.cpu_milli)} CPU and {render_memory(size.memory_ki)}"


def render_nodes(count: int) -> str:
    """Write a number of nodes."""
    return f"{count} node" if count == 1 else f"{count} nodes"


def render_usd(micro_usd: int) -> str:
    """Write a price in US dollars, to a hundredth of a cent and rounded up, so that nothing looks free."""
    ten_thousandths = -(-micro_usd // 100)
    return f"${ten_thousandths // 10_000:,}.{ten_thousandths % 10_000:04d}"
