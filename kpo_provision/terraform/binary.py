"""Finds the binary, and says which it is: Terraform or OpenTofu, in a version that the modules were written for."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from kpo_provision import errors

OLDEST, FIRST_UNKNOWN = (1, 9), (2, 0)
"""What ``required_version`` of the modules says."""
_TIMEOUT_S = 30
_INSTALL = "install Terraform (developer.hashicorp.com/terraform/install), or name another binary with --terraform-bin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Binary:
    """A binary that can be used."""

    path: Path
    product: str
    version: str

    @property
    def release(self) -> tuple[int, int]:
        """Major and minor version."""
        return _parse_minor(self.version)


def find_binary(name: str, *, environ: Mapping[str, str]) -> Binary:
    """Find a binary on the path, or at its path, and ask for its version.

    Raises:
        errors.TerraformError: It is not there, does not run, or is too old or too new.
    """
    path = find_program(name, environ=environ)
    product, version = _ask(path, environ)
    if not OLDEST <= _parse_minor(version) < FIRST_UNKNOWN:
        raise errors.TerraformError(
            f"{path} is {product} {version}, and the modules need 1.9 or later and less than 2.0",
            hint=_INSTALL,
        )
    return Binary(path=path, product=product, version=version)


def find_program(name: str, *, environ: Mapping[str, str]) -> Path:
    """Find a program on the path, or at its path.

    Raises:
        errors.TerraformError: It is not there.
    """
    found = shutil.which(name, path=environ.get("PATH"))
    if found is None:
        raise errors.TerraformError(f"there is no program {name} on the PATH", hint=_INSTALL)
    return Path(found).absolute()


def _ask(path: Path, environ: Mapping[str, str]) -> tuple[str, str]:
    """Ask a binary for its name and version."""
    environ = {**environ, "CHECKPOINT_DISABLE": "1"}
    try:
        first = _capture([str(path), "version"], environ)
        document = json.loads(_capture([str(path), "version", "-json"], environ))
        version = str(document["terraform_version"])
    except (OSError, subprocess.SubprocessError, ValueError, KeyError, TypeError) as error:
        raise errors.TerraformError(
            f"{path} does not say its version, so it is neither Terraform nor OpenTofu: {errors.clip(str(error))}",
            hint=_INSTALL,
        ) from error
    return ("OpenTofu" if "OpenTofu" in first else "Terraform"), version


def _capture(argv: list[str], environ: Mapping[str, str]) -> str:
    finished = subprocess.run(argv, env=dict(environ), capture_output=True, text=True, check=True, timeout=_TIMEOUT_S)
    return finished.stdout


def _parse_minor(version: str) -> tuple[int, int]:
    shape = re.match(r"(\d+)\.(\d+)", version)
    return (int(shape[1]), int(shape[2])) if shape else (0, 0)
