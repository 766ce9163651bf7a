"""Rows of cells as lines that stand below each other; the last cell is free text, which may need lines of its own."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from kpo_provision.report.characters import clean_line
from kpo_provision.report.layout import Layout


def align_rows(rows: Sequence[Sequence[str]], layout: Layout, *, right: Collection[int]) -> list[str]:
    """Write a line a row; columns in ``right`` are of numbers."""
    cleaned = [[clean_line(cell) for cell in row] for row in rows]
    widths = [max(len(row[column]) for row in cleaned) for column in range(len(cleaned[0]))]
    return [line for row in cleaned for line in _align(row, widths, layout, right)]


def _align(row: Sequence[str], widths: Sequence[int], layout: Layout, right: Collection[int]) -> list[str]:
    *cells, last = row
    start = "  ".join(
        cell.rjust(width) if column in right else cell.ljust(width)
        for column, (cell, width) in enumerate(zip(cells, widths, strict=False))
    )
    line = f"{start}  {last}".rstrip()
    if len(line) <= layout.width:
        return [line]
    return [start.rstrip(), *layout.detail(last)]
