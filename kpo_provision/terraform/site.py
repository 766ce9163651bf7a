"""Where Terraform runs for one spec: the workspace beside it, a driver that is ready to plan, and addresses in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from kpo_provision import assets, errors
from kpo_provision.file_lock import hold_lock
from kpo_provision.progress import Progress
from kpo_provision.render import tfvars
from kpo_provision.spec import gke
from kpo_provision.terraform import readiness
from kpo_provision.terraform.binary import find_binary, find_program
from kpo_provision.terraform.driver import Driver
from kpo_provision.terraform.timeouts import Timeouts
from kpo_provision.terraform.workspace import write_workspace

FOLDER = ".kpo-provision"
"""Beside the spec, with a workspace for each installation in it; none of it is for Git, and it says so itself."""
POOL_TYPE = "google_container_node_pool"
CLUSTER_TYPE = "google_container_cluster"
CLUSTER_ADDRESS = "module.gke_cluster.google_container_cluster.cluster[0]"
_POOLS = "module.gke_node_pool.google_container_node_pool.pool"
_LOCK = "lock"
_PATIENCE_S = 1800
"""How long to wait for a lock that goes with the process that holds it: it is a run that still works."""


def address_pool(key: str) -> str:
    """Return the address of a pool, by its name in the spec."""
    return f'{_POOLS}["{key}"]'


def address_retired(name: str) -> str:
    """Return the address of a pool that no spec has any more, by its name in GKE: the next plan deletes it."""
    return address_pool(f"{name} (old)")


def identify_pool(target: gke.GkeTarget, name: str) -> str:
    """Return the ID by which Terraform imports a pool, by its name in GKE."""
    return f"{target.project}/{target.location}/{target.cluster}/{name}"


@contextmanager
def hold_workspace(name: str, *, base: Path, progress: Progress) -> Iterator[None]:
    """Let no other command work in the workspace of an installation: the plan that is shown is the one that is applied.

    Raises:
        errors.TerraformError: The folder cannot be written.
    """
    with ExitStack() as held:
        folder = base.absolute() / FOLDER
        try:
            held.enter_context(hold_lock(folder / name / _LOCK, whose=f"the node pools of {name}", progress=progress))
            folder.joinpath(".gitignore").write_text("*\n", encoding="utf-8")
        except OSError as error:
            raise errors.TerraformError(
                f"{folder} cannot be written: {error.strerror}", hint="make room or give way there, or move the spec"
            ) from error
        yield


def open_gke(
    name: str,
    target: gke.GkeTarget,
    variables: Mapping[str, Any],
    *,
    base: Path,
    environ: Mapping[str, str],
    progress: Progress,
) -> Driver:
    """Write the workspace of a GKE target and prepare Terraform in it; nothing is made yet.

    Args:
        name: The installation.
        target: Its target.
        variables: Values of the root's variables.
        base: The folder of the spec.
        environ: Where the binary and the credentials are found.
        progress: Who is told.

    Raises:
        errors.TerraformError: There is no binary to run, or providers or backend cannot be had.
    """
    program = find_program(target.terraform_bin, environ=environ)
    workspace = write_workspace(
        base.absolute() / FOLDER / name,
        assets.asset("main.tf").parent,
        variables=variables,
        backend=tfvars.render_backend(name, target.backend, base=base),
    )
    remembered = readiness.recall(workspace.folder, program, environ=environ)
    binary = remembered or find_binary(str(program), environ=environ)
    is_local = target.backend.local is not None
    timeouts = Timeouts(lock_s=_PATIENCE_S) if is_local else Timeouts()
    driver = Driver(workspace, binary, environ=environ, progress=progress, timeouts=timeouts)
    if remembered is None:
        driver.init()
        readiness.remember(workspace.folder, binary, environ=environ)
    return driver
