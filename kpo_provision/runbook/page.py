"""A runbook's Markdown as one HTML page that needs nothing else: no script, no font, no request."""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from kpo_provision import assets
from kpo_provision.render import environment
from kpo_provision.runbook.content import Content
from kpo_provision.runbook.diagram import render_svg
from kpo_provision.runbook.markdown import CONTENTS, find_headings
from kpo_provision.runbook.words import slug

if TYPE_CHECKING:
    from markdown_it.token import Token

_STYLE = "templates/runbook/style.css"
_STEP = "Step "


def render_page(content: Content, markdown: str) -> str:
    """Render the page."""
    headings = [heading for heading in find_headings(markdown) if heading.text != CONTENTS]
    return environment.render_text(
        "runbook/page.html",
        title=html.escape(f"Install runbook: {content.subject.name}"),
        style=assets.asset(_STYLE).read_text(encoding="utf-8"),
        navigation=_render_navigation([(each.level, each.text, each.anchor) for each in headings]),
        body=_render_body(content, _without_contents(markdown)),
    )


def _without_contents(markdown: str) -> str:
    """Leave the list of contents to the page's own navigation."""
    before, _, rest = markdown.partition(f"## {CONTENTS}\n")
    return before + rest[rest.index("\n## ") :]


def _render_navigation(headings: Sequence[tuple[int, str, str]]) -> str:
    parts: list[str] = []
    is_open = False
    for level, text, anchor in headings:
        link = f'<a href="#{anchor}">{html.escape(text)}</a>'
        if level == 2:
            parts.append(f"{'</li>' if parts else ''}<li>{link}")
            is_open = True
        elif is_open and text.startswith(_STEP):
            parts.append(f'<span class="substep">{link}</span>')
    return "".join(parts) + "</li>"


def _render_body(content: Content, markdown: str) -> str:
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    for name, rule in _RULES.items():
        parser.add_render_rule(name, rule)
    env: dict[str, Any] = {"open": [], "svg": render_svg(content.subject), "tables": 0}
    body: str = parser.render(markdown, env)
    return body + "</section>" * len(env["open"])


def _open_heading(
    _self: object, tokens: Sequence[Token], index: int, _options: Mapping[str, Any], env: dict[str, Any]
) -> str:
    level, text = int(tokens[index].tag[1:]), tokens[index + 1].content
    if level == 1:
        return "<h1>"
    closing = ""
    while env["open"] and env["open"][-1] >= level:
        env["open"].pop()
        closing += "</section>"
    env["open"].append(level)
    kind = "step" if text.startswith(_STEP) else f"level{level}"
    return f'{closing}<section class="{kind}" aria-labelledby="{slug(text)}"><h{level} id="{slug(text)}">'


def _render_fence(
    _self: object, tokens: Sequence[Token], index: int, _options: Mapping[str, Any], env: dict[str, Any]
) -> str:
    language = tokens[index].info.strip()
    if language == "mermaid":
        return f'<figure class="diagram">{env["svg"]}</figure>\n'
    label = {"sh": "Command", "yaml": "Spec", "text": "Output"}.get(language, "Text")
    shown = html.escape(tokens[index].content, quote=False)
    env["tables"] += 1
    return (
        f'<pre class="{language}" tabindex="0" role="region" aria-label="{label} {env["tables"]}">'
        f"<code>{shown}</code></pre>\n"
    )


def _open_table(
    _self: object, _tokens: Sequence[Token], _index: int, _options: Mapping[str, Any], env: dict[str, Any]
) -> str:
    env["tables"] += 1
    return f'<div class="wide" tabindex="0" role="region" aria-label="Table {env["tables"]}"><table>'


def _close_table(*_arguments: object) -> str:
    return "</table></div>\n"


_RULES: Mapping[str, Callable[..., str]] = {
    "heading_open": _open_heading,
    "fence": _render_fence,
    "table_open": _open_table,
    "table_close": _close_table,
}
