"""Terraform's machine-readable UI (``-json``), line by line, as values.

Format 1.x of the developer documentation "Machine-Readable UI" (read 2026-11-23). An unknown type or a line that is no
JSON is no error: newer versions add types, and plugins write to the same stream.
"""

from __future__ import annotations

import enum
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from kpo_provision.terraform.diagnostics import Diagnostic, parse_diagnostic


class Stage(enum.Enum):
    """How far one resource is."""

    STARTED = "started"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceEvent:
    """One resource moves. ``action`` is Terraform's word: create, update, delete, read or refresh."""

    address: str
    action: str
    stage: Stage
    elapsed_s: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputEvent:
    """A line that a provisioner of a resource printed."""

    address: str
    line: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LogEvent:
    """Something that Terraform says about the run as a whole."""

    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedEvent:
    """What a plan means for one resource. ``action`` is Terraform's word: create, update, replace, delete, import."""

    address: str
    type: str
    key: str
    action: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputsEvent:
    """Which outputs a plan changes."""

    changed: tuple[str, ...]


Event = ResourceEvent | OutputEvent | LogEvent | PlannedEvent | OutputsEvent | Diagnostic

_SAME = (None, "noop")
"""Of an output that stays; after an apply outputs come without an action."""
_STAGES = {
    "apply_start": Stage.STARTED,
    "apply_progress": Stage.RUNNING,
    "apply_complete": Stage.DONE,
    "apply_errored": Stage.FAILED,
    "refresh_start": Stage.STARTED,
    "refresh_complete": Stage.DONE,
}


def parse_event(line: str) -> Event | None:
    """Parse one line; None where it says nothing that anybody waits for."""
    try:
        document = json.loads(line)
    except ValueError:
        return None
    if not isinstance(document, dict):
        return None
    kind = document.get("type")
    if kind in _STAGES:
        return _parse_resource(document.get("hook") or {}, kind)
    parse = _PARSERS.get(kind)
    return parse(document) if parse else None


def _parse_outputs(document: Mapping[str, Any]) -> OutputsEvent:
    outputs = document.get("outputs") or {}
    return OutputsEvent(
        changed=tuple(sorted(name for name, told in outputs.items() if told.get("action") not in _SAME))
    )


def _parse_log(document: Mapping[str, Any]) -> LogEvent:
    return LogEvent(message=str(document.get("@message", "")).partition("\n")[0])


def _parse_output(hook: Mapping[str, Any]) -> OutputEvent:
    return OutputEvent(
        address=str((hook.get("resource") or {}).get("addr", "")), line=str(hook.get("output", "")).rstrip()
    )


def _parse_planned(change: Mapping[str, Any]) -> PlannedEvent:
    resource = change.get("resource") or {}
    key = resource.get("resource_key")
    return PlannedEvent(
        address=str(resource.get("addr", "")),
        type=str(resource.get("resource_type", "")),
        key="" if key is None else str(key),
        action=str(change.get("action", "")),
    )


def _parse_resource(hook: Mapping[str, Any], kind: str) -> ResourceEvent:
    return ResourceEvent(
        address=str((hook.get("resource") or {}).get("addr", "")),
        action=str(hook.get("action", "refresh")),
        stage=_STAGES[kind],
        elapsed_s=int(hook.get("elapsed_seconds", 0)),
    )


_PARSERS: Mapping[Any, Callable[[Mapping[str, Any]], Event]] = {
    "diagnostic": lambda document: parse_diagnostic(document.get("diagnostic") or {}),
    "planned_change": lambda document: _parse_planned(document.get("change") or {}),
    "outputs": _parse_outputs,
    "provision_progress": lambda document: _parse_output(document.get("hook") or {}),
    "log": _parse_log,
    "init_output": _parse_log,
}
