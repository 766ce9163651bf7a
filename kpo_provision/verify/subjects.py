"""What checks look at: the cluster, one of its pools, or one tenant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from kpo_provision.kube.api import Api
from kpo_provision.plan import Plan, PoolPlan, TenantPlan
from kpo_provision.verify.identities import Identities
from kpo_provision.verify.probe import Probe


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterSubject:
    """The cluster as a whole."""

    api: Api
    plan: Plan

    @property
    def release(self) -> str:
        """No tenant."""
        return ""

    @property
    def words(self) -> Mapping[str, str]:
        """Names for descriptions and hints."""
        return {"server": self.api.connection.server, "installation": self.plan.installation}


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolSubject:
    """One node pool."""

    api: Api
    pool: PoolPlan

    @property
    def release(self) -> str:
        """No tenant."""
        return ""

    @property
    def words(self) -> Mapping[str, str]:
        """Names for descriptions and hints."""
        return {"pool": self.pool.name}


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantSubject:
    """One tenant, with those who ask in its name and its probe pod; without an image to probe with it has none."""

    plan: Plan
    tenant: TenantPlan
    who: Identities
    probe: Probe | None

    @property
    def release(self) -> str:
        """The tenant."""
        return self.tenant.release

    @property
    def words(self) -> Mapping[str, str]:
        """Names for descriptions and hints."""
        tenant = self.tenant
        return {
            "tenant": tenant.release,
            "namespace": tenant.namespace,
            "worker": tenant.worker_account,
            "triggerer": tenant.triggerer_account,
            "pool": tenant.pool.name if tenant.pool else "none",
            "image": tenant.probe_image or "none",
            "secrets": ", ".join(registry.secret_name for registry in tenant.registries),
            "pod_security": tenant.pod_security,
        }
