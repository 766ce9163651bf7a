"""How values are written in the templates of a runbook, so that no name of a spec can break a table or a link."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from kpo_provision.render import folder
from kpo_provision.render.environment import Filter
from kpo_provision.report.sizing_amounts import render_count, render_month
from kpo_provision.runbook.content import Content
from kpo_provision.runbook.steps import Edit
from kpo_provision.sizing.pool import PoolSize
from kpo_provision.spec import model

_MARKUP = re.compile(r"([\\`*_\[\]<>|])")


def slug(text: str) -> str:
    """Return the anchor of a heading, as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")


def make_filters(content: Content) -> Mapping[str, Filter]:
    """Return what the templates call."""

    def step_anchor(step_id: str) -> str:
        number, title = content.numbers[step_id], content.titles[step_id]
        return slug(f"Step {number}: {title}")

    return {
        "cell": escape,
        "code": quote_code,
        "edit": render_edit,
        "gib": render_gib,
        "month": render_month,
        "number_of": render_count,
        "reasons": list_reasons,
        "selector": render_selector,
        "source": describe_source,
        "step_anchor": step_anchor,
    }


def escape(text: str) -> str:
    """Write text that Markdown is not to read as markup, on one line."""
    return _MARKUP.sub(r"\\\1", " ".join(text.split()))


def quote_code(text: str) -> str:
    """Write text as code; a table's bars are escaped in code too."""
    return f"`{text.replace('`', chr(39)).replace('|', chr(92) + '|')}`"


def render_edit(edit: Edit) -> str:
    """Write a change of the spec as the YAML that is to stand there."""
    value: object = {edit.path[-1]: dict(edit.value or {})}
    for key in reversed(edit.path[:-1]):
        value = {key: value}
    text = folder.dump_yaml(value)
    return text.rstrip() if edit.value is not None else text.replace(": {}", ":   # and all below it").rstrip()


def render_gib(memory_ki: int) -> str:
    """Write memory in GiB, rounded down to a hundredth."""
    whole, rest = divmod(memory_ki * 100 // 2**20, 100)
    return f"{whole:,}.{rest:02d}"


def list_reasons(size: PoolSize) -> Iterator[str]:
    """List the reason of every number that a node and its pool have."""
    seen: set[str] = set()
    for reason in (*size.shape.reasons, *size.reasons):
        if reason.text not in seen:
            seen.add(reason.text)
            yield reason.text


def render_selector(labels: Mapping[str, str]) -> str:
    """Write labels as a selector."""
    return quote_code(",".join(f"{key}={value}" for key, value in labels.items()))


def describe_source(registry: model.Registry) -> str:
    """Say where the login of a registry is read."""
    credentials = registry.credentials
    if credentials.docker_config is not None:
        return f"{quote_code(credentials.docker_config)}, for {quote_code(registry.server)}"
    account = credentials.username_password
    if account is None:
        return "made by `kpo-provision local up`"
    source = account.password_from
    where = f"variable {quote_code(source.env)}" if source.env else quote_code(source.file or "")
    return f"user {quote_code(account.username)}, password from {where}, for {quote_code(registry.server)}"
