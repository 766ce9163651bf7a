"""``kpo-provision init``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kpo_provision import errors
from kpo_provision.cli.options import DEFAULT_SPEC, output_options
from kpo_provision.cli.terminal import Terminal

if TYPE_CHECKING:
    from kpo_provision.spec.starter import StarterTarget

SCHEMA_FILE = "kpo-provision.schema.json"

EXAMPLES = """\b
Examples:
  kpo-provision init --target local
  kpo-provision init --target kubeconfig --context kind-airflow acme.yaml
  kpo-provision init --target gke
  kpo-provision init --target selfHosted"""


@click.command(
    "init",
    short_help="Write a commented spec to start from.",
    epilog=EXAMPLES,
)
@click.argument("path", type=click.Path(path_type=Path), default=DEFAULT_SPEC)
@click.option(
    "--target",
    type=click.Choice(["local", "kubeconfig", "gke", "selfHosted"]),
    default="local",
    show_default=True,
    help="Where to install.",
)
@click.option("--name", default="acme", show_default=True, help="Name of the installation.")
@click.option("--context", default=None, help="Kubeconfig context, with --target kubeconfig or selfHosted.")
@click.option("--force", is_flag=True, help="Overwrite files that exist.")
@output_options
@click.pass_obj
def command(
    terminal: Terminal,
    *,
    path: Path,
    target: StarterTarget,
    name: str,
    context: str | None,
    force: bool,
) -> None:
    """Write a commented spec that is valid as it stands, and the JSON Schema that editors check it with."""
    from kpo_provision.spec.schema import render_schema
    from kpo_provision.spec.starter import render_starter

    text = render_starter(target, name=name, context=context)
    schema_path = path.parent / SCHEMA_FILE
    if path.exists() and not force:
        raise errors.UsageError(f"{path} exists", hint="name another file, or overwrite it with --force")
    try:
        path.write_text(text, encoding="utf-8")
        schema_path.write_text(json.dumps(render_schema(), indent=2) + "\n", encoding="utf-8")
    except OSError as e:
        raise errors.UsageError(f"{e.filename} cannot be written: {e.strerror}") from e
    if terminal.is_json:
        terminal.write_json({"schema": "kpo-provision/init/v1", "spec": str(path), "jsonSchema": str(schema_path)})
        return
    terminal.write(f"wrote {path} and {schema_path}")
    terminal.say(f"next: kpo-provision {'plan' if target in ('gke', 'selfHosted') else 'apply'} {path}")
