"""What usually runs on every node of a platform, for when nobody has looked at the cluster yet.

A guide, not a rule: ``size --observe`` reads what a cluster really runs.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

from kpo_provision.catalog import tables


@dataclass(frozen=True, slots=True, kw_only=True)
class UsualOverhead:
    """Requests of the DaemonSets and static pods on one node."""

    cpu_milli: int
    memory_ki: int
    pods: int


def usual_overhead(platform_name: str) -> tuple[UsualOverhead, str]:
    """Look up what usually runs on every node of ``platform_name`` (``gke``), and say what that is."""
    return _read_overheads()[platform_name]


@functools.cache
def _read_overheads() -> dict[str, tuple[UsualOverhead, str]]:
    return {
        row["platform"]: (
            UsualOverhead(
                cpu_milli=int(row["cpu_milli"]), memory_ki=int(row["memory_mib"]) * 1024, pods=int(row["pods"])
            ),
            row["basis"],
        )
        for row in tables.read_rows("overhead.csv")
    }
