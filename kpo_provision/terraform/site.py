"""Where Terraform runs for one spec: the workspace beside it, a driver that is ready to plan, and addresses in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from kpo_provision import assets, errors
from kpo_provision.file_lock import hold_lock
from kpo_provision.progress import Progress
from kpo_provision.render.backend import render_backend
from kpo_provision.spec import gke, self_hosted
from kpo_provision.terraform import readiness
from kpo_provision.terraform.binary import Binary, find_binary, find_program
from kpo_provision.terraform.driver import Driver
from kpo_provision.terraform.timeouts import Timeouts
from kpo_provision.terraform.workspace import write_workspace

FOLDER = ".kpo-provision"
"""Beside the spec, with a workspace for each installation in it; none of it is for Git, and it says so itself."""
POOL_TYPE = "google_container_node_pool"
CLUSTER_TYPE = "google_container_cluster"
CLUSTER_ADDRESS = "module.gke_cluster.google_container_cluster.cluster[0]"
SYSTEM_POOL_ADDRESS = "module.gke_cluster.google_container_node_pool.system[0]"
_POOLS = "module.gke_node_pool.google_container_node_pool.pool"
HOST_TYPE = "terraform_data"
GROUP_TYPE = "aws_autoscaling_group"
TEMPLATE_TYPE = "aws_launch_template"
EC2_PART = "ec2"
"""Below the workspace of an installation: that of its EC2 pools."""
_CHECKS_BASTIONS = (1, 15)
_LOCK = "lock"
_NOTHING_SECRET = {"join_token": "none", "kubelet_logins": "", "looked_at": "0"}
"""For a plan, which asks for the ephemeral variables of the hosts' module and does not keep them."""
_PATIENCE_S = 1800
"""How long to wait for a lock that goes with the process that holds it: it is a run that still works."""


def address_pool(key: str) -> str:
    """Return the address of a pool, by its name in the spec."""
    return f'{_POOLS}["{key}"]'


def address_retired(name: str) -> str:
    """Return the address of a pool that no spec has any more, by its name in GKE: the next plan deletes it."""
    return address_pool(f"{name} (old)")


def identify_cluster(target: gke.GkeTarget) -> str:
    """Return the ID by which Terraform imports the cluster."""
    return f"{target.project}/{target.location}/{target.cluster}"


def identify_pool(target: gke.GkeTarget, name: str) -> str:
    """Return the ID by which Terraform imports a pool, by its name in GKE."""
    return f"{identify_cluster(target)}/{name}"


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """Where Terraform runs for an installation, and who is told.

    ``base`` is the folder of the spec; in ``environ`` the binary and the credentials are found.
    """

    installation: str
    base: Path
    environ: Mapping[str, str]
    progress: Progress


def open_gke(where: Where, target: gke.GkeTarget, variables: Mapping[str, Any]) -> Driver:
    """Write the workspace of a GKE target and prepare Terraform in it; nothing is made yet.

    Raises:
        errors.TerraformError: There is no binary to run, or providers or backend cannot be had.
    """
    return _open(where, target, assets.asset("main.tf").parent, variables)


def open_self_hosted(where: Where, target: self_hosted.SelfHostedTarget, variables: Mapping[str, Any]) -> Driver:
    """Do the same for a target of hosts, whose root is their module alone: it needs no provider."""
    root = assets.asset("modules") / "self-hosted-node-pool"
    if target.ssh.bastion is not None:
        _require_bastion_keys(find_binary(target.terraform_bin, environ=where.environ))
    return _open(where, target, root, variables, ephemeral=_NOTHING_SECRET)


def open_ec2(where: Where, target: self_hosted.SelfHostedTarget, variables: Mapping[str, Any]) -> Driver:
    """Do the same for the pools of EC2 instances of such a target, whose state is their own."""
    root = assets.asset("modules") / "self-hosted-ec2-pool"
    # Whose provider has no settings in a root that is a module, and finds them here.
    environ = {**where.environ, "AWS_REGION": str(variables["region"])}
    return _open(replace(where, environ=environ), target, root, variables, part=EC2_PART)


def _require_bastion_keys(binary: Binary) -> None:
    """Refuse a Terraform that holds a bastion against the key of the host behind it (hashicorp/terraform#38318)."""
    if binary.product == "Terraform" and binary.release < _CHECKS_BASTIONS:
        raise errors.TerraformError(
            f"{binary.path} is Terraform {binary.version}, which cannot check the key of a bastion "
            "(hashicorp/terraform#38318)",
            hint="use 1.15 or later, or run kpo-provision where the hosts can be reached and leave out ssh.bastion",
        )


def _open(
    where: Where,
    target: gke.GkeTarget | self_hosted.SelfHostedTarget,
    root: Path,
    variables: Mapping[str, Any],
    *,
    ephemeral: Mapping[str, str] | None = None,
    part: str = "",
) -> Driver:
    environ = where.environ
    program = find_program(target.terraform_bin, environ=environ)
    workspace = write_workspace(
        where.base.absolute() / FOLDER / where.installation / part,
        root,
        variables=variables,
        backend=render_backend(where.installation, target.backend, base=where.base, part=part),
    )
    remembered = readiness.recall(workspace.folder, program, environ=environ)
    binary = remembered or find_binary(str(program), environ=environ)
    is_local = target.backend.local is not None
    timeouts = Timeouts(lock_s=_PATIENCE_S) if is_local else Timeouts()
    driver = Driver(workspace, binary, environ=environ, progress=where.progress, timeouts=timeouts, ephemeral=ephemeral)
    if remembered is None:
        driver.init()
        readiness.remember(workspace.folder, binary, environ=environ)
    return driver
