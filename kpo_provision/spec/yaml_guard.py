"""Parses YAML into nodes, and refuses what is legal YAML but surprises people or burns memory.

One pass over the parser's events: nothing is ever built from aliases, tags or merge keys, and every surprise is found
at once. Only what the text cannot be read past is raised alone. What plain scalars mean is for ``scalars``, not for the
parser, which is libyaml's: forty times as fast as the one in Python, whose words are better and tell what went wrong.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import yaml
from yaml.error import MarkedYAMLError, YAMLError
from yaml.events import (
    AliasEvent,
    CollectionStartEvent,
    DocumentEndEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
    StreamEndEvent,
)
from yaml.reader import ReaderError

from kpo_provision import errors
from kpo_provision.spec import scalars
from kpo_provision.spec.document import Node, Path, Place, Scalar

_FastLoader = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader
MAX_DEPTH = 50
_UNREAD = "nothing after this place was checked; mend it and run the same command again"

_SYNTAX = (
    (r"'\\t'", "a tab cannot indent YAML", "use spaces"),
    (r"expected ',' or", "a comma or a closing bracket is missing before here", "close every [ and {"),
    (r"expected <block end>", "this fits no line above it", "entries of one mapping begin in the same column"),
    (
        r"mapping values are not allowed",
        "a ':' cannot stand here",
        "quote the text, begin a new line or mend the indentation",
    ),
    (r"could not find expected ':'", "a line before here is no `key: value`", "put ': ' between key and value"),
    (r"unexpected end of stream", "a quote is opened here and never closed", "close it, or remove it"),
    (r"<document start>", "this stands after the end of the document", "a spec is one mapping"),
    (r"unknown escape", "a backslash begins no known escape here", "use single quotes"),
    (r"expected alphabetic or numeric", "'&' and '*' begin anchors and aliases", "quote the text"),
    (r"cannot start any token", "plain text cannot begin with this character", "quote the text"),
)
"""The parser's problems in our words. Its own would repeat parts of the text, which may be a secret."""


def parse_yaml(text: str, *, file: str) -> tuple[Node, tuple[errors.SpecIssue, ...]]:
    """Parse one document; returns it with all that is refused but could be read past."""
    try:
        reader = _Reader(yaml.parse(text, Loader=_FastLoader), file=file)
        return reader.read_document(), tuple(reader.issues)
    except YAMLError:
        reader = _Reader(_parse_events(text, file=file), file=file)
        return reader.read_document(), tuple(reader.issues)


