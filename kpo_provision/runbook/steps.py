"""One step of a runbook: what to type, what it prints, how long it takes, and what to do when it does not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

OMITTED = "…"
"""A line of an expected output that stands for any number of lines."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """A change of the spec's file: ``value`` is laid over what stands at ``path``; None there takes a key away."""

    path: tuple[str, ...]
    value: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One command of a runbook.

    ``expected`` are the lines that matter, in order: ``<name>`` in them stands for what varies, and a line ``…`` for
    lines that are left out. ``by_hand`` is what has to be done first and is no command. ``failures`` are signs and what
    to do about them.
    """

    id: str
    title: str
    purpose: str
    command: str
    expected: tuple[str, ...]
    exit_code: int = 0
    owner: str = "executor"
    changes: str = ""
    """What it changes, in a word or two; empty where it only reads."""
    destroys: bool = False
    takes: str = "seconds"
    repeat: str = "yes"
    stop_after: str = "yes"
    failures: tuple[tuple[str, str], ...] = ()
    undo: str = "nothing to undo"
    evidence: str = ""
    by_hand: str = ""
    edit: Edit | None = None
