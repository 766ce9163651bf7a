"""What becomes of node pools, as a table that a person can read, however many there are."""

from __future__ import annotations

from typing import Any

from kpo_provision.report.layout import Layout, Mark
from kpo_provision.report.table import align_rows
from kpo_provision.results import Action, PoolChange, PoolsAhead

SIGNS = {
    Action.CREATE: "+",
    Action.UPDATE: "~",
    Action.REPLACE: "+/-",
    Action.IMPORT: "<=",
    Action.DELETE: "-",
    Action.UNCHANGED: "=",
}
"""Terraform's own signs, which its users know."""
_HEAD = ("", "pool", "machine", "nodes", "zones", "pods", "", "")
_RIGHT = frozenset({3, 4, 5})
"""Columns of numbers."""


def render_pools(ahead: PoolsAhead, layout: Layout) -> list[str]:
    """Write a line a pool that changes, and count the others; nothing where no target makes pools."""
    if not ahead.pools and not ahead.notes:
        return []
    changing = [pool for pool in ahead.pools if pool.is_mutation]
    lines = layout.heading("node pools")
    if changing:
        rows = [_HEAD, *(_render_cells(pool) for pool in changing)]
        lines += align_rows(rows, layout, right=_RIGHT)
    same = len(ahead.pools) - len(changing)
    if same:
        lines += [f"{same} pool{'' if same == 1 else 's'} unchanged"]
    return lines + [line for note in ahead.notes for line in layout.marked(Mark.DOUBTFUL, note)]


def document_of_pools(ahead: PoolsAhead) -> dict[str, Any]:
    """Return every pool as plain values for JSON, those that do not change included."""
    return {"pools": [_describe(pool) for pool in ahead.pools], "notes": list(ahead.notes)}


def _render_cells(pool: PoolChange) -> tuple[str, ...]:
    if pool.action is Action.DELETE:
        return (SIGNS[pool.action], pool.pool, "", "", "", "", "", _say(pool))
    return (
        SIGNS[pool.action],
        pool.pool,
        pool.machine_type,
        f"{pool.min_nodes} to {pool.max_nodes}",
        str(pool.zones),
        str(pool.max_pods),
        "spot" if pool.spot else "",
        _say(pool),
    )


def _say(pool: PoolChange) -> str:
    match pool.action:
        case Action.REPLACE:
            return f"another in place of {pool.live}, which goes when it stands: {pool.detail}"
        case Action.DELETE | Action.IMPORT:
            return f"{pool.live}: {pool.detail}" if pool.detail else pool.live
        case _:
            return pool.detail


def _describe(pool: PoolChange) -> dict[str, Any]:
    return {
        "action": pool.action.value,
        "pool": pool.pool,
        "live": pool.live,
        "machineType": pool.machine_type,
        "minNodes": pool.min_nodes,
        "maxNodes": pool.max_nodes,
        "zones": pool.zones,
        "maxPodsPerNode": pool.max_pods,
        "spot": pool.spot,
        "detail": pool.detail,
    }
