"""What is in a bundle: values, and the JSON and the table in which a bundle says it of itself. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

SCHEMA = "kpo-provision/bundle/v1"
MANIFEST = "manifest.json"
INSTALL_TABLE = "install.tsv"
"""What a host installs, for bash: a line a file, with its place in the bundle, on the host, and its mode."""
IMAGES = "images"
FOLDERS = {
    "bin": "/usr/local/bin",
    "cni": "/opt/cni/bin",
    "units": "/etc/systemd/system",
    IMAGES: None,
}
"""Folders in a bundle, and where a host has what is in them; images are containerd's to keep."""
_PATH = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]*(/[A-Za-z0-9][A-Za-z0-9._@+-]*)+")


class MalformedError(Exception):
    """A manifest is not as this version writes it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BundledFile:
    """One file. ``target`` is where a host has it, empty for an image; ``names`` are those of an image."""

    path: str
    sha256: str
    size: int
    target: str = ""
    mode: int = 0o644
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What a project released, of which a bundle has programs. ``version`` is without a ``v``."""

    name: str
    version: str
    licence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """A bundle, by what it says of itself. Versions are without a ``v``; ``sha256`` is that of the whole file."""

    architecture: str
    kubernetes: str
    containerd: str
    files: tuple[BundledFile, ...]
    parts: tuple[Part, ...] = ()
    sha256: str = ""
    size: int = 0

    @property
    def programs(self) -> tuple[str, ...]:
        """Names of the programs that a host finds on its PATH afterwards."""
        return tuple(sorted(file.path.removeprefix("bin/") for file in self.files if file.path.startswith("bin/")))

    @property
    def images(self) -> tuple[str, ...]:
        """Names of the images."""
        return tuple(sorted(name for file in self.files for name in file.names))


def render_manifest(bundle: Bundle) -> str:
    """Write what a bundle says of itself."""
    document = {
        "schema": SCHEMA,
        "architecture": bundle.architecture,
        "kubernetes": bundle.kubernetes,
        "containerd": bundle.containerd,
        "parts": [asdict(part) for part in bundle.parts],
        "files": [describe_file(file) for file in bundle.files],
    }
    return json.dumps(document, indent=2) + "\n"


def is_safe_path(path: str) -> bool:
    """Whether a file may have this place in a bundle: such that a host's shell and tar take it for what it is."""
    return bool(_PATH.fullmatch(path)) and path.partition("/")[0] in FOLDERS


def place_on_host(path: str) -> str:
    """Where a host has a file, empty for an image."""
    folder, _, name = path.partition("/")
    return f"{place}/{name}" if (place := FOLDERS[folder]) else ""


def describe_file(file: BundledFile) -> dict[str, Any]:
    """Return a file as plain values; what it does not have is left out."""
    document: dict[str, Any] = {"path": file.path, "sha256": file.sha256, "size": file.size}
    if file.target:
        document |= {"target": file.target, "mode": f"{file.mode:04o}"}
    if file.names:
        document["names"] = list(file.names)
    return document


def render_install_table(files: Sequence[BundledFile]) -> str:
    """Write what a host installs; an image, which has no place on it, has a hyphen for one."""
    return "".join(f"{file.path}\t{file.target or '-'}\t{file.mode:o}\n" for file in files)


def parse_manifest(text: str) -> Bundle:
    """Read what a bundle says of itself.

    Raises:
        MalformedError: It is not a manifest that this version knows.
    """
    try:
        document = json.loads(text)
        if document["schema"] != SCHEMA:
            raise MalformedError(f"its schema is {document['schema']}, and this version reads {SCHEMA}")
        return Bundle(
            architecture=str(document["architecture"]),
            kubernetes=str(document["kubernetes"]),
            containerd=str(document["containerd"]),
            files=tuple(_parse_file(each) for each in document["files"]),
            parts=tuple(
                Part(name=str(each["name"]), version=str(each["version"]), licence=str(each["licence"]))
                for each in document["parts"]
            ),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise MalformedError(f"its manifest is not as it should be: {type(error).__name__}: {error}") from error


def _parse_file(document: Mapping[str, Any]) -> BundledFile:
    file = BundledFile(
        path=str(document["path"]),
        sha256=str(document["sha256"]),
        size=int(document["size"]),
        target=str(document.get("target", "")),
        mode=int(document.get("mode", "0644"), 8),
        names=tuple(map(str, document.get("names", ()))),
    )
    if not is_safe_path(file.path) or file.target != place_on_host(file.path):
        raise MalformedError(f"it would put {file.path!r} at {file.target!r} on a host, where nothing of it belongs")
    return file
