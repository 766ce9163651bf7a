"""What Terraform would do to pools of EC2 instances, told by the pools of the spec instead of by resources. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from kpo_provision import terraform
from kpo_provision.results import Action, Change, PoolChange
from kpo_provision.sizing.pool import PoolSize
from kpo_provision.target.plan_changes import ACTIONS, describe_resource
from kpo_provision.terraform import ChangeKind, PlanSummary, ResourceChange

_POOL_TYPES = (terraform.GROUP_TYPE, terraform.TEMPLATE_TYPE)
_CONSEQUENCES = frozenset({"default_version", "id", "latest_version", "launch_template", "tags_all"})
"""What changes because something else does."""


def describe_pools(summary: PlanSummary, sizes: Sequence[PoolSize]) -> tuple[PoolChange, ...]:
    """Say what becomes of every pool of the spec, and of those that are no longer in it."""
    groups = {change.key: change for change in summary.changes if change.type == terraform.GROUP_TYPE}
    templates = {change.key: change for change in summary.changes if change.type == terraform.TEMPLATE_TYPE}
    rows = tuple(_describe(size, groups, templates) for size in sizes)
    wanted = {row.pool for row in rows}
    gone = (change for key, change in groups.items() if key not in wanted)
    return (*rows, *(_describe_gone(change) for change in gone))


def describe_others(summary: PlanSummary) -> Iterator[Change]:
    """Say what becomes of everything else: the instances' role."""
    for change in summary.changes:
        if change.type not in _POOL_TYPES:
            yield describe_resource(change, detail=_name_what(change))


def list_doomed(summary: PlanSummary) -> list[str]:
    """List the pools whose instances end."""
    return sorted(change.key for change in summary.destructive if change.type == terraform.GROUP_TYPE)


def _describe(
    size: PoolSize, groups: Mapping[str, ResourceChange], templates: Mapping[str, ResourceChange]
) -> PoolChange:
    name = size.demand.name
    group, template = groups.get(name), templates.get(name)
    details = [_name_what(group)] if group else []
    if template is not None and template.kind is ChangeKind.UPDATE:
        details.append(f"for new instances: {_name_what(template)}")
    change = group or template
    return PoolChange(
        action=ACTIONS[change.kind] if change else Action.UNCHANGED,
        pool=name,
        live=group.old_name if group else "",
        machine_type=size.shape.machine.name,
        min_nodes=size.nodes.minimum,
        max_nodes=size.nodes.maximum,
        zones=size.nodes.zones,
        max_pods=size.shape.max_pods,
        spot=size.demand.spot,
        detail="; ".join(detail for detail in details if detail),
    )


def _describe_gone(change: ResourceChange) -> PoolChange:
    return PoolChange(
        action=ACTIONS[change.kind], pool=change.key, live=change.old_name, detail="no longer in the spec"
    )


def _name_what(change: ResourceChange) -> str:
    told = change.forced_by if change.kind is ChangeKind.REPLACE else change.attributes
    names = (name.partition(".")[0] for name in told)
    return ", ".join(dict.fromkeys(name for name in names if name not in _CONSEQUENCES))
