"""Asks the user before something is done that cannot be taken back; without a terminal, only ``--yes`` is an answer."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, TypeVar

import click

from kpo_provision import errors

F = TypeVar("F", bound=Callable[..., Any])


def yes_option(function: F) -> F:
    """Add ``--yes``."""
    return click.option("-y", "--yes", is_flag=True, help="Do not ask.")(function)


def require_consent(consequence: str, *, word: str, yes: bool) -> None:
    """Have the user type ``word`` after reading what will happen.

    Raises:
        errors.UsageError: There is nobody to ask, or the answer was another.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise errors.UsageError(f"{consequence}, and that needs a yes; nothing was changed", hint="pass --yes")
    if click.prompt(f"{consequence}. Type {word} to go on", err=True) != word:
        raise errors.UsageError("not confirmed; nothing was changed")
