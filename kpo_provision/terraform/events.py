"""Terraform's machine-readable UI (``-json``), line by line, as values.

Format 1.x of the developer documentation "Machine-Readable UI" (read 2026-11-23). An unknown type or a line that is no
JSON is no error: newer versions add types, and plugins write to the same stream.
"""

from __future__ import annotations

import enum
import json
from collections.abc import Mapping
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
class LogEvent:
    """Something that Terraform says about the run as a whole."""

    message: str


Event = ResourceEvent | LogEvent | Diagnostic

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
    match document.get("type"):
        case "diagnostic":
            return parse_diagnostic(document.get("diagnostic") or {})
        case str(kind) if kind in _STAGES:
            return _parse_resource(document.get("hook") or {}, kind)
        case "log" | "init_output":
            return LogEvent(message=str(document.get("@message", "")).partition("\n")[0])
        case _:
            return None


def _parse_resource(hook: Mapping[str, Any], kind: str) -> ResourceEvent:
    return ResourceEvent(
        address=str((hook.get("resource") or {}).get("addr", "")),
        action=str(hook.get("action", "refresh")),
        stage=_STAGES[kind],
        elapsed_s=int(hook.get("elapsed_seconds", 0)),
    )
