"""What to do next in a folder, by the specs in it. Asks no cluster and no cloud, so that it is said at once."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from kpo_provision import errors
from kpo_provision.cli.completions import DEFAULT_SPEC

if TYPE_CHECKING:
    from kpo_provision.spec import model

_MARK = "apiVersion: kpo-provision.io/"
_HEAD_BYTES = 4096
_FEW = 5
_PATH_UNDER_SUDO = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""``secure_path`` of Debian's and Ubuntu's /etc/sudoers (Debian 12, 2026-11-27)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """What stands in the folder, a sentence, and commands with what each is for."""

    state: str
    commands: tuple[tuple[str, str], ...]


def advise(folder: Path, *, environ: Mapping[str, str]) -> Advice:
    """Say what is in a folder, and what to run next there."""
    specs = find_specs(folder)
    if not specs:
        return Advice(
            state="There is no spec in this folder yet.",
            commands=(
                ("kpo-provision init", "write a commented one for a cluster on this machine"),
                ("kpo-provision init --target kubeconfig --context NAME", "for a cluster that is there already"),
                ("kpo-provision init --target gke", "for node pools on GKE; --target selfHosted for hosts of your own"),
            ),
        )
    if len(specs) > 1 and DEFAULT_SPEC not in specs:
        return Advice(
            state=f"There are {len(specs)} specs in this folder: {', '.join(specs[:_FEW])}.",
            commands=tuple((f"kpo-provision plan {name}", "what an apply of it would do") for name in specs[:_FEW]),
        )
    return _advise_on(folder, DEFAULT_SPEC if DEFAULT_SPEC in specs else specs[0], environ)


def find_specs(folder: Path) -> list[str]:
    """List the files of a folder that say that they are specs."""
    return sorted(
        path.name for path in folder.iterdir() if path.suffix in (".yaml", ".yml") and _MARK in _read_head(path)
    )


def _read_head(path: Path) -> str:
    try:
        with path.open("rb") as source:
            return source.read(_HEAD_BYTES).decode("utf-8", "replace")
    except OSError:
        return ""


def _advise_on(folder: Path, name: str, environ: Mapping[str, str]) -> Advice:
    from kpo_provision.spec import load_spec

    try:
        spec = load_spec(folder / name)
    except errors.SpecError as error:
        count = len(error.issues)
        first = str(error.issues[0]).replace(f"{folder}/", "")
        return Advice(
            state=f"{name} has {count} problem{'' if count == 1 else 's'}: {first}",
            commands=((f"kpo-provision validate {name}", "every problem, each with its line"),),
        )
    return Advice(state=_describe(name, spec), commands=_list_commands(name, spec, folder, environ))


def _describe(name: str, spec: model.Installation) -> str:
    tenants, pools = len(spec.tenants), len(spec.node_pools)
    return (
        f"{name} is valid: installation {spec.metadata.name}, {tenants} tenant{'' if tenants == 1 else 's'}, "
        f"{pools} node pool{'' if pools == 1 else 's'}."
    )


def _list_commands(
    name: str, spec: model.Installation, folder: Path, environ: Mapping[str, str]
) -> tuple[tuple[str, str], ...]:
    if spec.target.local is not None and not _runs_locally(environ):
        return _start_locally(name, environ)
    first = (f"kpo-provision plan {name}", "what an apply would do; changes nothing")
    apply = (f"kpo-provision apply {name}", "do it, and prove it with a probe pod")
    if spec.target.local is not None:
        return (first, apply, (f"kpo-provision verify {name}", "prove every tenant again"))
    if not (folder / ".kpo-provision" / spec.metadata.name).is_dir():  # Terraform's workspace tells of an apply
        runbook = (f"kpo-provision runbook {name} --out runbook", "the whole install, for whoever approves it")
        return (first, apply, runbook, *_list_renderings(name, spec))
    return (
        (f"kpo-provision status {name}", "whether the cluster is still what it says"),
        (f"kpo-provision verify {name}", "prove every tenant again"),
        first,
    )


def _list_renderings(name: str, spec: model.Installation) -> tuple[tuple[str, str], ...]:
    """Where the spec names a workspace of Terraform Cloud, that may do it all."""
    if spec.target.gke is None or spec.target.gke.backend.remote is None:
        return ()
    command = f"kpo-provision render {name} --for terraform-cloud --out terraform"
    return ((command, "or have Terraform Cloud do it, with each commit"),)


def _start_locally(name: str, environ: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    purpose = "start the local cluster, apply it, prove it with a probe pod"
    if os.geteuid() == 0:
        return ((f"kpo-provision apply {name}", purpose),)
    # Under sudo, the programs of a virtualenv are not found by their names.
    program = "kpo-provision"
    if shutil.which(program, path=_PATH_UNDER_SUDO) is None:
        program = shutil.which(program, path=environ.get("PATH")) or program
    return (
        (f"sudo {program} apply {name}", purpose),
        ("kpo-provision local up --simulated", "or without root: the cluster's nodes are played then"),
    )


def _runs_locally(environ: Mapping[str, str]) -> bool:
    from kpo_provision.local.options import LocalOptions

    try:
        return LocalOptions.from_environment(environ).layout.kubeconfig.exists()
    except (errors.KpoProvisionError, OSError):
        return False


def render_advice(advice: Advice) -> Sequence[str]:
    """Write it as lines, commands below each other."""
    width = max(len(command) for command, _ in advice.commands)
    return [
        advice.state,
        "",
        "Next:",
        *(f"  {command.ljust(width)}   {purpose}" for command, purpose in advice.commands),
        "",
        "`kpo-provision --help` lists every command.",
    ]


def describe_advice(advice: Advice) -> dict[str, object]:
    """Write it as a JSON document."""
    return {
        "schema": "kpo-provision/next-step/v1",
        "state": advice.state,
        "next": [{"command": command, "purpose": purpose} for command, purpose in advice.commands],
    }
