"""Reads what Terraform says of a run that Terraform Cloud carries out, which is text for people, ``-json`` or not.

Seen with Terraform 1.11.4 (2026-11-26). Its exit code does not tell how such a run ended: a run that somebody cancelled
may end with 0. What counts is the status of the run, which ``show`` of the saved plan says.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from kpo_provision.terraform.diagnostics import Diagnostic

APPLIED = "applied"
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_LINK = re.compile(r"https://\S+/app/\S+/runs/run-\S+")
_STATUS = re.compile(r"^Run status: (?P<status>[\w ]+?) \(", re.MULTILINE)
_ERROR = "Error: "
_FRAME = "╷│╵ "


def read_text(line: str) -> str:
    """Return a line without colours."""
    return _COLOURS.sub("", line).rstrip()


def find_link(line: str) -> str | None:
    """Return the address of the run, if the line has it."""
    found = _LINK.search(line)
    return found and found[0]


def find_status(text: str) -> str:
    """Return the status of the run from what ``show`` says of its plan; empty where it says none."""
    found = _STATUS.search(text)
    return found["status"] if found else ""


def find_errors(lines: Sequence[str]) -> Iterator[Diagnostic]:
    """Find the errors in what a run printed: ``Error:``, a blank line, and what it is about."""
    bare = [line.strip(_FRAME) for line in lines]
    for index, line in enumerate(bare):
        if line.startswith(_ERROR):
            detail = " ".join(_take_detail(bare[index + 1 :]))
            yield Diagnostic(severity="error", summary=line.removeprefix(_ERROR), detail=detail)


def _take_detail(lines: Sequence[str]) -> Iterator[str]:
    """Take the lines of one error, up to the next."""
    for line in lines:
        if line.startswith((_ERROR, "Operation failed")):
            return
        if line:
            yield line


def is_bookmark(plan_file: Path) -> bool:
    """Tell whether a saved plan is one of Terraform Cloud, of which there is only the number of its run here."""
    try:
        document = json.loads(plan_file.read_bytes())
    except (OSError, ValueError):
        return False
    return isinstance(document, dict) and "run_id" in document
