"""Any cluster that a kubeconfig context reaches; ``apply`` labels and taints the nodes of its pools."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from kpo_provision import pools
from kpo_provision.kube import connection
from kpo_provision.plan import Plan
from kpo_provision.progress import Progress
from kpo_provision.spec import kubeconfig, paths
from kpo_provision.target.opened import OpenTarget, open_connection
from kpo_provision.target.standing import StandingTarget


class KubeconfigTarget(StandingTarget):
    """A cluster that exists already."""

    def __init__(self, wanted: kubeconfig.KubeconfigTarget, plan: Plan) -> None:
        self._wanted = wanted
        self._plan = plan

    @property
    def description(self) -> str:
        """The context, as far as the spec names it."""
        return f"context {self._wanted.context}" if self._wanted.context else "the current context"

    def open(self) -> OpenTarget:
        """Connect with the kubeconfig."""
        path = paths.resolve_path(self._wanted.path, base=Path()) if self._wanted.path else None
        found = connection.connect(kubeconfig=path, context=self._wanted.context)
        return open_connection(found, self._plan, description=f"context {found.context} ({found.server})")

    def apply(self, *, progress: Progress) -> OpenTarget:
        """Connect, and mark the nodes of every pool."""
        target = self.open()
        return replace(target, changes=pools.label_nodes(target.api, self._plan.pools, progress=progress))
