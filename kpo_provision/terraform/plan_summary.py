"""What Terraform would do, as values: typed from ``show -json`` of a saved plan.

Holds names of changed attributes and never their values, which may be secret.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


class ChangeKind(enum.Enum):
    """What becomes of a resource."""

    CREATE = "create"
    UPDATE = "update"
    REPLACE = "replace"
    DELETE = "delete"
    IMPORT = "import"
    FORGET = "forget"
    """It leaves the state and stays in the cloud."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceChange:
    """One resource that changes.

    ``key`` is its key of ``for_each``, such as the pool's name; empty where there is none. ``attributes`` are those
    that change, ``forced_by`` those of them that make a replacement necessary. ``creates_first`` tells a replacement
    whose successor stands before the old one goes.
    """

    address: str
    type: str
    key: str
    kind: ChangeKind
    attributes: tuple[str, ...] = ()
    forced_by: tuple[str, ...] = ()
    creates_first: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanSummary:
    """A saved plan.

    ``drifted`` are resources that somebody changed outside Terraform. ``outputs`` are those that change.
    """

    changes: tuple[ResourceChange, ...]
    drifted: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()

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


def parse_plan(document: Mapping[str, Any]) -> PlanSummary:
    """Parse the document that ``show -json`` writes of a plan."""
    outputs = document.get("output_changes") or {}
    return PlanSummary(
        changes=tuple(_parse_changes(document.get("resource_changes") or ())),
        drifted=tuple(str(drift["address"]) for drift in document.get("resource_drift") or ()),
        outputs=tuple(sorted(name for name, change in outputs.items() if change["actions"] != ["no-op"])),
    )


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
            attributes=tuple(_name_changed(change)) if kind in (ChangeKind.UPDATE, ChangeKind.REPLACE) else (),
            forced_by=tuple(dict.fromkeys(_render_path(path) for path in change.get("replace_paths") or ())),
            creates_first=change["actions"] == ["create", "delete"],
        )


def _parse_kind(change: Mapping[str, Any]) -> ChangeKind | None:
    actions = frozenset(change["actions"])
    if {"create", "delete"} <= actions:
        return ChangeKind.REPLACE
    if actions == {"no-op"}:
        return ChangeKind.IMPORT if change.get("importing") else None
    return next((kind for kind in ChangeKind if kind.value in actions), None)


def _name_changed(change: Mapping[str, Any]) -> Iterator[str]:
    before, after = change.get("before") or {}, change.get("after") or {}
    unknown = change.get("after_unknown") or {}
    for name in sorted({*before, *after, *unknown}):
        if unknown.get(name) is True or before.get(name) != after.get(name):
            yield name


def _render_path(path: Sequence[str | int]) -> str:
    return ".".join(str(step) for step in path if isinstance(step, str))
