"""Renders docs/spec.md from the model, so that it cannot say anything else than what is checked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from kpo_provision.spec import levels, loader, scalars, schema, starter, yaml_guard
from kpo_provision.spec.levels import Level

_HEAD = """\
# The spec

One YAML file describes one installation: one cluster, its node pools for pods of Airflow's KubernetesPodOperator (KPO),
and the tenants that may use them. `kpo-provision validate SPEC` names every problem in it at once, with its line.

This page is made from the model that checks a spec. `kpo-provision schema` writes the same as JSON Schema, for editors;
what spans several values (such as a pool that does not exist) only `validate` can tell.

## Example

```yaml
{example}```

## Words

**AU** is the unit of capacity: 0.1 CPU, 384 MiB of memory and 1 pod. A tenant with `extraCapacity: 10` may run ten pods
that use 1 CPU and 3840 MiB together. With `extraCapacity: 0` it may launch no pod at all, and is told so (403).

**Quantities** are those of Kubernetes: `500m` is half a CPU, `13Gi` is 13 x 2^30 bytes, `13G` is 13 x 10^9 bytes.
They are counted exactly.

In the headings below, `*` stands for a name that you choose and `[]` for every element of a list.
"""

_YAML = """\
## YAML that is refused

Readers of YAML disagree on what some texts mean: kubectl and PyYAML follow YAML 1.1, editors follow YAML 1.2. A spec
must mean the same to all of them, so these are refused where they stand without quotes:

{ambiguities}

Refused as well: duplicate keys, aliases and anchors, merge keys (`<<`), tags, keys without a value, a second document,
tabs for indentation, more than {depth} levels, files over {kilobytes} kB or not in UTF-8.
"""

_AMBIGUOUS_EXAMPLES = ("NO", "0755", "0o755", "1_000", "1e3", "12:30", "2026-11-23", "=")
_TYPE_WORDS = {"boolean": "`true` or `false`", "string": "text", "['string', 'number']": "quantity"}


def render_reference() -> str:
    """Render the page as Markdown."""
    document = schema.render_schema()
    starter_text = starter.render_starter("kubeconfig", name="acme", context="prod")
    example = starter_text[starter_text.index("apiVersion") :]
    sections = [_HEAD.format(example=example)]
    sections += [_render_level(level, document) for level in levels.LEVELS]
    ambiguities = [(text, scalars.find_ambiguity(text)) for text in _AMBIGUOUS_EXAMPLES]
    rows = [[f"`{text}`", found.problem, found.way_out] for text, found in ambiguities if found]
    sections.append(
        _YAML.format(
            ambiguities=_render_table(["Text", "It", "Instead"], rows),
            depth=yaml_guard.MAX_DEPTH,
            kilobytes=loader.MAX_BYTES // 1000,
        )
    )
    return "\n".join(sections)


def _render_level(level: Level, document: Mapping[str, Any]) -> str:
    part = document["$defs"][level.model.__name__] if level.path else document
    rows = []
    for key, content in part["properties"].items():
        default = f"`{json.dumps(content['default'])}`" if "default" in content else ""
        is_required = key in part.get("required", ())
        meaning = _render_meaning(content)
        rows.append([f"`{key}`", _render_type(content), "required" if is_required else default, meaning])
    table = _render_table(["Key", "Type", "Default", "Meaning"], rows) if rows else "It has no keys: write `{}`."
    return f"## {f'`{level}`' if level.path else 'Top level'}\n\n{part['description']}\n\n{table}\n"


def _render_type(content: Mapping[str, Any]) -> str:
    if "$ref" in content:
        return "object"
    choices = content.get("enum") or [content[keyword] for keyword in ("const",) if keyword in content]
    if choices:
        return " or ".join(f"`{choice}`" for choice in choices)
    match content["type"]:
        case "array":
            return f"list of {_render_type(content['items'])}"
        case "object":
            return f"mapping of names to {_render_type(content['additionalProperties'])}"
        case "integer" | ["integer", "array"] as kind:
            names = " or list of text" if kind != "integer" else ""
            return f"whole number, {content['minimum']} to {content['maximum']}{names}"
        case kind:
            return _TYPE_WORDS[str(kind)]


def _render_meaning(content: Mapping[str, Any]) -> str:
    meaning = str(content["description"])
    examples = [f"`{example}`" for example in content.get("examples", ()) if f"`{example}`" not in meaning]
    return f"{meaning} For example {', '.join(examples)}." if examples else meaning


def _render_table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
