"""What Terraform would do, as values: typed from ``show -json`` of a saved plan.

Holds names of changed attributes and never their values, which may be secret; of values only what a cloud calls a
resource.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard

from kpo_provision.terraform.events import OutputsEvent, PlannedEvent


class ChangeKind(enum.Enum):
    """What becomes of a resource."""

    CREATE = "create"
    UPDATE = "update"
    REPLACE = "replace"
    DELETE = "delete"
    IMPORT = "import"
    """It is there and becomes known; where it is not as planned, it is changed too."""
    FORGET = "forget"
    """It leaves the state and stays in the cloud."""


_KINDS = {kind.value: kind for kind in ChangeKind}
_NAMED = frozenset({ChangeKind.UPDATE, ChangeKind.REPLACE, ChangeKind.IMPORT})
"""The kinds of which the attributes that change are named: in the others all of them do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceChange:
    """One resource that changes.

    ``key`` is its key of ``for_each``, such as the pool's name; empty where there is none. ``attributes`` are those
    that change, ``forced_by`` those of them that make a replacement necessary. ``creates_first`` tells a replacement
    whose successor stands before the old one goes. ``old_name`` and ``new_name`` are what the cloud calls the resource,
    empty where there is none, or where only the cloud will know.
    """

    address: str
    type: str
    key: str
    kind: ChangeKind
    attributes: tuple[str, ...] = ()
    forced_by: tuple[str, ...] = ()
    creates_first: bool = False
    old_name: str = ""
    new_name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownResource:
    """A resource that the state holds, and what the cloud calls it; one that is tainted is to be made anew."""

    address: str
    type: str
    name: str
    is_tainted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanSummary:
    """A saved plan.

    ``drifted`` are resources that somebody changed outside Terraform. ``outputs`` are those that change. ``known`` is
    what the state held before.
    """

    changes: tuple[ResourceChange, ...]
    drifted: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    known: tuple[KnownResource, ...] = ()

    @property
    def has_changes(self) -> bool:
        """Whether there is anything to apply."""
        return bool(self.changes or self.outputs)

    @property
    def destructive(self) -> tuple[ResourceChange, ...]:
        """The changes that take something away."""
        return tuple(change for change in self.changes if change.kind in (ChangeKind.REPLACE, ChangeKind.DELETE))

    def count(self, kind: ChangeKind) -> int:
        """Count the changes of one kind."""
        return sum(change.kind is kind for change in self.changes)


def sketch_plan(events: Sequence[PlannedEvent | OutputsEvent]) -> PlanSummary:
    """Sum up what a plan said of itself while it was made: what changes, without why and without names.

    Terraform says it in the order in which it got there, which differs from run to run; here it is by address.
    """
    planned = sorted((event for event in events if isinstance(event, PlannedEvent)), key=lambda event: event.address)
    return PlanSummary(
        changes=tuple(
            ResourceChange(address=event.address, type=event.type, key=event.key, kind=_KINDS[event.action])
            for event in planned
            if event.action in _KINDS
        ),
        outputs=tuple(name for event in events if isinstance(event, OutputsEvent) for name in event.changed),
    )


def parse_plan(document: Mapping[str, Any]) -> PlanSummary:
    """Parse the document that ``show -json`` writes of a plan."""
    outputs = document.get("output_changes") or {}
    return PlanSummary(
        changes=tuple(_parse_changes(document.get("resource_changes") or ())),
        drifted=tuple(str(drift["address"]) for drift in document.get("resource_drift") or ()),
        outputs=tuple(sorted(name for name, change in outputs.items() if change["actions"] != ["no-op"])),
        known=tuple(_parse_known(((document.get("prior_state") or {}).get("values") or {}).get("root_module") or {})),
    )


def _parse_known(module: Mapping[str, Any]) -> Iterator[KnownResource]:
    for resource in module.get("resources") or ():
        if resource.get("mode") == "managed":
            yield KnownResource(
                address=str(resource["address"]),
                type=str(resource["type"]),
                name=_parse_name(resource.get("values")),
                is_tainted=bool(resource.get("tainted")),
            )
    for child in module.get("child_modules") or ():
        yield from _parse_known(child)


def _parse_changes(changes: Sequence[Mapping[str, Any]]) -> Iterator[ResourceChange]:
    for resource in changes:
        change = resource["change"]
        kind = _parse_kind(change)
        if kind is None or resource.get("mode") == "data":
            continue
        index = resource.get("index")
        yield ResourceChange(
            address=str(resource["address"]),
            type=str(resource["type"]),
            key="" if index is None else str(index),
            kind=kind,
            attributes=_name_changed(change) if kind in _NAMED else (),
            forced_by=tuple(dict.fromkeys(_render_path(path) for path in change.get("replace_paths") or ())),
            creates_first=change["actions"] == ["create", "delete"],
            old_name=_parse_name(change.get("before")),
            new_name=_parse_name(change.get("after")),
        )


def _parse_name(values: Mapping[str, Any] | None) -> str:
    name = (values or {}).get("name")
    return name if isinstance(name, str) else ""


def _parse_kind(change: Mapping[str, Any]) -> ChangeKind | None:
    actions = frozenset(change["actions"])
    if {"create", "delete"} <= actions:
        return ChangeKind.REPLACE
    if change.get("importing"):
        return ChangeKind.IMPORT
    if actions == {"no-op"}:
        return None
    return next((kind for kind in ChangeKind if kind.value in actions), None)


def _name_changed(change: Mapping[str, Any]) -> tuple[str, ...]:
    """Name what differs; what only the cloud will know counts where nothing else differs."""
    before, after, unknown = (change.get(part) or {} for part in ("before", "after", "after_unknown"))
    found = tuple(_compare(before, after, unknown))
    return tuple(name for name, is_known in found if is_known) or tuple(name for name, _ in found)


def _compare(
    before: Mapping[str, Any], after: Mapping[str, Any], unknown: Mapping[str, Any], *, place: str = ""
) -> Iterator[tuple[str, bool]]:
    """Name what differs, and say whether it is known to; within a block that is there once, what differs in it."""
    for name in sorted({*before, *after, *unknown}):
        old, new, open_ = before.get(name), after.get(name), unknown.get(name)
        if _is_block(old) and _is_block(new):
            inner = open_[0] if _is_block(open_) else {}
            yield from _compare(old[0], new[0], inner, place=f"{place}{name}.")
        elif open_ is True:
            yield f"{place}{name}", False
        elif old != new:
            yield f"{place}{name}", True


def _is_block(value: object) -> TypeGuard[list[dict[str, Any]]]:
    return isinstance(value, list) and len(value) == 1 and isinstance(value[0], dict)


def _render_path(path: Sequence[str | int]) -> str:
    return ".".join(str(step) for step in path if isinstance(step, str))
