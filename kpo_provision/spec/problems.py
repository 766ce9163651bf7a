"""Says in our words what the model found wrong; pydantic's own words speak of Python."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pydantic_core import ErrorDetails

from kpo_provision import errors
from kpo_provision.spec import levels, values
from kpo_provision.spec.document import Node


def describe(found: ErrorDetails, document: Node) -> errors.SpecIssue:
    """Make the issue for one error of the model, at the place in the document that it is about."""
    steps = found["loc"]
    if found["type"] == "missing":
        return document.at(*steps[:-1]).issue(f"`{steps[-1]}` is missing", at_key=True)
    is_about_key = steps[-1:] == ("[key]",)
    node = document.at(*steps[:-1]) if is_about_key else document.at(*steps)
    if found["type"] == "extra_forbidden":
        return node.issue("is no key of a spec here", allowed=levels.suggest_key(node.path), at_key=True)
    problem, allowed = _describe_rule(found["type"], found.get("ctx", {})) or _describe_type(found["type"], node)
    # A suggestion may be made from the value, and would then repeat a secret.
    return node.issue(problem, allowed="" if node.may_be_secret and node.text else allowed, at_key=is_about_key)


def _describe_rule(kind: str, context: Mapping[str, Any]) -> tuple[str, str] | None:
    """Say which rule a value of the right type breaks, and what it allows."""
    match kind:
        case values.REFUSED:
            return context["problem"], context["allowed"]
        case "literal_error":
            return f"must be {context['expected'].replace(chr(39), '`')}", ""
        case "greater_than_equal":
            return f"must be at least {context['ge']}", ""
        case "less_than_equal":
            return f"must be at most {context['le']}", ""
        case _:
            return None


def _describe_type(kind: str, node: Node) -> tuple[str, str]:
    """Say which type of value belongs there, and how the one that stands there becomes it."""
    match kind:
        case "string_type":
            return "must be text", "quote it" if isinstance(node.value, (int, float)) else ""
        case "int_type":
            return "must be a whole number", "remove the quotes" if re.fullmatch(r"-?[0-9]+", node.text) else ""
        case "bool_type":
            return "must be true or false", "remove the quotes" if node.text in ("true", "false") else ""
        case "list_type":
            return "must be a list", f"write [{node.text}]" if re.fullmatch(values.LABEL, node.text) else ""
        case _:
            keys = [key for level in levels.LEVELS if level.matches(node.path) for key in level.keys]
            return "must be a mapping", f"of {', '.join(keys)}" if keys else "write {} for an empty one"
