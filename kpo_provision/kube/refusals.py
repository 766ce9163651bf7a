"""Turns an error answer of the API server into one of our exceptions, with a hint where one is certain."""

from __future__ import annotations

import json
import re
from http import HTTPStatus
from typing import Any

from kpo_provision import errors

_HINTS = {
    401: "the login of this kubeconfig context has expired or was revoked: log in again",
    429: "the API server is overloaded: run again later; what was done stays done",
}
_CONFLICT_MANAGER = re.compile(r'conflict with "([^"]*)"')


def parse_refusal(status: int, body: bytes, *, verb: str, target: str) -> errors.ApiError | errors.ApplyConflictError:
    """Read a Status object, or whatever a proxy sent in its place."""
    answer = _decode(body)
    details = answer.get("details") or {}
    causes = details.get("causes") or []
    conflicts = [cause for cause in causes if cause.get("reason") == "FieldManagerConflict"]
    if conflicts:
        return errors.ApplyConflictError(target=target, owners=[_owner(cause) for cause in conflicts])
    return errors.ApiError(
        verb=verb,
        target=target,
        status=status,
        reason=answer.get("reason") or _phrase(status),
        message=answer.get("message") or body.decode(errors="replace"),
        hint=_HINTS.get(status, ""),
    )


def _decode(body: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(body)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


def _owner(cause: dict[str, Any]) -> str:
    found = _CONFLICT_MANAGER.search(cause.get("message", ""))
    manager = found.group(1) if found else "another manager"
    return f"{manager} manages {cause.get('field', 'a field')}"


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"
