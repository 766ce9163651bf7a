"""Changes to a cluster, made or only foreseen, and what they say of each tenant's state."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

from kpo_provision import errors
from kpo_provision.enumeration import name_few
from kpo_provision.plan import Plan, TenantPlan
from kpo_provision.report.characters import clean_line
from kpo_provision.report.hosts import document_of_hosts, render_hosts
from kpo_provision.report.layout import Layout, Mark
from kpo_provision.report.pools import SIGNS, document_of_pools, render_pools
from kpo_provision.results import Action, Change, Changes, HostFailure, PoolsAhead, TenantFailure

_MANY_CHANGES = 60
"""With more changes than this, a tenant's are counted and not listed."""
_NOTHING = PoolsAhead()


def exit_code_of_preview(changes: Changes, *, pools_differ: bool = False) -> errors.ExitCode:
    """Return the exit code of a command that only looks: whether anything would change."""
    if changes.failures:
        return errors.ExitCode.CLUSTER
    differs = pools_differ or changes.mutations or changes.orphans
    return errors.ExitCode.CHANGES if differs else errors.ExitCode.OK


def render_changes_text(changes: Changes, *, target: str, layout: Layout, ahead: PoolsAhead = _NOTHING) -> str:
    """List what becomes of cluster and pools, then changes object by object, grouped by tenant."""
    lines = [clean_line(target), *render_pools(ahead, layout), *render_hosts(ahead.hosts, layout)]
    if ahead.others:
        lines += layout.heading("cluster and identities")
        lines += [line for change in ahead.others for line in _list_change(change, layout)]
    by_tenant = [
        (tenant, tuple(group)) for tenant, group in groupby(changes.mutations, key=lambda change: change.tenant)
    ]
    if len(changes.mutations) > _MANY_CHANGES:
        lines += ["", *(f"{_subject(tenant)}: {_count(listed)}" for tenant, listed in by_tenant)]
    else:
        for tenant, listed in by_tenant:
            lines += layout.heading(_subject(tenant))
            lines += [line for change in listed for line in _list_change(change, layout)]
    if changes.failures:
        lines += layout.heading("failed")
        lines += describe_failures(changes.failures, layout)
    whole = replace(changes, changes=ahead.changes + changes.changes)
    return "\n".join([*lines, "", *describe_changes(whole, layout)]) + "\n"


def render_changes_json(changes: Changes, *, target: str, ahead: PoolsAhead = _NOTHING) -> str:
    """Write changes as a JSON document."""
    document = {
        "schema": "kpo-provision/changes/v1",
        "target": target,
        "infrastructure": document_of_pools(ahead) | document_of_hosts(ahead.hosts),
        "changes": document_of(replace(changes, changes=ahead.others + changes.changes)),
    }
    return json.dumps(document, indent=2)


def render_status_text(plan: Plan, changes: Changes, *, target: str, drift: Sequence[str] = ()) -> str:
    """Write a line a tenant: what it was promised, and whether the cluster is as the spec says; then its pools."""
    layout = Layout(colour=False)
    widest = max((len(tenant.release) for tenant in plan.tenants), default=0)
    lines = [clean_line(f"{plan.installation} on {target}"), ""]
    lines += [
        clean_line(
            f"{tenant.release:<{widest}}  {tenant.extra_capacity_au:>6} AU  {_pool_of(tenant):<20}"
            f"  {_state_of(tenant, changes)}"
        )
        for tenant in plan.tenants
    ]
    shared = [change for change in changes.mutations if not change.tenant]
    lines += ["", *([f"shared objects: {_count(shared)}"] if shared else [])]
    lines += [line for sentence in drift for line in layout.marked(Mark.DOUBTFUL, sentence)]
    return "\n".join([*lines, *describe_changes(changes, layout)]) + "\n"


