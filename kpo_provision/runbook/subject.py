"""What a runbook is about: a spec and all that follows from it, and the few facts that most of its pages want."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from kpo_provision.plan import Plan, PoolPlan, TenantPlan
from kpo_provision.render.bundle import Bundle
from kpo_provision.sizing.pools import InstallationSize
from kpo_provision.spec import model


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A spec, decided; ``size`` where the spec says what the nodes are. ``file`` is the name of the spec's file."""

    file: str
    sha256: str
    spec: model.Installation
    plan: Plan
    bundle: Bundle
    size: InstallationSize | None
    tool_version: str

    @property
    def name(self) -> str:
        """The installation's name."""
        return self.plan.installation

    @cached_property
    def kind(self) -> str:
        """Which kind of target it is, as the spec calls it."""
        target = self.spec.target
        if target.gke is not None:
            return "gke"
        if target.self_hosted is not None:
            return "selfHosted"
        return "kubeconfig" if target.kubeconfig is not None else "local"

    @cached_property
    def cluster(self) -> str:
        """What to call the cluster."""
        target = self.spec.target
        if target.gke is not None:
            return f"GKE cluster {target.gke.project}/{target.gke.location}/{target.gke.cluster}"
        reached = target.self_hosted or target.kubeconfig
        if reached is None:
            return "the local cluster of the machine that installs"
        return f"context {reached.context}" if reached.context else "the kubeconfig's current context"

    @property
    def version(self) -> str:
        """The cluster's Kubernetes version."""
        major, minor = self.plan.kubernetes_version
        return f"{major}.{minor}"

    @property
    def makes_pools(self) -> bool:
        """Whether Terraform makes the node pools."""
        return self.kind in ("gke", "selfHosted")

    @property
    def has_hosts(self) -> bool:
        """Whether hosts join over SSH."""
        return any(pool.hosts for pool in self.spec.node_pools.values())

    @property
    def has_instances(self) -> bool:
        """Whether EC2 instances join by themselves."""
        return any(pool.ec2 for pool in self.spec.node_pools.values())

    @property
    def needs_account(self) -> bool:
        """Whether whoever installs is given rights in a cluster that others made."""
        return self.kind == "kubeconfig"

    @cached_property
    def marked_pools(self) -> tuple[PoolPlan, ...]:
        """Pools on whose nodes ``apply`` puts label and taints."""
        return tuple(pool for pool in self.plan.pools if pool.node_selector)

    @cached_property
    def launching(self) -> tuple[TenantPlan, ...]:
        """Tenants that may launch pods."""
        return tuple(tenant for tenant in self.plan.tenants if tenant.may_launch)

    @cached_property
    def object_count(self) -> int:
        """How many objects there are to be: manifests, and the registry secrets that no rendered file holds."""
        tenants = self.bundle.tenants
        return len(self.bundle.shared) + sum(len(each.manifests) + len(each.secrets) for each in tenants)

    def tenants_of(self, pool: PoolPlan | None) -> tuple[TenantPlan, ...]:
        """Return the tenants of a pool, or those of none."""
        return tuple(tenant for tenant in self.plan.tenants if tenant.pool == pool)
