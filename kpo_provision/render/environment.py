"""How templates become YAML: undefined names are errors, and values enter only as JSON.

JSON is YAML, so a value that goes through the ``json`` filter stays one scalar, whatever is in it.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import yaml

from kpo_provision import assets, errors, plan
from kpo_provision.render.bundle import Manifest

if TYPE_CHECKING:
    import jinja2

Filter = Callable[..., object]
"""Turns a value into what a template writes."""

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_UNPRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


def render_manifests(template: str, **values: object) -> list[Manifest]:
    """Render one template to the objects that its YAML documents hold.

    Raises:
        errors.RenderError: The template wants a value that it was not given, or does not give YAML.
    """
    text = _render(f"manifests/{template}.yaml", template, {"plan": plan, **values})
    try:
        return [manifest for manifest in yaml.load_all(text, _Loader) if manifest is not None]
    except yaml.YAMLError as error:
        raise errors.RenderError(template=template, problem=f"not YAML: {error}") from error


def render_text(template: str, *, filters: Mapping[str, Filter] | None = None, **values: object) -> str:
    """Render one template, whatever its output is; ``filters`` are its own.

    Raises:
        errors.RenderError: The template wants a value that it was not given.
    """
    return _render(template, template, values, filters or {})


def _render(file: str, template: str, values: Mapping[str, object], filters: Mapping[str, Filter] | None = None) -> str:
    import jinja2  # where Terraform is run, before anything is rendered

    environment = _environment()
    if filters:
        environment = environment.overlay()
        environment.filters = {**environment.filters, **filters}
    try:
        return environment.get_template(f"{file}.j2").render(**values)
    except jinja2.TemplateError as error:
        raise errors.RenderError(template=template, problem=str(error)) from error


def quote_json(value: object) -> str:
    """Write a value as JSON that YAML 1.1 reads as the same value; an undefined one is an error."""
    import jinja2

    if isinstance(value, jinja2.Undefined):
        str(value)
    text = json.dumps(value, ensure_ascii=False)
    return _UNPRINTABLE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


@functools.cache
def _environment() -> jinja2.Environment:
    import jinja2

    # The output is YAML, where the escapes of HTML would be wrong.
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(assets.asset("templates")),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,  # noqa: S701
    )
    environment.filters["json"] = quote_json
    return environment
