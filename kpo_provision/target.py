"""The cluster that a spec is for: how it is found, and how its pools come to be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from kpo_provision import errors, local, pools
from kpo_provision.kube import api as kube_api
from kpo_provision.kube import connection, kubeconfig
from kpo_provision.plan import Plan, PoolPlan
from kpo_provision.progress import Progress
from kpo_provision.results import Action, Change
from kpo_provision.spec import model

OLDEST_KUBERNETES = (1, 30)
"""ValidatingAdmissionPolicy is GA from here on (KEP-3488)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenTarget:
    """A cluster that answers."""

    api: kube_api.Api
    description: str
    version: str
    docker_config: Path | None = None
    """Login for the local cluster's registry; None on any other cluster."""
    changes: tuple[Change, ...] = ()
    """What was done to the node pools."""


def open_target(spec: model.Installation, plan: Plan, *, environ: Mapping[str, str]) -> OpenTarget:
    """Connect to the cluster of ``spec`` without changing anything.

    Raises:
        errors.ClusterError: It cannot be reached or trusted, refuses the login, or is too old.
        errors.LocalClusterError: It is the local cluster, which does not run.
        errors.UsageError: It is a target that cannot be connected to.
    """
    _refuse_gke(spec)
    if spec.target.kubeconfig is not None:
        return _open_kubeconfig(spec.target.kubeconfig, plan)
    options = local.LocalOptions.from_environment(environ)
    running = local.read_cluster(options)
    if running is None:
        raise errors.LocalClusterError(
            "the local cluster does not run",
            hint="start it with `sudo kpo-provision local up`, or without root `kpo-provision local up --simulated`",
        )
    return _open_local(options, running, plan)


def prepare_target(
    spec: model.Installation, plan: Plan, *, environ: Mapping[str, str], progress: Progress
) -> OpenTarget:
    """Start the local cluster where that is the target, and make or mark the nodes of every pool."""
    _refuse_gke(spec)
    if spec.target.kubeconfig is not None:
        target = _open_kubeconfig(spec.target.kubeconfig, plan)
        return replace(target, changes=pools.label_nodes(target.api, plan.pools, progress=progress))
    options = local.LocalOptions.from_environment(environ)
    running = local.up(options, progress)
    phrases = local.ensure_pools(options, [_pool_node(pool) for pool in plan.pools], progress)
    changes = tuple(Change(action=Action.UPDATE, kind="Node", namespace="", name="", detail=text) for text in phrases)
    return replace(_open_local(options, running, plan), changes=changes)


def _refuse_gke(spec: model.Installation) -> None:
    if spec.target.gke is not None:
        raise errors.UsageError(
            "kpo-provision does not connect to the target gke yet",
            hint="`size` and `render` take this spec; to apply it, name the cluster under target.kubeconfig",
        )


def _open_kubeconfig(wanted: model.KubeconfigTarget, plan: Plan) -> OpenTarget:
    try:
        path = Path(wanted.path).expanduser() if wanted.path else None
    except RuntimeError as e:  # pathlib's word for a user whose home it does not find
        raise errors.UsageError(
            f"there is no kubeconfig at {wanted.path}: there is no such user", hint="mend target.kubeconfig.path"
        ) from e
    found = connection.connect(kubeconfig=path, context=wanted.context)
    return _open(found, plan, description=f"context {found.context} ({found.server})")


def _open_local(options: local.LocalOptions, running: local.LocalCluster, plan: Plan) -> OpenTarget:
    # Our own certificates are at hand: the official client, which reads kubeconfigs, takes a third of a second to load.
    pki = options.layout.pki
    login = kubeconfig.Login(
        server=running.server,
        context="kpo-local",
        ca_file=str(pki / "ca.crt"),
        cert_file=str(pki / "admin.crt"),
        key_file=str(pki / "admin.key"),
    )
    found = connection.connect_as(login)
    name = "simulated local cluster" if running.simulated else "local cluster"
    target = _open(found, plan, description=f"{name} ({running.server})")
    return replace(target, docker_config=running.docker_config)


def _open(found: connection.Connection, plan: Plan, *, description: str) -> OpenTarget:
    api = kube_api.Api(found)
    version = connection.require_version(api, minimum=OLDEST_KUBERNETES, declared=plan.kubernetes_version)
    return OpenTarget(api=api, description=description, version=version)


def _pool_node(pool: PoolPlan) -> local.PoolNode:
    taints = tuple((taint.key, taint.value, taint.effect) for taint in pool.taints)
    return local.PoolNode(pool=pool.name, labels=pool.labels, taints=taints)
