"""Which keys a spec may have at which level, read from the model: for suggestions, rules and the reference."""

from __future__ import annotations

import difflib
import inspect
import types
import typing
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from kpo_provision.spec.document import Node, Path
from kpo_provision.spec.model import Installation
from kpo_provision.spec.part import SpecModel

ANY_KEY = "*"
ANY_ELEMENT = "[]"
_SIMILARITY = 0.75
"""Finds `nodepools`, `machine_type` and `lables`, and nothing for `xyz`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """One object of a spec. Its path has ``*`` for a name that users choose, and ``[]`` for an element of a list."""

    path: tuple[str, ...]
    model: type[SpecModel]

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys that may stand here."""
        return tuple(field.alias or name for name, field in self.model.model_fields.items())

    def matches(self, path: Path) -> bool:
        """Whether a path of a document leads to such an object."""
        return len(path) == len(self.path) and all(
            isinstance(step, int) if expected == ANY_ELEMENT else expected in (ANY_KEY, step)
            for expected, step in zip(self.path, path, strict=True)
        )

    def find(self, document: Node) -> list[Node]:
        """Find all such objects in a document."""
        nodes = [document]
        for step in self.path:
            nodes = [below for node in nodes for below in _below(node, step)]
        return nodes

    def __str__(self) -> str:
        return ".".join(self.path).replace(f".{ANY_ELEMENT}", ANY_ELEMENT)


def _walk(model: type[SpecModel], path: tuple[str, ...]) -> Iterator[Level]:
    yield Level(path=path, model=model)
    for name, field in model.model_fields.items():
        for steps, part in _find_parts(field.annotation):
            yield from _walk(part, (*path, field.alias or name, *steps))


def _find_parts(annotation: object) -> Iterator[tuple[tuple[str, ...], type[SpecModel]]]:
    """Find the objects that a field of this type holds, each with the steps that lead to it."""
    if inspect.isclass(annotation) and issubclass(annotation, SpecModel):
        yield (), annotation
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in (types.UnionType, typing.Union):
        for argument in arguments:
            yield from _find_parts(argument)
    elif origin in (dict, list):
        step = ANY_KEY if origin is dict else ANY_ELEMENT
        for steps, part in _find_parts(arguments[-1]):
            yield (step, *steps), part


def _below(node: Node, step: str) -> Iterable[Node]:
    if step == ANY_KEY:
        return node.entries.values()
    if step == ANY_ELEMENT:
        return node.elements
    return [node.entries[step]] if step in node.entries else []


LEVELS = tuple(_walk(Installation, ()))
"""Every level of a spec, outermost first."""


def find_nearest(word: str, candidates: Iterable[str]) -> str:
    """Find the candidate that was probably meant; empty when none is near."""
    spelled = {_normalize(candidate): candidate for candidate in candidates}
    near = difflib.get_close_matches(_normalize(word), spelled, n=1, cutoff=_SIMILARITY)
    return spelled[near[0]] if near else ""


def suggest_key(path: Path) -> str:
    """Say what was probably meant by an unknown key, or where it belongs."""
    key = str(path[-1])
    here = [level for level in LEVELS if level.matches(path[:-1])]
    keys = here[0].keys if here else ()
    nearest = find_nearest(key, keys)
    if nearest:
        return f"did you mean {nearest}?"
    elsewhere = [(level, known) for level in LEVELS for known in level.keys if _normalize(known) == _normalize(key)]
    if elsewhere:
        level, known = elsewhere[0]
        return f"{known} belongs under {level}" if level.path else f"{known} belongs at the top level"
    return f"allowed here: {', '.join(keys)}" if keys else "nothing may stand here"


def suggest_name(name: str, names: Iterable[str], *, kind: str) -> str:
    """Say which existing name was probably meant, or which there are."""
    known = list(names)
    nearest = find_nearest(name, known)
    if nearest:
        return f"did you mean {nearest}?"
    return f"there is {', '.join(known[:5])}" if known else f"add it under {kind}"


def _normalize(word: str) -> str:
    return word.lower().replace("_", "").replace("-", "")
