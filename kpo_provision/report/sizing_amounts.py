"""Amounts as a reader of a sizing wants them: aligned, and with every unit that could be mistaken for another."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

from kpo_provision.sizing.pool import HOURS_A_MONTH
from kpo_provision.sizing.resources import Resources

MICRO_USD = 1_000_000
_WIDTHS = (13, 10, 15, 9, 9, 7)
TABLE_HEAD = ("CPU m", "memory KiB", "GiB", "GB", "pods")
"""A GiB is 2^30 bytes, a GB 10^9: 7 % apart, and mistaken for each other ever since."""


def align(label: str, cells: Iterable[str]) -> str:
    """Return one line of a table of amounts."""
    first, *widths = _WIDTHS
    columns = [cell.rjust(width) for cell, width in zip(cells, widths, strict=False)]
    return f"{label:<{first}}{''.join(columns)}".rstrip()


def align_resources(label: str, amount: Resources, *, with_pods: bool = True) -> str:
    """Return the line of a table that shows one amount."""
    pods = f"{amount.pods:,}" if with_pods else ""
    return align(label, (f"{amount.cpu_milli:,}", f"{amount.memory_ki:,}", *_render_memory(amount.memory_ki), pods))


def render_memory(memory_ki: int) -> str:
    """Write memory in all its units: ``13,631,488 KiB = 13.000 GiB = 13.959 GB``."""
    gib, gb = _render_memory(memory_ki)
    return f"{memory_ki:,} KiB = {gib} GiB = {gb} GB"


def render_month(micro_usd_per_hour: int | None) -> str:
    """Write what an hourly price comes to in a month."""
    if micro_usd_per_hour is None:
        return "price unknown"
    cents = -(-micro_usd_per_hour * HOURS_A_MONTH * 100 // MICRO_USD)
    return f"${cents // 100:,}.{cents % 100:02d}"


def render_months(costs: Sequence[int | None]) -> str:
    """Write what the hourly prices of pools come to together, and how many of them have none."""
    known = [cost for cost in costs if cost is not None]
    if not known:
        return "price unknown"
    unknown = len(costs) - len(known)
    partly = f", and {render_count(unknown, 'pool')} without a price" if unknown else ""
    return f"{render_month(sum(known))} a month{partly}"


def render_hour(micro_usd: int | None) -> str:
    """Write an hourly price: ``$0.3885``."""
    if micro_usd is None:
        return "price unknown"
    whole, _, fraction = str(Decimal(micro_usd) / MICRO_USD).partition(".")
    return f"${int(whole):,}.{fraction:0<4}"


def render_count(count: int, noun: str) -> str:
    """Write a number of things: ``1 node``, ``2 nodes``."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _render_memory(memory_ki: int) -> tuple[str, str]:
    size = memory_ki * 1024
    return _thousandths(size, 2**30), _thousandths(size, 10**9)


def _thousandths(size: int, unit: int) -> str:
    whole, rest = divmod((2 * abs(size) * 1000 + unit) // (2 * unit), 1000)
    return f"{'-' if size < 0 else ''}{whole:,}.{rest:03d}"
