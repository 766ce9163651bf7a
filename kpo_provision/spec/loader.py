"""Loads a spec: text in, a valid ``Installation`` out, or every problem at once in the order of the file."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from pydantic import ValidationError

from kpo_provision import errors
from kpo_provision.spec import problems, rules, yaml_guard
from kpo_provision.spec.model import Installation

MAX_BYTES = 1_000_000
"""Room for some ten thousand tenants; pure Python parses that in a few seconds."""

_EXPLAINED = "docs/spec.md explains every key; with `kpo-provision schema` an editor checks them while you type"
_START = "`kpo-provision init` writes a spec to start from"


def load_spec(path: Path) -> Installation:
    """Load the spec in a file; raises ``SpecError``."""
    file = str(path)
    try:
        with path.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
    except FileNotFoundError as error:
        raise _unreadable(file, "there is no such file", hint=_START) from error
    except IsADirectoryError as error:
        raise _unreadable(file, "this is a folder, not a file", hint="name the spec in it") from error
    except OSError as error:
        reason = (error.strerror or "error").lower()
        raise _unreadable(file, f"the file cannot be read: {reason}", hint="check its path and permissions") from error
    if len(content) > MAX_BYTES:
        raise _unreadable(
            file,
            f"the file is larger than {MAX_BYTES // 1000} kB",
            hint="that is room for ten thousand tenants; is it the right file?",
        )
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise _unreadable(file, f"line {line} is not UTF-8 text", hint="save the file as UTF-8") from error
    return parse_spec(text, file=file)


def parse_spec(text: str, *, file: str) -> Installation:
    """Parse the text of a spec; ``file`` is what messages call it. Raises ``SpecError``."""
    document, refused = yaml_guard.parse_yaml(text, file=file)
    try:
        installation = Installation.model_validate(document.plain())
        found: list[errors.SpecIssue] = []
    except ValidationError as error:
        installation = None
        found = [problems.describe(detail, document) for detail in error.errors(include_url=False)]
    issues = _merge(refused, found, rules.find_broken_rules(document))
    if installation is None or issues:
        raise errors.SpecError(issues, hint=_EXPLAINED)
    return installation


def _merge(*sources: Iterable[errors.SpecIssue]) -> list[errors.SpecIssue]:
    """Order issues by place. Where one source found fault with a value, later ones only repeat it in other words."""
    merged: list[errors.SpecIssue] = []
    for source in sources:
        judged = {(issue.path, issue.line, issue.column) for issue in merged}
        merged += [issue for issue in source if (issue.path, issue.line, issue.column) not in judged]
    return sorted(merged, key=lambda issue: (issue.line, issue.column))


def _unreadable(file: str, problem: str, *, hint: str) -> errors.SpecError:
    return errors.SpecError([errors.SpecIssue(path="", problem=problem, file=file)], hint=hint)
