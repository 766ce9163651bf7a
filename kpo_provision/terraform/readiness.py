"""Remembers that a workspace is ready to plan, so that Terraform is asked for its version and prepared only once.

What it goes by is all that ``init`` depends on. Whatever fails afterwards forgets it, and the next run prepares anew.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from kpo_provision.terraform.binary import Binary
from kpo_provision.terraform.workspace import BACKEND_FILE, LOCK_FILE, list_sources
from kpo_provision.whole_files import PRIVATE, replace_file

_FILE = "ready.json"
_DATA = ".terraform"
"""What ``init`` fills."""
_CONFIG = "TF_CLI_CONFIG_FILE"
_SETTINGS = ("TF_DATA_DIR", "TF_PLUGIN_CACHE_DIR", "TF_WORKSPACE")
"""What else in the environment changes where ``init`` gets and puts things. No token is among them."""


def recall(folder: Path, program: Path, *, environ: Mapping[str, str]) -> Binary | None:
    """Return the binary with which the workspace was prepared; None where something is different now."""
    try:
        remembered = json.loads((folder / _FILE).read_text(encoding="utf-8"))
        if not (folder / _DATA).is_dir() or remembered["fingerprint"] != _fingerprint(folder, program, environ):
            return None
        return Binary(path=program, product=remembered["product"], version=remembered["version"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def remember(folder: Path, binary: Binary, *, environ: Mapping[str, str]) -> None:
    """Note that the workspace was prepared with this binary; a folder that cannot be written costs only time."""
    known = {
        "fingerprint": _fingerprint(folder, binary.path, environ),
        "product": binary.product,
        "version": binary.version,
    }
    try:
        replace_file(folder / _FILE, json.dumps(known).encode(), mode=PRIVATE)
    except OSError:
        forget(folder)


def forget(folder: Path) -> None:
    """Have the next run prepare the workspace anew."""
    (folder / _FILE).unlink(missing_ok=True)


def _fingerprint(folder: Path, program: Path, environ: Mapping[str, str]) -> str:
    digest = hashlib.sha256()
    for part in _list_parts(folder, program, environ):
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()


def _list_parts(folder: Path, program: Path, environ: Mapping[str, str]) -> Iterator[bytes]:
    status = program.stat()
    yield f"{program} {status.st_size} {status.st_mtime_ns}".encode()
    yield from (f"{name}={environ.get(name)}".encode() for name in (_CONFIG, *_SETTINGS))
    settings = [Path(environ[_CONFIG])] if environ.get(_CONFIG) else []
    for path in [*list_sources(folder), folder / BACKEND_FILE, folder / LOCK_FILE, *settings]:
        if path.is_file():
            yield str(path).encode()
            yield path.read_bytes()
