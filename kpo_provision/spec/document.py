"""A YAML document as read: values that know their place, for messages that name file, line and column.

Looking for what is not there gives a node that does not exist instead of an error, so that rules can be judged on a
spec that is wrong elsewhere.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from kpo_provision import errors

Scalar: TypeAlias = str | int | float | bool | None
Path: TypeAlias = tuple[str | int, ...]
Plain: TypeAlias = "Scalar | dict[str, Plain] | list[Plain]"

_SHOWN_LENGTH = 60
_PLAIN_KEY = re.compile(r"[A-Za-z0-9_-]+")
_SECRET_KEY = re.compile(r"credentials|passw|secret|token", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A position in a file, counted from one."""

    file: str
    line: int
    column: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One value of a document: where it stands, and where its key stands."""

    path: Path
    value: Scalar | dict[str, Node] | list[Node]
    place: Place | None
    key_place: Place | None = None

    @property
    def exists(self) -> bool:
        """Whether the document holds it."""
        return self.place is not None

    @property
    def entries(self) -> Mapping[str, Node]:
        """The entries of a mapping; none of anything else."""
        return self.value if isinstance(self.value, dict) else {}

    @property
    def elements(self) -> list[Node]:
        """The elements of a list; none of anything else."""
        return self.value if isinstance(self.value, list) else []

    @property
    def text(self) -> str:
        """The text; empty where there is something else or nothing."""
        return self.value if isinstance(self.value, str) else ""

    @property
    def number(self) -> int:
        """The whole number; 0 where there is something else or nothing."""
        return self.value if isinstance(self.value, int) else 0

    @property
    def may_be_secret(self) -> bool:
        """Whether the value is, or may be by mistake, a secret."""
        if any(_SECRET_KEY.search(str(step)) for step in self.path):
            return True
        _, at, host = self.text.partition("@")  # as in user:password@host; a digest is the one other use of @
        return bool(at) and not host.startswith("sha256:")

    def at(self, *path: str | int) -> Node:
        """Return what stands at ``path`` below this node."""
        node: Node | None = self
        for step in path:
            if node is not None:
                node = node._below(step)
        return node or Node(path=(*self.path, *path), value=None, place=None)

    def plain(self) -> Plain:
        """Return the value without places."""
        if isinstance(self.value, dict):
            return {key: node.plain() for key, node in self.value.items()}
        if isinstance(self.value, list):
            return [node.plain() for node in self.value]
        return self.value

    def issue(self, problem: str, *, allowed: str = "", at_key: bool = False) -> errors.SpecIssue:
        """Say what is wrong with this value, or with its key."""
        place = (self.key_place if at_key else None) or self.place or Place(file="", line=0, column=0)
        return errors.SpecIssue(
            path=render_path(self.path),
            problem=problem,
            allowed=allowed,
            value="" if at_key else self._shown(),
            file=place.file,
            line=place.line,
            column=place.column,
        )

    def _below(self, step: str | int) -> Node | None:
        if isinstance(step, str):
            return self.entries.get(step)
        return self.elements[step] if step < len(self.elements) else None

    def _shown(self) -> str:
        """Write the value for a message; nothing where it may be a secret, or is more than a word."""
        if self.may_be_secret or not isinstance(self.value, (str, int, float)):
            return ""
        text = json.dumps(self.value, ensure_ascii=False)
        return text if len(text) <= _SHOWN_LENGTH else text[: _SHOWN_LENGTH - 1] + "…"


def render_path(path: Path) -> str:
    """Write a path as code would: ``tenants.etl.registries[0]``."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        elif _PLAIN_KEY.fullmatch(step):
            text += f".{step}" if text else step
        else:
            text += f"[{json.dumps(step[:_SHOWN_LENGTH], ensure_ascii=False)}]"
    return text
