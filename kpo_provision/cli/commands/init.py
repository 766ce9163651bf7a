"""``kpo-provision init``."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kpo_provision import errors
from kpo_provision.cli.completions import DEFAULT_SPEC, complete_specs
from kpo_provision.cli.first_answers import (
    DEFAULT_CAPACITY_AU,
    DEFAULT_NAME,
    DEFAULT_TENANT,
    Answers,
    ask,
    is_anybody_there,
)
from kpo_provision.cli.options import output_options
from kpo_provision.cli.terminal import Terminal

if TYPE_CHECKING:
    from kpo_provision.spec.starter import StarterTarget

SCHEMA_FILE = "kpo-provision.schema.json"

EXAMPLES = """\b
Examples:
  kpo-provision init
  kpo-provision init --target kubeconfig --context kind-airflow acme.yaml
  kpo-provision init --target gke --tenant nightly-etl --capacity 200
  kpo-provision init --target selfHosted --check"""


@click.command(
    "init",
    short_help="Write a commented spec to start from.",
    epilog=EXAMPLES,
)
@click.argument("path", type=click.Path(path_type=Path), default=DEFAULT_SPEC, shell_complete=complete_specs)
@click.option(
    "--target",
    type=click.Choice(["local", "kubeconfig", "gke", "selfHosted"]),
    default=None,
    help="Where to install; asked for on a terminal, and local otherwise.",
)
@click.option("--name", default=DEFAULT_NAME, show_default=True, help="Name of the installation.")
@click.option("--context", default=None, help="Kubeconfig context, with --target kubeconfig or selfHosted.")
@click.option("--tenant", default=DEFAULT_TENANT, show_default=True, help="First tenant, by its Airflow release name.")
@click.option(
    "--capacity",
    "capacity_au",
    type=int,
    default=DEFAULT_CAPACITY_AU,
    show_default=True,
    help="Its capacity, in AU.",
)
@click.option("--check", "checks", is_flag=True, help="See at once whether the target can be reached and used.")
@click.option("--no-input", is_flag=True, help="Ask nothing, whoever is there.")
@click.option("--force", is_flag=True, help="Overwrite files that exist.")
@output_options
@click.pass_obj
def command(  # noqa: PLR0913  each is an answer of the dialogue
    terminal: Terminal,
    *,
    path: Path,
    target: StarterTarget | None,
    name: str,
    context: str | None,
    tenant: str,
    capacity_au: int,
    checks: bool,
    no_input: bool,
    force: bool,
) -> None:
    """Write a commented spec that is valid as it stands, and the JSON Schema that editors check it with.

    On a terminal, and without --target, it asks a few questions first and looks at the target at once.
    """
    from kpo_provision.spec import parse_spec
    from kpo_provision.spec.starter import render_starter

    if path.exists() and not force:
        raise errors.UsageError(f"{path} exists", hint="name another file, or overwrite it with --force")
    answers = Answers(target=target or "local", name=name, context=context, tenant=tenant, capacity_au=capacity_au)
    asks = target is None and not no_input and not terminal.is_json and is_anybody_there()
    if asks:
        answers = ask(answers)
    text = render_starter(
        answers.target,
        name=answers.name,
        context=answers.context,
        tenant=answers.tenant,
        capacity_au=answers.capacity_au,
    )
    parse_spec(text, file=str(path))
    schema_path = _write(path, text)
    pitfalls = _look(path) if checks or asks else ()
    if terminal.is_json:
        found = [{"problem": str(pitfall), "hint": pitfall.hint} for pitfall in pitfalls]
        terminal.write_json(
            {"schema": "kpo-provision/init/v1", "spec": str(path), "jsonSchema": str(schema_path), "pitfalls": found}
        )
        return
    terminal.write(f"wrote {path} and {schema_path}")
    for pitfall in pitfalls:
        terminal.say(f"before it can be applied: {pitfall}\n  hint: {pitfall.hint}")
    terminal.say(f"next: kpo-provision {'plan' if answers.target in ('gke', 'selfHosted') else 'apply'} {path}")


def _write(path: Path, text: str) -> Path:
    from kpo_provision.spec.schema import render_schema

    schema_path = path.parent / SCHEMA_FILE
    try:
        path.write_text(text, encoding="utf-8")
        schema_path.write_text(json.dumps(render_schema(), indent=2) + "\n", encoding="utf-8")
    except OSError as e:
        raise errors.UsageError(f"{e.filename} cannot be written: {e.strerror}") from e
    return schema_path


def _look(path: Path) -> tuple[errors.KpoProvisionError, ...]:
    from kpo_provision import pipeline

    return pipeline.find_pitfalls(pipeline.decide(path), environ=os.environ)
