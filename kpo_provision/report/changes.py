"""Changes and drift in words and as JSON: what ``plan``, ``status`` and ``destroy`` print."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from typing import Any

from kpo_provision import errors
from kpo_provision.plan import Plan
from kpo_provision.results import Action, Change, Changes

LISTED_CHANGES = 60
"""More changes than this are counted a tenant instead of listed one by one."""

_SIGNS = {
    Action.CREATE: ("+", "32"),
    Action.UPDATE: ("~", "33"),
    Action.DELETE: ("-", "31"),
    Action.UNCHANGED: (" ", "0"),
}


def exit_code_of_preview(changes: Changes) -> errors.ExitCode:
    """Return the exit code of a command that only looked."""
    if changes.failures:
        return errors.ExitCode.CLUSTER
    return errors.ExitCode.CHANGES if changes.mutations or changes.orphans else errors.ExitCode.OK


def render_changes_text(changes: Changes, *, target: str, colour: bool) -> str:
    """Render what was, or would be, done."""
    lines = [target, ""]
    if len(changes.mutations) > LISTED_CHANGES:
        lines += _count_by_tenant(changes.mutations)
    else:
        lines += [_render_change(change, colour=colour) for change in changes.mutations]
    lines += [
        f"  ! orphan  namespace {name} is no longer in the spec; apply --prune deletes it" for name in changes.orphans
    ]
    lines += [
        f"  x failed  tenant {f.tenant}: {f.problem}" + (f" ({f.hint})" if f.hint else "") for f in changes.failures
    ]
    return "\n".join([*lines, *([""] if len(lines) > 2 else []), summarise(changes)])


def summarise(changes: Changes) -> str:
    """Return one line of counts."""
    counts = Counter(change.action for change in changes.changes)
    words = [f"{counts[action]} to {action.value}" for action in (Action.CREATE, Action.UPDATE, Action.DELETE)]
    tail = [f"{len(changes.failures)} tenants failed"] if changes.failures else []
    return ", ".join([*words, f"{counts[Action.UNCHANGED]} unchanged", *tail])


def render_changes_json(changes: Changes, *, target: str) -> str:
    """Render what was, or would be, done as a document of kind ``kpo-provision/changes/v1``."""
    return _dump({"schema": "kpo-provision/changes/v1", "target": target, **describe(changes)})


def describe(changes: Changes) -> dict[str, Any]:
    """Return changes as plain data; what is unchanged is only counted."""
    counts = Counter(change.action for change in changes.changes)
    return {
        "counts": {action.value: counts[action] for action in Action},
        "changes": [
            {
                "action": change.action.value,
                "kind": change.kind,
                "namespace": change.namespace,
                "name": change.name,
                "tenant": change.tenant,
                "detail": change.detail,
            }
            for change in changes.mutations
        ],
        "failures": [{"tenant": f.tenant, "problem": f.problem, "hint": f.hint} for f in changes.failures],
        "orphans": list(changes.orphans),
    }


def render_status_text(plan: Plan, changes: Changes, *, target: str) -> str:
    """Render a line a tenant: its namespace, capacity, pool and state."""
    drift = Counter(change.tenant for change in changes.mutations)
    rows = [("TENANT", "NAMESPACE", "CAPACITY", "POOL", "STATE")]
    for tenant in plan.tenants:
        pool = tenant.pool.name if tenant.pool and tenant.may_launch else "-"
        state = _state(drift[tenant.release])
        rows.append((tenant.release, tenant.namespace, f"{tenant.extra_capacity_au} AU", pool, state))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    table = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    shared = f"shared objects: {_state(drift[''])}"
    orphans = [f"orphan: namespace {name} is no longer in the spec" for name in changes.orphans]
    return "\n".join([target, "", *table, "", shared, *orphans])


def render_status_json(plan: Plan, changes: Changes, *, target: str) -> str:
    """Render the state of each tenant as a document of kind ``kpo-provision/status/v1``."""
    drift = Counter(change.tenant for change in changes.mutations)
    tenants = [
        {
            "tenant": tenant.release,
            "namespace": tenant.namespace,
            "extraCapacityAu": tenant.extra_capacity_au,
            "pool": tenant.pool.name if tenant.pool else None,
            "drift": drift[tenant.release],
        }
        for tenant in plan.tenants
    ]
    document = {"schema": "kpo-provision/status/v1", "target": target, "tenants": tenants, **describe(changes)}
    return _dump(document)


def _state(differences: int) -> str:
    return f"{differences} objects differ" if differences else "as the spec says"


def _render_change(change: Change, *, colour: bool) -> str:
    sign, code = _SIGNS[change.action]
    name = f"{change.namespace}/{change.name}" if change.namespace else change.name
    text = f"{sign} {change.action.value:<7} {change.kind} {name}".rstrip()
    detail = f"  ({change.detail})" if change.detail else ""
    return f"  \x1b[{code}m{text}\x1b[0m{detail}" if colour else f"  {text}{detail}"


def _count_by_tenant(mutations: Iterable[Change]) -> list[str]:
    counts: dict[str, Counter[Action]] = {}
    for change in mutations:
        counts.setdefault(change.tenant or "shared objects", Counter())[change.action] += 1
    return [
        f"  {tenant}: " + ", ".join(f"{count} to {action.value}" for action, count in by_action.items())
        for tenant, by_action in counts.items()
    ]


def _dump(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False)