def render_status_json(plan: Plan, changes: Changes, *, target: str, drift: Sequence[str] = ()) -> str:
    """Write the state of each tenant as a JSON document."""
    tenants = [
        {
            "release": tenant.release,
            "namespace": tenant.namespace,
            "extraCapacity": tenant.extra_capacity_au,
            "pool": tenant.pool.name if tenant.pool else None,
            "state": _state_of(tenant, changes),
        }
        for tenant in plan.tenants
    ]
    document = {
        "schema": "kpo-provision/status/v1",
        "installation": plan.installation,
        "target": target,
        "tenants": tenants,
        "poolDrift": list(drift),
        "changes": document_of(changes),
    }
    return json.dumps(document, indent=2)


def describe_changes(changes: Changes, layout: Layout) -> list[str]:
    """Sum changes up, and name namespaces that belong to no tenant any more."""
    text = _count(changes.changes) if changes.mutations else f"no changes ({len(changes.changes)} objects)"
    lines = layout.marked(Mark.GOOD, text)
    if changes.orphans:
        lines += layout.marked(Mark.DOUBTFUL, f"no tenant of the spec: {name_few(changes.orphans)}")
        lines += layout.detail("hint: `kpo-provision apply --prune` deletes these namespaces and all that is in them")
    if changes.ending:
        lines += layout.marked(Mark.GOOD, f"still being deleted: {name_few(changes.ending)}")
    return lines


def describe_failures(failures: Iterable[TenantFailure], layout: Layout) -> list[str]:
    """Say which tenants are not as they should be, and why."""
    lines: list[str] = []
    for failure in failures:
        lines += layout.marked(Mark.BAD, f"tenant {failure.tenant}" if failure.tenant else "shared objects")
        lines += layout.detail(failure.problem)
        lines += layout.detail(f"hint: {failure.hint}") if failure.hint else []
    return lines


def describe_host_failures(failures: Iterable[HostFailure], layout: Layout) -> list[str]:
    """Say which hosts are not as they should be, and why."""
    lines: list[str] = []
    for failure in failures:
        lines += layout.marked(Mark.BAD, f"host {failure.node}")
        lines += layout.detail(failure.problem)
        lines += layout.detail(f"hint: {failure.hint}") if failure.hint else []
    return lines


def document_of(changes: Changes) -> dict[str, Any]:
    """Return changes as plain values for JSON; what did not change is only counted."""
    counted = Counter(change.action for change in changes.changes)
    return {
        "counts": {action.value: counted[action] for action in Action},
        "objects": [
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
        "failures": [
            {"tenant": failure.tenant, "problem": failure.problem, "hint": failure.hint} for failure in changes.failures
        ],
        "hostFailures": [
            {"host": failure.node, "problem": failure.problem, "hint": failure.hint}
            for failure in changes.host_failures
        ],
        "orphans": list(changes.orphans),
        "ending": list(changes.ending),
    }


def _list_change(change: Change, layout: Layout) -> list[str]:
    place = "/".join(part for part in (change.namespace, change.name) if part)
    detail = f": {change.detail}" if change.detail else ""
    return layout.detail(f"{SIGNS[change.action]} {change.kind} {place}{detail}")


def _subject(tenant: str) -> str:
    return clean_line(f"tenant {tenant}") if tenant else "shared objects"


def _count(changes: Iterable[Change]) -> str:
    counted = Counter(change.action for change in changes)
    return ", ".join(f"{action.value} {counted[action]}" for action in Action if counted[action])


def _state_of(tenant: TenantPlan, changes: Changes) -> str:
    failure = next((failure for failure in changes.failures if failure.tenant == tenant.release), None)
    if failure is not None:
        return f"failed: {failure.problem}"
    own = [change for change in changes.mutations if change.tenant == tenant.release]
    if not own:
        return "as specified"
    if any(change.action is Action.CREATE and change.kind == "Namespace" for change in own):
        return "not there"
    return f"drift ({_count(own)})"


def _pool_of(tenant: TenantPlan) -> str:
    return f"pool {tenant.pool.name}" if tenant.pool else "no pool"
