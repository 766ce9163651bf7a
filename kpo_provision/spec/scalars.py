"""Reads plain (unquoted) YAML scalars, and tells those that YAML 1.1 and YAML 1.2 read differently.

PyYAML, kubectl and Helm read 1.1; editors and ruamel read 1.2. Where the two disagree (``NO``, ``0755``, ``1e3``) there
is no right reading, so the value must be quoted.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from kpo_provision.spec.document import Scalar

_WORDS: dict[str, bool | None] = {
    "": None,
    "~": None,
    "null": None,
    "Null": None,
    "NULL": None,
    "true": True,
    "True": True,
    "TRUE": True,
    "false": False,
    "False": False,
    "FALSE": False,
}
_LONGEST_NUMBER = 40
_NUMBERS: tuple[tuple[re.Pattern[str], Callable[[str], int | float]], ...] = (
    (re.compile(r"[-+]?(0|[1-9][0-9]*)"), int),
    (re.compile(r"0x[0-9a-fA-F]+"), lambda text: int(text, 16)),
    (re.compile(r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+)([eE][-+][0-9]+)?"), float),
    (re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"), lambda text: float(text.replace(".", ""))),
)
"""The numbers that YAML 1.1 and 1.2 read alike."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ambiguity:
    """A form of plain scalar that readers of YAML 1.1 and 1.2 disagree on, and what to write instead."""

    pattern: re.Pattern[str]
    problem: str
    way_out: str


_AMBIGUITIES = (
    Ambiguity(
        pattern=re.compile(r"y|n|yes|no|on|off", re.IGNORECASE),
        problem="is true or false to some YAML readers and text to others",
        way_out="write true or false, or quote it",
    ),
    Ambiguity(
        pattern=re.compile(r"[-+]?0[0-9_]+"),
        problem="is octal to some YAML readers and decimal to others",
        way_out="remove the leading zero, or quote it",
    ),
    Ambiguity(
        pattern=re.compile(r"[-+]?0o[0-7]+|[-+]?0b[01_]+"),
        problem="is a number to some YAML readers and text to others",
        way_out="write a decimal number, or quote it",
    ),
    Ambiguity(
        pattern=re.compile(r"(?=.*_)[-+]?[0-9][0-9_]*(\.[0-9_]*)?|(?=.*[-+_])[-+]?0x[0-9a-fA-F_]+"),
        problem="is a number to some YAML readers and text to others",
        way_out="write only its digits, or quote it",
    ),
    Ambiguity(
        pattern=re.compile(r"[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)[eE][-+]?[0-9]+"),
        problem="is a number to some YAML readers and text to others",
        way_out="write it out, or quote it",
    ),
    Ambiguity(
        pattern=re.compile(r"[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?"),
        problem="is a number in base 60 to some YAML readers and text to others",
        way_out="quote it",
    ),
    Ambiguity(
        pattern=re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt \t].*)?"),
        problem="is a date to some YAML readers and text to others",
        way_out="quote it",
    ),
    Ambiguity(pattern=re.compile(r"=|<<"), problem="has a meaning of its own to some YAML readers", way_out="quote it"),
)


def find_ambiguity(text: str) -> Ambiguity | None:
    """Find how readers of YAML 1.1 and 1.2 differ over a plain scalar, if they do."""
    if any(pattern.fullmatch(text) for pattern, _ in _NUMBERS):
        return None
    return next((ambiguity for ambiguity in _AMBIGUITIES if ambiguity.pattern.fullmatch(text)), None)


def parse_scalar(text: str) -> Scalar:
    """Parse a plain scalar on whose reading YAML 1.1 and 1.2 agree."""
    if text in _WORDS:
        return _WORDS[text]
    if len(text) > _LONGEST_NUMBER:
        return text
    return next((parse(text) for pattern, parse in _NUMBERS if pattern.fullmatch(text)), text)
