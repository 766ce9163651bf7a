"""The local cluster, which ``apply`` starts, with a node for every pool."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from kpo_provision import errors, local
from kpo_provision.kube import connection, kubeconfig
from kpo_provision.plan import Plan, PoolPlan
from kpo_provision.progress import Progress
from kpo_provision.results import Action, Change
from kpo_provision.target.opened import OpenTarget, open_connection
from kpo_provision.target.standing import StandingTarget


class EmbeddedTarget(StandingTarget):
    """The real Kubernetes on this machine, or its simulated form."""

    description = "local cluster"

    def __init__(self, plan: Plan, *, environ: Mapping[str, str]) -> None:
        self._plan = plan
        self._options = local.LocalOptions.from_environment(environ)

    def open(self) -> OpenTarget:
        """Connect to the cluster, if it runs."""
        running = local.read_cluster(self._options)
        if running is None:
            raise errors.LocalClusterError(
                "the local cluster does not run",
                hint="start it with `sudo kpo-provision local up`, or without root "
                "`kpo-provision local up --simulated`",
            )
        return self._connect(running)

    def apply(self, *, progress: Progress) -> OpenTarget:
        """Start the cluster, and make or mark the nodes of every pool."""
        running = local.up(self._options, progress)
        phrases = local.ensure_pools(self._options, [_pool_node(pool) for pool in self._plan.pools], progress)
        changes = tuple(
            Change(action=Action.UPDATE, kind="Node", namespace="", name="", detail=text) for text in phrases
        )
        return replace(self._connect(running), changes=changes)

    def _connect(self, running: local.LocalCluster) -> OpenTarget:
        # Our own certificates are at hand: the official client, which reads kubeconfigs, takes a third of a second to
        # load.
        pki = self._options.layout.pki
        login = kubeconfig.Login(
            server=running.server,
            context="kpo-local",
            ca_file=str(pki / "ca.crt"),
            cert_file=str(pki / "admin.crt"),
            key_file=str(pki / "admin.key"),
        )
        name = "simulated local cluster" if running.simulated else "local cluster"
        found = connection.connect_as(login)
        target = open_connection(found, self._plan, description=f"{name} ({running.server})")
        return replace(target, docker_config=running.docker_config)


def _pool_node(pool: PoolPlan) -> local.PoolNode:
    taints = tuple((taint.key, taint.value, taint.effect) for taint in pool.taints)
    return local.PoolNode(pool=pool.name, labels=pool.labels, taints=taints)
