"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from kpo_provision.cli.completions import DEFAULT_SPEC, complete_specs, complete_tenants
from kpo_provision.cli.terminal import Terminal

F = TypeVar("F", bound=Callable[..., Any])


def _set_format(ctx: click.Context, _parameter: click.Parameter, value: str) -> None:
    ctx.ensure_object(Terminal).use_format(value)


def _set_colour(ctx: click.Context, _parameter: click.Parameter, value: bool) -> None:
    if value:
        ctx.ensure_object(Terminal).refuse_colour()


def _set_quiet(ctx: click.Context, _parameter: click.Parameter, value: bool) -> None:
    if value:
        ctx.ensure_object(Terminal).refuse_progress()


def output_options(function: F) -> F:
    """Add ``-o``, ``--no-color`` and ``--quiet``; they are settings of the terminal, not arguments of the command."""
    function = click.option(
        "-q",
        "--quiet",
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=_set_quiet,
        help="No progress on stderr.",
    )(function)
    function = click.option(
        "--no-color",
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=_set_colour,
        help="No colour; NO_COLOR does the same.",
    )(function)
    return click.option(
        "-o",
        "--output",
        type=click.Choice(["text", "json"]),
        default="text",
        is_eager=True,
        expose_value=False,
        callback=_set_format,
        help="What stdout carries. Exit codes are the same.",
    )(function)


def spec_argument(function: F) -> F:
    """Add the SPEC argument."""
    return click.argument("spec", type=click.Path(path_type=Path), default=DEFAULT_SPEC, shell_complete=complete_specs)(
        function
    )


def terraform_option(function: F) -> F:
    """Add ``--terraform-bin``."""
    return click.option(
        "--terraform-bin",
        default=None,
        metavar="PROGRAM",
        help="Terraform or OpenTofu to run, over target.gke.terraformBin.",
    )(function)


def tenant_option(function: F) -> F:
    """Add ``--tenant``, which may be given several times."""
    return click.option(
        "--tenant",
        "tenants",
        multiple=True,
        metavar="RELEASE",
        shell_complete=complete_tenants,
        help="Only this tenant; may be repeated.",
    )(function)
