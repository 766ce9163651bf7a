"""Reads the tables that are shipped with the package: CSV under ``data/``, with where and when in comment lines."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

DATA = Path(__file__).parent / "data"


def read_rows(name: str) -> Iterator[dict[str, str]]:
    """Read the rows of one table."""
    with (DATA / name).open(encoding="utf-8", newline="") as stream:
        yield from csv.DictReader(line for line in stream if not line.startswith("#"))


def read_source(name: str) -> str:
    """Read where a table comes from and when it was read."""
    with (DATA / name).open(encoding="utf-8") as stream:
        lines = [line[1:].strip() for line in stream if line.startswith("#")]
    start = next(number for number, line in enumerate(lines) if line.startswith("source:"))
    return " ".join(lines[start:]).removeprefix("source:").strip()
