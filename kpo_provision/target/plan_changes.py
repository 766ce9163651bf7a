"""What Terraform would do to one resource, in the words in which all changes are told. Pure."""

from __future__ import annotations

from kpo_provision.results import Action, Change
from kpo_provision.terraform import ChangeKind, ResourceChange

ACTIONS = {
    ChangeKind.CREATE: Action.CREATE,
    ChangeKind.UPDATE: Action.UPDATE,
    ChangeKind.REPLACE: Action.REPLACE,
    ChangeKind.DELETE: Action.DELETE,
    ChangeKind.IMPORT: Action.IMPORT,
    ChangeKind.FORGET: Action.UPDATE,
}


def describe_resource(change: ResourceChange, *, detail: str) -> Change:
    """Say what becomes of a resource that is no pool: one that has no name yet is called by its address."""
    name = change.new_name or change.old_name or change.key or change.address
    return Change(action=ACTIONS[change.kind], kind=change.type, namespace="", name=name, detail=detail)
