"""From a spec to the ``terraform`` block that says where the state is."""

from __future__ import annotations

from pathlib import Path, PurePath, PurePosixPath
from typing import Any

from kpo_provision.spec import backend, paths

_STATE_FILE = "terraform.tfstate"


def render_backend(installation: str, wanted: backend.Backend, *, base: Path, part: str = "") -> dict[str, Any]:
    """Render the ``terraform`` block that says where the state is; paths in the spec are relative to ``base``.

    ``part`` is a folder beside that place, for what has a state of its own.
    """
    folder = f"kpo-provision/{installation}"
    if wanted.gcs is not None:
        prefix = str(PurePosixPath(wanted.gcs.prefix or folder) / part)
        return {"backend": {"gcs": {"bucket": wanted.gcs.bucket, "prefix": prefix}}}
    if wanted.s3 is not None:
        key = _put_below(PurePosixPath(wanted.s3.key or f"{folder}/{_STATE_FILE}"), part)
        where = {"bucket": wanted.s3.bucket, "key": key, "region": wanted.s3.region}
        return {"backend": {"s3": {**where, "encrypt": True, "use_lockfile": True}}}
    if wanted.remote is not None:
        remote = wanted.remote
        workspaces = {"name": remote.workspace}
        return {
            "cloud": {"hostname": remote.hostname, "organization": remote.organization, "workspaces": workspaces},
        }
    own = wanted.local.path if wanted.local is not None else None
    path = _put_below(paths.resolve_path(own, base=base.absolute()), part) if own else _STATE_FILE
    return {"backend": {"local": {"path": path}}}


def _put_below(file: PurePath, part: str) -> str:
    return str(file.parent / part / file.name)