class _Reader:
    def __init__(self, events: Iterator[Event], *, file: str) -> None:
        self.issues: list[errors.SpecIssue] = []
        self._file = file
        self._events = events

    def read_document(self) -> Node:
        event = next(self._events)
        while not isinstance(event, (NodeEvent, StreamEndEvent)):
            event = next(self._events)
        if isinstance(event, StreamEndEvent) or (isinstance(event, ScalarEvent) and not event.value):
            raise self._stop(event, "the file is empty", allowed="`kpo-provision init` writes a spec to start from")
        root = self._read_node(event, path=())
        following = next(self._events)
        while isinstance(following, DocumentEndEvent):
            following = next(self._events)
        if not isinstance(following, StreamEndEvent):
            raise self._stop(following, "a second document begins here", allowed="one file holds one spec")
        return root

    def _read_node(self, event: Event, *, path: Path, key_place: Place | None = None) -> Node:
        if len(path) > MAX_DEPTH:
            raise self._stop(event, f"this is nested more than {MAX_DEPTH} levels deep")
        value: Scalar | dict[str, Node] | list[Node] = None
        if isinstance(event, ScalarEvent):
            value = event.value if event.style or event.tag else scalars.parse_scalar(event.value)
        elif isinstance(event, MappingStartEvent):
            value = self._read_entries(path)
        elif not isinstance(event, AliasEvent):
            value = self._read_elements(path)
        node = Node(path=path, value=value, place=self._place(event), key_place=key_place)
        self._judge(node, event)
        return node

    def _read_elements(self, path: Path) -> list[Node]:
        elements: list[Node] = []
        while not isinstance(event := next(self._events), SequenceEndEvent):
            elements.append(self._read_node(event, path=(*path, len(elements))))
        return elements

    def _read_entries(self, path: Path) -> dict[str, Node]:
        entries: dict[str, Node] = {}
        while not isinstance(event := next(self._events), MappingEndEvent):
            key = self._read_key(event, path=path)
            node = self._read_node(next(self._events), path=key.path, key_place=key.place)
            first = entries.setdefault(key.text, node)
            if first is not node and first.key_place:
                self.issues.append(
                    node.issue(
                        f"is written twice, first in line {first.key_place.line}",
                        allowed="keep one of them",
                        at_key=True,
                    )
                )
        return entries

    def _read_key(self, event: Event, *, path: Path) -> Node:
        if not isinstance(event, ScalarEvent):
            raise self._stop(event, "a key must be a single word", allowed="quote text that begins with [, { or *")
        key = Node(path=(*path, event.value), value=event.value, place=self._place(event), key_place=self._place(event))
        if event.value == "<<" and not event.style:
            self.issues.append(key.issue("merge keys are not read", allowed="write the entries out", at_key=True))
        elif not event.style and not isinstance(scalars.parse_scalar(event.value), str):
            self.issues.append(key.issue("this key is not text", allowed="quote it", at_key=True))
        else:
            self._judge(key, event)
        return key

    def _judge(self, node: Node, event: Event) -> None:
        """Refuse what readers of YAML disagree on, or what makes a document hard to follow."""
        if isinstance(event, AliasEvent):
            self.issues.append(node.issue("aliases are not read", allowed="write the value out"))
        elif isinstance(event, NodeEvent) and event.anchor:
            self.issues.append(node.issue("anchors are not read", allowed="remove it"))
        elif isinstance(event, (ScalarEvent, CollectionStartEvent)) and event.tag:
            self.issues.append(node.issue("tags are not read", allowed="remove it"))
        elif isinstance(event, ScalarEvent) and not event.style:
            ambiguity = scalars.find_ambiguity(event.value)
            if ambiguity:
                self.issues.append(node.issue(ambiguity.problem, allowed=ambiguity.way_out))
            elif node.value is None:
                self.issues.append(node.issue("has no value", allowed="give it one, or leave the key out"))

    def _place(self, event: Event) -> Place:
        mark = event.start_mark
        return Place(file=self._file, line=mark.line + 1 if mark else 0, column=mark.column + 1 if mark else 0)

    def _stop(self, event: Event, problem: str, *, allowed: str = "") -> errors.SpecError:
        root = Node(path=(), value=None, place=self._place(event))
        return errors.SpecError([root.issue(problem, allowed=allowed)], hint=_UNREAD)


def _parse_events(text: str, *, file: str) -> Iterator[Event]:
    """Parse events one by one, with the parser's errors in our words."""
    try:
        yield from yaml.parse(text, Loader=yaml.SafeLoader)
    except ReaderError as error:
        before = text[: error.position]
        issue = errors.SpecIssue(
            path="",
            problem=f"the control character U+{ord(text[error.position]):04X} cannot stand in YAML",
            allowed="remove it",
            file=file,
            line=before.count("\n") + 1,
            column=error.position - before.rfind("\n"),
        )
        raise errors.SpecError([issue], hint=_UNREAD) from error
    except MarkedYAMLError as error:
        raise errors.SpecError([_syntax_issue(error, file=file)], hint=_UNREAD) from error


def _syntax_issue(error: MarkedYAMLError, *, file: str) -> errors.SpecIssue:
    found = re.sub(r"['\"].*", "…", error.problem or "")
    known = [words for pattern, *words in _SYNTAX if re.search(pattern, error.problem or "")]
    problem, allowed = known[0] if known else (f"this is not YAML: {found}", "")
    ended_early = "end of stream" in found and error.context_mark
    mark = error.context_mark if ended_early else error.problem_mark
    return errors.SpecIssue(
        path="",
        problem=problem,
        allowed=allowed,
        file=file,
        line=mark.line + 1 if mark else 0,
        column=mark.column + 1 if mark else 0,
    )
