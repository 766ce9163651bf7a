"""From a spec to the ``terraform`` block that says where the state is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kpo_provision.spec import backend, paths

_STATE_FILE = "terraform.tfstate"


def render_backend(installation: str, wanted: backend.Backend, *, base: Path) -> dict[str, Any]:
    """Render the ``terraform`` block that says where the state is; paths in the spec are relative to ``base``."""
    folder = f"kpo-provision/{installation}"
    if wanted.gcs is not None:
        return {"backend": {"gcs": {"bucket": wanted.gcs.bucket, "prefix": wanted.gcs.prefix or folder}}}
    if wanted.s3 is not None:
        key = wanted.s3.key or f"{folder}/{_STATE_FILE}"
        where = {"bucket": wanted.s3.bucket, "key": key, "region": wanted.s3.region}
        return {"backend": {"s3": {**where, "encrypt": True, "use_lockfile": True}}}
    if wanted.remote is not None:
        remote = wanted.remote
        workspaces = {"name": remote.workspace}
        return {
            "cloud": {"hostname": remote.hostname, "organization": remote.organization, "workspaces": workspaces},
        }
    own = wanted.local.path if wanted.local is not None else None
    path = str(paths.resolve_path(own, base=base.absolute())) if own else _STATE_FILE
    return {"backend": {"local": {"path": path}}}
