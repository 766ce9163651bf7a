"""A bundle as a folder: one file an object, to be reviewed and committed, or applied by Flux, Argo CD and kubectl.

The folder is replaced as a whole or not at all, and only if everything in it was written here. It holds no secret;
``secrets.json`` names those that have to exist beside it.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

import yaml

from kpo_provision import errors
from kpo_provision.render import airflow
from kpo_provision.render.bundle import Bundle, Manifest, TenantBundle

MARKER = ".kpo-provision"
"""File that lists all others in the folder; what it does not list is somebody else's."""

_HEADER = "# Rendered by kpo-provision. Change the spec, not this file.\n"
_Dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


class _BlockDumper(_Dumper):  # type: ignore[misc, valid-type]
    """Writes text of several lines as a block, as a person would."""


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_BlockDumper.add_representer(str, _represent_text)


def write_bundle(bundle: Bundle, out: Path) -> tuple[Path, ...]:
    """Write ``bundle`` to the folder ``out``, in place of what an earlier run wrote there.

    Raises:
        errors.UsageError: ``out`` holds something else, or cannot be written.
    """
    return write_files(render_files(bundle), out)


def write_files(files: dict[str, str], out: Path, *, kept: Sequence[str] = ()) -> tuple[Path, ...]:
    """Write files by their path to the folder ``out``, in place of what an earlier run wrote there.

    ``kept`` are files and folders that may be there beside them, and stay.

    Raises:
        errors.UsageError: ``out`` holds something else, or cannot be written.
    """
    out = out.resolve()
    try:
        _check_replaceable(out, kept)
        _replace_folder(out, files, kept)
    except OSError as error:
        raise errors.UsageError(
            f"the bundle cannot be written to {out}: {error.filename or out}: {error.strerror}",
            hint="make room or give way there, or choose another folder with --out",
        ) from error
    return tuple(out / name for name in files)


def render_files(bundle: Bundle) -> dict[str, str]:
    """Render every file of the folder, by its path in it, sorted."""
    shared = _name_files("shared", bundle.shared)
    tenants = {tenant.plan.release: _name_files(_tenant_folder(tenant), tenant.manifests) for tenant in bundle.tenants}
    applied = {**shared, **{path: manifest for files in tenants.values() for path, manifest in files.items()}}
    files = {path: render_yaml(manifest) for path, manifest in applied.items()}
    files["kustomization.yaml"] = render_yaml(_render_kustomization(applied))
    files["secrets.json"] = _render_json(_render_gaps(bundle))
    for tenant in bundle.tenants:
        files |= _render_airflow(tenant)
    files[MARKER] = "".join(f"{path}\n" for path in sorted(files))
    return dict(sorted(files.items()))


def render_yaml(manifest: Manifest) -> str:
    """Render one object as the text of its file."""
    return _HEADER + dump_yaml(manifest)


def dump_yaml(value: object) -> str:
    """Write a value as YAML, keys in their order and text of several lines as a block."""
    return yaml.dump(
        value, Dumper=_BlockDumper, sort_keys=False, allow_unicode=True, default_flow_style=False, width=120
    )


def _tenant_folder(tenant: TenantBundle) -> str:
    return f"tenants/{tenant.plan.release}"


def _name_files(folder: str, manifests: Iterable[Manifest]) -> dict[str, Manifest]:
    return {f"{folder}/{m['kind'].lower()}-{m['metadata']['name']}.yaml": m for m in manifests}


def _render_kustomization(paths: Iterable[str]) -> Manifest:
    return {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        # A tenant's fences come before the bindings that let Airflow in.
        "sortOptions": {"order": "fifo"},
        "resources": list(paths),
    }


def _render_gaps(bundle: Bundle) -> list[dict[str, str]]:
    return [
        {
            "namespace": gap.namespace,
            "name": gap.name,
            "type": "kubernetes.io/dockerconfigjson",
            "registry": gap.registry,
            "server": gap.server,
        }
        for gap in bundle.secrets
    ]


def _render_airflow(tenant: TenantBundle) -> dict[str, str]:
    folder = f"airflow/{tenant.plan.release}"
    files = {f"{folder}/connection.json": _render_json(airflow.render_connection(tenant.plan))}
    template = airflow.render_pod_template(tenant.plan)
    if template is not None:
        files[f"{folder}/pod-template.yaml"] = render_yaml(template)
    return files


def _render_json(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def _check_replaceable(out: Path, kept: Sequence[str]) -> None:
    if not out.exists():
        return
    if not out.is_dir():
        raise errors.UsageError(f"{out} is a file", hint="give --out a folder")
    found = {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_symlink() or not path.is_dir()}
    listed = set((out / MARKER).read_text().splitlines()) | {MARKER} if MARKER in found else set()
    own = tuple(f"{name}/" for name in kept)
    foreign = sorted(path for path in found - listed - set(kept) if not path.startswith(own))
    if foreign:
        raise errors.UsageError(
            f"{out} holds {len(foreign)} file(s) that kpo-provision did not render, such as {foreign[0]}",
            hint="move them, or choose another folder with --out",
        )


def _replace_folder(out: Path, files: dict[str, str], kept: Sequence[str]) -> None:
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{out.name}-", dir=out.parent) as scratch:
        new, old = Path(scratch, "new"), Path(scratch, "old")
        for name, text in files.items():
            path = new / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        if out.exists():
            out.rename(old)
        try:
            new.rename(out)
        except OSError:
            if old.exists():
                old.rename(out)
            raise
        for name in kept:
            if (old / name).exists():
                (old / name).rename(out / name)
