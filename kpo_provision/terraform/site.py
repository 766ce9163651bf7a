"""Where Terraform runs for one spec: the workspace beside it, and a driver that is ready to plan."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from kpo_provision import assets, errors
from kpo_provision.progress import Progress
from kpo_provision.render import tfvars
from kpo_provision.sizing.pools import InstallationSize
from kpo_provision.spec import model
from kpo_provision.terraform.binary import find_binary
from kpo_provision.terraform.driver import Driver
from kpo_provision.terraform.workspace import write_workspace

FOLDER = ".kpo-provision"
"""Beside the spec, with a workspace for each installation in it."""
_POOL = "module.gke_node_pool.google_container_node_pool.pool"


def open_gke(
    spec: model.Installation,
    size: InstallationSize,
    *,
    base: Path,
    environ: Mapping[str, str],
    progress: Progress,
    live: Mapping[str, str] | None = None,
) -> Driver:
    """Write the workspace of a GKE target and prepare Terraform in it; nothing is made yet.

    Args:
        spec: The spec.
        size: Its pools, sized.
        base: The folder of the spec.
        environ: Where the binary and the credentials are found.
        progress: Who is told.
        live: Names in GKE of pools that are there and ours, by their names in the spec. Those that the state does not
            know are imported; where it knows them, this is ignored.

    Raises:
        errors.UsageError: The target is another.
        errors.TerraformError: There is no binary to run, or providers or backend cannot be had.
    """
    target = spec.target.gke
    if target is None:
        raise errors.UsageError("Terraform makes node pools on GKE only", hint="set target.gke in the spec")
    binary = find_binary(target.terraform_bin, environ=environ)
    workspace = write_workspace(
        base.absolute() / FOLDER / spec.metadata.name,
        assets.asset("main.tf").parent,
        variables=tfvars.render_tfvars(spec, target, size),
        backend=tfvars.render_backend(spec, target.backend, base=base),
        imports={
            f'{_POOL}["{pool}"]': f"{target.project}/{target.location}/{target.cluster}/{name}"
            for pool, name in (live or {}).items()
            if pool in spec.node_pools
        },
    )
    driver = Driver(workspace, binary, environ=environ, progress=progress)
    driver.init()
    return driver
