"""What Terraform Cloud runs for one spec: two roots, each a workspace, with the variables and manifests that they need.

They are two because manifests are planned on the cluster that they are for, which must be there by then. No secret is
rendered: logins are variables of the workspace, ephemeral in Terraform.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from kpo_provision import assets, errors
from kpo_provision.render import folder
from kpo_provision.render.backend import render_backend
from kpo_provision.render.bundle import Bundle
from kpo_provision.render.environment import render_text
from kpo_provision.render.tfvars import render_tfvars
from kpo_provision.sizing.pools import InstallationSize
from kpo_provision.spec import gke, model
from kpo_provision.spec.backend import RemoteBackend

INFRASTRUCTURE = "infrastructure"
TENANTS = "tenants"
_KEPT = (".terraform", ".terraform.lock.hcl")
"""Terraform's own in each root: they outlive a new rendering."""
FEW_TENANTS = 50
"""Up to so many, a run ends while somebody waits. Of the Kubernetes provider 3.2.1 a plan takes 1.8 s a tenant and an
apply 4 s, for it asks for one object at a time; `kpo-provision apply` took 2 s for all 25 (measured 2026-11-27)."""
_VARIABLES_FILE = "run.auto.tfvars.json"
_BACKEND_FILE = "backend.tf.json"
_TEMPLATES = "terraform-cloud"
_CALL = re.compile(r'^\s*source\s*=\s*"\.\.?/(?:modules/)?([a-z0-9-]+)"', re.MULTILINE)


def write_terraform_cloud(files: Mapping[str, str], out: Path) -> tuple[Path, ...]:
    """Write what ``render_terraform_cloud`` gave to the folder ``out``, in place of what an earlier run wrote there.

    Raises:
        errors.UsageError: ``out`` holds something else, or cannot be written.
    """
    kept = [f"{part}/{name}" for part in (INFRASTRUCTURE, TENANTS) for name in _KEPT]
    return folder.write_files(dict(files), out, kept=kept)


def render_terraform_cloud(spec: model.Installation, size: InstallationSize | None, bundle: Bundle) -> dict[str, str]:
    """Render every file of the folder, by its path in it, sorted.

    Raises:
        errors.UsageError: The spec is not for a GKE cluster whose state is in Terraform Cloud.
    """
    target, remote = _find_workspace(spec)
    if size is None:
        raise errors.UsageError("the spec has no node pools to make", hint="set nodePools in the spec")
    name = spec.metadata.name
    files = dict(_list_root(INFRASTRUCTURE, assets.asset("main.tf").parent))
    files |= _render_workspace(INFRASTRUCTURE, name, target, render_tfvars(spec, target, size))
    files |= _list_root(TENANTS, assets.asset("templates") / _TEMPLATES / TENANTS)
    reference = {
        "hostname": remote.hostname,
        "organization": remote.organization,
        "workspaces": {"name": remote.workspace},
    }
    files |= _render_workspace(TENANTS, name, _move_to_tenants(target, remote), {"infrastructure": reference})
    for path, text in folder.render_files(bundle).items():
        if path.startswith(("shared/", "tenants/")) or path == "secrets.json":
            files[f"{TENANTS}/manifests/{path}"] = text
        elif path.startswith("airflow/"):
            files[path] = text
    files["README.md"] = _render_readme(spec, target, remote, bundle)
    files[folder.MARKER] = "".join(f"{path}\n" for path in sorted(files))
    return dict(sorted(files.items()))


def name_tenants_workspace(remote: RemoteBackend) -> str:
    """Name the workspace of the tenants, which stands beside the one that the spec names."""
    return f"{remote.workspace}-{TENANTS}"


def _find_workspace(spec: model.Installation) -> tuple[gke.GkeTarget, RemoteBackend]:
    target = spec.target.gke
    if target is None:
        raise errors.UsageError(
            "Terraform Cloud runs are rendered for GKE clusters, and the spec has another target",
            hint="use `kpo-provision apply`, which needs Terraform for hosts alone and reaches them from where it runs",
        )
    if target.backend.remote is None:
        raise errors.UsageError(
            "the spec does not say which workspace of Terraform Cloud is meant",
            hint="set target.gke.backend.remote to an organization and a workspace",
        )
    return target, target.backend.remote


def _move_to_tenants(target: gke.GkeTarget, remote: RemoteBackend) -> gke.GkeTarget:
    moved = remote.model_copy(update={"workspace": name_tenants_workspace(remote)})
    return target.model_copy(update={"backend": target.backend.model_copy(update={"remote": moved})})


def _render_workspace(part: str, name: str, target: gke.GkeTarget, variables: Mapping[str, Any]) -> dict[str, str]:
    backend = render_backend(name, target.backend, base=Path())
    ignored = assets.asset("templates") / _TEMPLATES / "terraformignore"
    return {
        f"{part}/{_BACKEND_FILE}": _render_json({"terraform": backend}),
        f"{part}/{_VARIABLES_FILE}": _render_json(variables),
        f"{part}/.terraformignore": ignored.read_text(encoding="utf-8"),
    }


def _list_root(part: str, root: Path) -> Iterator[tuple[str, str]]:
    """Yield the files of a root and of the modules that it calls, and that those call."""
    found = {path.name: path.read_text(encoding="utf-8") for path in sorted(root.glob("*.tf"))}
    waiting, called = [*found.values()], set[str]()
    yield from ((f"{part}/{name}", text) for name, text in found.items())
    while waiting:
        for module in sorted(set(_CALL.findall(waiting.pop())) - called):
            called.add(module)
            for path in sorted(assets.asset("modules").joinpath(module).glob("*.tf")):
                text = path.read_text(encoding="utf-8")
                waiting.append(text)
                yield f"{part}/modules/{module}/{path.name}", text


def _render_readme(spec: model.Installation, target: gke.GkeTarget, remote: RemoteBackend, bundle: Bundle) -> str:
    return render_text(
        f"{_TEMPLATES}/README.md",
        installation=spec.metadata.name,
        target=target,
        remote=remote,
        tenants_workspace=name_tenants_workspace(remote),
        registries=sorted({gap.registry: gap.server for gap in bundle.secrets}.items()),
        tenants=len(bundle.tenants),
        few_tenants=FEW_TENANTS,
    )


def _render_json(value: object) -> str:
    return json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
