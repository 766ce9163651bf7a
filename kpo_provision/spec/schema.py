"""Renders the JSON Schema of a spec, for editors.

It says what one value may be. Rules between values are judged by ``rules`` alone, so a spec that fits the schema can
still be refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kpo_provision.spec import levels
from kpo_provision.spec.attribute_docs import read_attribute_docs
from kpo_provision.spec.model import Installation

DIALECT = "https://json-schema.org/draft/2020-12/schema"
ID = "https://kpo-provision.io/v1/installation.schema.json"

_NAMED_SCHEMAS = ("$defs", "properties")
"""Keywords below which keys are names, not keywords."""


def render_schema() -> dict[str, Any]:
    """Render the schema, in JSON Schema 2020-12."""
    schema = Installation.model_json_schema(by_alias=True, mode="validation")
    _describe_properties(schema)
    schema = _tidy(schema)
    return {"$schema": DIALECT, "$id": ID, "title": "kpo-provision installation", **schema}


def _describe_properties(schema: Mapping[str, Any]) -> None:
    """Add to every property what the model says of it."""
    for model in {level.model for level in levels.LEVELS}:
        described = schema if model is Installation else schema["$defs"][model.__name__]
        for key, text in read_attribute_docs(model).items():
            described["properties"][key]["description"] = text


def _tidy(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Drop what only Python needs: generated titles, ``null``, and patterns that let other keys through unjudged."""
    tidy: dict[str, Any] = {}
    for keyword, content in _unwrap(schema).items():
        match keyword, content:
            case "title", _:
                continue
            case "default", None:
                continue
            case "default", dict():
                tidy[keyword] = _drop_nulls(content)
            case "description", str():
                tidy[keyword] = " ".join(content.split())
            case name, dict() if name in _NAMED_SCHEMAS:
                tidy[keyword] = {key: _tidy(value) for key, value in content.items()}
            case _, dict():
                tidy[keyword] = _tidy(content)
            case _:
                tidy[keyword] = content
    return tidy


def _drop_nulls(default: Mapping[str, Any]) -> dict[str, Any]:
    given = {key: value for key, value in default.items() if value is not None}
    return {key: _drop_nulls(value) if isinstance(value, dict) else value for key, value in given.items()}


def _unwrap(schema: Mapping[str, Any]) -> dict[str, Any]:
    plain = dict(schema)
    branches = [branch for branch in plain.pop("anyOf", []) if branch != {"type": "null"}]
    for branch in branches:
        plain = {**branch, **plain}
    for pattern, values in plain.pop("patternProperties", {}).items():
        plain["propertyNames"] = {**plain.get("propertyNames", {}), "pattern": pattern}
        plain["additionalProperties"] = values
    return plain
