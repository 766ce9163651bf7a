"""How lines look on a terminal: marks, colours, headings, indents. ANSI by hand, because rich takes 100 ms to load."""

from __future__ import annotations

import enum
import textwrap
from dataclasses import dataclass

from kpo_provision.report.characters import clean, clean_line

_INDENT = "    "


class Mark(enum.Enum):
    """What stands before a line: a sign, its ASCII form and its ANSI colour, for colour alone tells too few."""

    GOOD = ("√", "ok", "32")
    BAD = ("×", "xx", "31")
    DOUBTFUL = ("‼", "!!", "33")
    LEFT_OUT = ("–", "--", "2")


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How to write lines for one output stream."""

    colour: bool
    ascii_only: bool = False
    width: int = 120

    def heading(self, text: str) -> list[str]:
        """Return a heading, underlined, with an empty line before it."""
        shown = clean_line(text)
        return ["", self._paint(shown, "1"), "-" * len(shown)]

    def marked(self, mark: Mark, text: str) -> list[str]:
        """Return a line with a mark before it, wrapped."""
        sign, plain_sign, colour = mark.value
        shown = plain_sign if self.ascii_only else sign
        hang = " " * (len(shown) + 1)
        first, *rest = self._wrap(clean_line(text), indent=hang)
        return [f"{self._paint(shown, colour)} {first[len(hang) :]}", *rest]

    def detail(self, text: str) -> list[str]:
        """Return indented lines; line breaks in ``text`` are kept, and so are lines that are indented themselves."""
        lines: list[str] = []
        for line in clean(text).split("\n"):
            lines += [_INDENT + line] if line.startswith((" ", "- ")) else self._wrap(line, indent=_INDENT)
        return lines

    def _wrap(self, text: str, *, indent: str) -> list[str]:
        wrapped = textwrap.wrap(
            text,
            width=self.width,
            initial_indent=indent,
            subsequent_indent=indent,
            break_long_words=False,
            break_on_hyphens=False,
        )
        return wrapped or [indent]

    def _paint(self, text: str, code: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.colour else text
