"""The folder that Terraform runs in: the root and its modules, the variables of one spec, and where its state is.

What is written here says each time the same as the root and the spec; ``.terraform``, the lock file and a local state
are Terraform's own and stay. It holds no secret: backends and providers find their credentials themselves.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kpo_provision import errors
from kpo_provision.terraform.commands import VARIABLES_FILE
from kpo_provision.whole_files import PRIVATE, replace_file

BACKEND_FILE = "backend.tf.json"
IMPORTS_FILE = "imports.tf.json"
LOCK_FILE = ".terraform.lock.hcl"
MODULES = "modules"
IGNORE_FILE = ".terraformignore"
_IGNORED = """\
# Terraform Cloud is sent the configuration and nothing else.
*
!*.tf
!*.tf.json
!modules/**
!.terraform.lock.hcl
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """A folder that Terraform can run in."""

    folder: Path

    def declare_imports(self, ids: Mapping[str, str]) -> None:
        """Have the next plan import what exists and is not in the state: IDs by address, in place of earlier ones.

        Raises:
            errors.TerraformError: The folder cannot be written.
        """
        blocks = [{"to": address, "id": resource_id} for address, resource_id in sorted(ids.items())]
        with _translated(self.folder):
            _write_json(self.folder / IMPORTS_FILE, {"import": blocks})


def write_workspace(
    folder: Path,
    source: Path,
    *,
    variables: Mapping[str, Any],
    backend: Mapping[str, Any],
) -> Workspace:
    """Write a workspace, over what an earlier run wrote there.

    Args:
        folder: Where it is to be; Terraform's own files in it stay.
        source: Folder with the root's ``*.tf`` files, and its modules below ``modules``.
        variables: Values of the root's variables.
        backend: The ``terraform`` block that says where the state is.

    Raises:
        errors.TerraformError: The folder cannot be written, or the root cannot be read.
    """
    with _translated(folder):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _copy_root(source, folder)
        _write_json(folder / VARIABLES_FILE, variables)
        _write_json(folder / BACKEND_FILE, {"terraform": backend})
        replace_file(folder / IGNORE_FILE, _IGNORED.encode(), mode=PRIVATE)
    workspace = Workspace(folder=folder)
    workspace.declare_imports({})
    return workspace


@contextmanager
def _translated(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise errors.TerraformError(
            f"the workspace {folder} cannot be written: {error.filename or folder}: {error.strerror or error}",
            hint="make room or give way there, or choose another folder",
        ) from error


def _copy_root(source: Path, folder: Path) -> None:
    """Copy the root and its modules; what the root no longer has goes, and a lock file that is there is kept."""
    wanted = {path.relative_to(source): path for path in list_sources(source)}
    for stale in list_sources(folder):
        if stale.relative_to(folder) not in wanted:
            stale.unlink()
    for place, path in wanted.items():
        content, copy = path.read_bytes(), folder / place
        if not copy.is_file() or copy.read_bytes() != content:
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(content)
    if (source / LOCK_FILE).is_file() and not (folder / LOCK_FILE).exists():
        shutil.copyfile(source / LOCK_FILE, folder / LOCK_FILE)


def list_sources(folder: Path) -> list[Path]:
    """List a root's files and those of its modules, with the scripts that they run; tests are no part of it."""
    roots = [folder, *(folder / MODULES).glob("*")]
    return sorted(path for root in roots for pattern in ("*.tf", "scripts/*.sh") for path in root.glob(pattern))


def _write_json(path: Path, document: Mapping[str, Any]) -> None:
    text = json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    replace_file(path, text.encode(), mode=PRIVATE)
