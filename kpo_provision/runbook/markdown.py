"""A runbook's content as Markdown, by ``templates/runbook``; the page is made from the same Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from kpo_provision.render import environment
from kpo_provision.report.characters import clean
from kpo_provision.runbook.content import Content
from kpo_provision.runbook.diagram import render_mermaid
from kpo_provision.runbook.words import make_filters, slug

CONTENTS = "Contents"
"""The heading of the list of contents, which the page leaves to its navigation."""
_MARK = "<!-- contents -->\n"
_HEADING = re.compile(r"^(#{2,3}) (.+)$")
_FENCE = re.compile(r"^(`{3,})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """A heading and where it is."""

    level: int
    text: str

    @property
    def anchor(self) -> str:
        """What links to it, as GitHub makes it."""
        return slug(self.text)


def render_markdown(content: Content) -> str:
    """Render the whole runbook."""
    text = clean(
        environment.render_text(
            "runbook/runbook.md",
            filters=make_filters(content),
            content=content,
            subject=content.subject,
            mermaid=render_mermaid(content.subject),
        )
    )
    text = re.sub(r"\n{3,}", "\n\n", text)
    listed = [heading for heading in find_headings(text) if heading.level == 2 and heading.text != CONTENTS]
    contents = "".join(f"{n}. [{heading.text}](#{heading.anchor})\n" for n, heading in enumerate(listed, start=1))
    return text.replace(_MARK, contents, 1)


def find_headings(markdown: str) -> Iterator[Heading]:
    """Find the headings of the second and third level that stand outside of code."""
    fence = ""
    for line in markdown.splitlines():
        opened = _FENCE.match(line)
        if opened:
            fence = "" if fence == opened[1] else fence or opened[1]
        found = None if fence else _HEADING.match(line)
        if found:
            yield Heading(level=len(found[1]), text=found[2])
