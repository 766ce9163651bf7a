"""Reads from an archive of images how they are called: an OCI layout, or what ``docker save`` writes."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

from kpo_provision import errors

_NAMES = ("io.containerd.image.name", "org.opencontainers.image.ref.name")


def read_image_names(path: Path) -> tuple[str, ...]:
    """Return the names of the images in an archive, by which pods ask for them.

    Raises:
        errors.UsageError: It is no archive of images, or they have no names.
    """
    try:
        with tarfile.open(path) as tar:
            found = _read_names(tar)
    except (OSError, tarfile.TarError, ValueError, KeyError, TypeError) as error:
        raise errors.UsageError(
            f"{path} is no archive of images: {error}",
            hint="write one with `ctr images export`, `docker save` or `skopeo copy`",
        ) from error
    if not found:
        raise errors.UsageError(
            f"the images in {path} have no names, by which pods could ask for them",
            hint="export them by name and tag: ctr images export FILE registry.acme.io/tasks:1",
        )
    return tuple(sorted(found))


def _read_names(tar: tarfile.TarFile) -> set[str]:
    members = set(tar.getnames())
    found: set[str] = set()
    if "manifest.json" in members:
        for image in json.loads(_read(tar, "manifest.json")):
            found |= set(image.get("RepoTags") or ())
    if "index.json" in members:
        for manifest in json.loads(_read(tar, "index.json")).get("manifests", ()):
            notes = manifest.get("annotations") or {}
            named = [notes[name] for name in _NAMES if "/" in notes.get(name, "")]
            found |= set(named[:1])
    return found


def _read(tar: tarfile.TarFile, name: str) -> bytes:
    source = tar.extractfile(name)
    if source is None:
        raise ValueError(f"{name} is no file")
    return source.read()
