"""Every check there is, in the order in which they are run.

A tenant's probe pod is launched early and looked at late: while its image is pulled, the rest is checked.
"""

from __future__ import annotations

from kpo_provision.verify.checks import cluster, network, pools, probe, rbac, registry, tenant

CLUSTER_CHECKS = cluster.CHECKS
POOL_CHECKS = pools.CHECKS
TENANT_CHECKS = (
    tenant.NAMESPACE,
    probe.LAUNCH,
    *tenant.SETTINGS,
    *registry.CHECKS,
    *rbac.CHECKS,
    *probe.LIFE,
    *network.CHECKS,
    probe.DELETE,
)
CATEGORIES = ("cluster", "pool", "tenant", "registry", "rbac", "probe", "network")
"""In the order in which results are listed."""


def all_ids() -> tuple[str, ...]:
    """Return the id of every check."""
    ids = [check.id for check in CLUSTER_CHECKS]
    return (*ids, *(check.id for check in POOL_CHECKS), *(check.id for check in TENANT_CHECKS))
