"""The dialogue of ``init``: few questions, each with an answer that Enter gives, and each a flag of the command too."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from kpo_provision.spec.starter import StarterTarget

DEFAULT_NAME = "acme"
DEFAULT_TENANT = "frigid-vacuum-0996"
DEFAULT_CAPACITY_AU = 10
TARGETS: dict[StarterTarget, str] = {
    "local": "a real Kubernetes on this machine, to try it (needs root)",
    "kubeconfig": "a cluster that is there already",
    "gke": "node pools on GKE, made by Terraform",
    "selfHosted": "hosts or EC2 instances of your own, which join a cluster",
}
_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_MOST_AU = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What a first spec is made of. ``context`` is the kubeconfig's current one when it is None."""

    target: StarterTarget = "local"
    name: str = DEFAULT_NAME
    context: str | None = None
    tenant: str = DEFAULT_TENANT
    capacity_au: int = DEFAULT_CAPACITY_AU


def is_anybody_there() -> bool:
    """Whether somebody can be asked."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def ask(given: Answers) -> Answers:
    """Ask for everything, with what was given as the answers that Enter gives."""
    click.echo(
        "A spec describes one cluster. Enter takes what is in brackets; everything can be changed later.", err=True
    )
    click.echo("", err=True)
    for target, meaning in TARGETS.items():
        click.echo(f"  {target.ljust(10)}  {meaning}", err=True)
    answers = replace(given, target=_prompt("Where to install", given.target, kind=click.Choice(list(TARGETS))))
    if answers.target in ("kubeconfig", "selfHosted"):
        answers = replace(answers, context=_ask_context(given.context))
    return replace(
        answers,
        name=_prompt("Name of the installation", given.name, judge=_require_label),
        tenant=_prompt("First tenant, by its Airflow release name", given.tenant, judge=_require_label),
        capacity_au=_prompt(
            "What its pods may use, in AU (0.1 CPU, 384 MiB and 1 pod each)",
            given.capacity_au,
            kind=click.IntRange(0, _MOST_AU),
        ),
    )


def _ask_context(given: str | None) -> str | None:
    names = list_contexts()
    if not names:
        return given
    click.echo(f"Contexts of the kubeconfig: {', '.join(names)}", err=True)
    return str(_prompt("Context", given if given in names else names[0], kind=click.Choice(names)))


def list_contexts() -> list[str]:
    """List the contexts of the kubeconfig, the current one first; none where it cannot be read."""
    import yaml

    places = (os.environ.get("KUBECONFIG") or "~/.kube/config").split(os.pathsep)
    try:
        document = yaml.safe_load(Path(places[0]).expanduser().read_text(encoding="utf-8"))
        current = document.get("current-context")
        names = [str(context["name"]) for context in document["contexts"]]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, yaml.YAMLError):
        return []
    return sorted(names, key=lambda name: (name != current, name))


def _prompt(
    question: str,
    default: str | int | None,
    *,
    kind: click.ParamType[Any] | None = None,
    judge: Callable[[str], str] | None = None,
) -> Any:  # noqa: ANN401  what an answer is, its kind decides
    return click.prompt(question, default=default, err=True, type=kind, value_proc=judge)


def _require_label(value: str) -> str:
    if not _LABEL.fullmatch(value):
        raise click.UsageError("must be lower-case letters, digits and '-', 63 at most")
    return value
