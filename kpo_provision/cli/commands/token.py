"""``kpo-provision token``: the token by which EC2 instances join."""

from __future__ import annotations

import os
from pathlib import Path

import click

from kpo_provision.cli.options import output_options, spec_argument
from kpo_provision.cli.terminal import Terminal


@click.group(
    "token",
    short_help="Rotate the token by which EC2 instances join.",
    epilog="\b\nExample:\n  kpo-provision token rotate kpo-provision.yaml     # every eight hours, from a timer",
)
def command() -> None:
    """EC2 instances join whenever an autoscaler makes them, by a token that waits in SSM Parameter Store."""


@command.command("rotate", epilog="\b\nExample:\n  kpo-provision token rotate kpo-provision.yaml -o json")
@spec_argument
@output_options
@click.pass_obj
def rotate(terminal: Terminal, spec: Path) -> None:
    """Make another token and put it where instances look for it. It lives a day; the former one ends by itself."""
    from kpo_provision import pipeline

    decided = pipeline.decide(spec)
    with terminal.progress() as progress:
        expires = pipeline.rotate_token(decided, environ=os.environ, progress=progress)
    moment = expires.strftime("%Y-%m-%dT%H:%M:%SZ")
    if terminal.is_json:
        terminal.write_json({"schema": "kpo-provision/token/v1", "expires": moment})
    else:
        terminal.write(f"instances of {decided.plan.installation} join by a new token, until {moment}")
