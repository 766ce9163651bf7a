"""From a spec to a plan: what each tenant is promised becomes quotas, limits, labels, taints and open destinations.

Pure arithmetic on the spec; asks no cluster and no cloud.

Ephemeral storage is in no quota: an AU promises none, and a quota on it would need a default limit, which evicts tasks
for scratch files that nobody told their authors were counted.
"""

from __future__ import annotations

from collections.abc import Mapping

from kpo_provision import errors, plan, quantity
from kpo_provision.spec import model, nodes

LOCAL_VERSION = (1, 37)
"""Minor version of the embedded cluster."""

_PRIVATE_IPV4 = (
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "224.0.0.0/4",
    "240.0.0.0/4",
)
"""What is not the public Internet (IANA special-purpose registry, RFC 6890): private, shared, loopback, link-local with
the clouds' metadata servers, multicast, reserved."""
_PRIVATE_IPV6 = ("fc00::/7", "fe80::/10", "ff00::/8")
_INTERNET = (
    plan.EgressPlan(cidr="0.0.0.0/0", ports=(), except_cidrs=_PRIVATE_IPV4),
    plan.EgressPlan(cidr="::/0", ports=(), except_cidrs=_PRIVATE_IPV6),
)


def size(spec: model.Installation) -> plan.Plan:
    """Decide every name and number that the cluster will see.

    Raises:
        errors.SizingError: A tenant may launch pods and has no pool to run them on.
    """
    scales = spec.target.gke is not None
    pools = {
        name: _plan_pool(name, pool, scales=scales or pool.ec2 is not None)
        for name, pool in sorted(spec.node_pools.items())
    }
    return plan.Plan(
        installation=spec.metadata.name,
        kubernetes_version=_read_version(spec.target),
        pools=tuple(pools.values()),
        tenants=tuple(_plan_tenant(spec, release, pools) for release in sorted(spec.tenants)),
        exempt_namespaces=tuple(sorted(set(spec.admission.exempt_namespaces))),
    )


def _read_version(target: model.Target) -> tuple[int, int]:
    declared = target.gke or target.self_hosted or target.kubeconfig
    if declared is None:
        return LOCAL_VERSION
    major, minor = declared.version.split(".")
    return int(major), int(minor)


def _plan_pool(name: str, pool: nodes.NodePool, *, scales: bool) -> plan.PoolPlan:
    effects = ("NoSchedule", "NoExecute") if pool.dedicated else ()
    largest = pool.largest_pod
    return plan.PoolPlan(
        name=name,
        labels={plan.POOL_KEY: name},
        taints=tuple(plan.Taint(key=plan.POOL_KEY, value=name, effect=effect) for effect in effects),
        node_selector=dict(sorted(pool.node_selector.items())),
        largest_pod_cpu=quantity.format_cpu(largest.cpu.milli) if largest else None,
        largest_pod_memory=quantity.format_bytes(largest.memory.value) if largest else None,
        may_be_empty=scales and not pool.min_nodes,
    )


def _plan_tenant(spec: model.Installation, release: str, pools: Mapping[str, plan.PoolPlan]) -> plan.TenantPlan:
    tenant = spec.tenants[release]
    pool = _choose_pool(release, tenant, pools)
    registries = tuple(_plan_registry(name, spec.registries[name]) for name in tenant.registries)
    probe_images = [registry.probe_image for registry in registries if registry.probe_image]
    return plan.TenantPlan(
        release=release,
        namespace=f"{spec.namespace_prefix}-{release}",
        extra_capacity_au=tenant.extra_capacity,
        base_capacity_au=tenant.base_capacity,
        worker_account=tenant.worker_service_account or f"{release}-worker-serviceaccount",
        triggerer_account=tenant.triggerer_service_account or f"{release}-triggerer-serviceaccount",
        pool=pool,
        registries=registries,
        quota=_plan_quota(tenant.extra_capacity + tenant.base_capacity),
        default_limits=_plan_resources(1),
        largest_pod=_plan_largest_pod(tenant, pool),
        pod_security=tenant.pod_security,
        egress=_plan_egress(tenant.network),
        probe_image=probe_images[0] if probe_images else spec.probe.image,
    )


def _choose_pool(release: str, tenant: model.Tenant, pools: Mapping[str, plan.PoolPlan]) -> plan.PoolPlan | None:
    if tenant.pool is not None:
        return pools[tenant.pool]
    if len(pools) == 1:
        return next(iter(pools.values()))
    if tenant.extra_capacity == 0:
        return None
    raise errors.SizingError(
        f"tenant {release} is promised {tenant.extra_capacity} AU and has no node pool to use them on",
        hint=f"set tenants.{release}.pool to one of: {', '.join(pools) or '(nodePools is empty)'}",
    )


def _plan_registry(name: str, registry: model.Registry) -> plan.RegistryPlan:
    return plan.RegistryPlan(
        name=name,
        server=registry.server,
        secret_name=f"registry-{name}",
        probe_image=f"{registry.server}/{registry.probe_image}" if registry.probe_image else None,
    )


def _plan_resources(capacity_au: int) -> dict[str, str]:
    return {
        "cpu": quantity.format_cpu(capacity_au * quantity.AU_CPU_MILLI),
        "memory": quantity.format_bytes(capacity_au * quantity.AU_MEMORY_BYTES),
    }


def _plan_quota(capacity_au: int) -> dict[str, str]:
    resources = _plan_resources(capacity_au)
    return {
        "limits.cpu": resources["cpu"],
        "limits.memory": resources["memory"],
        "pods": str(capacity_au * quantity.AU_PODS),
        "requests.cpu": resources["cpu"],
        "requests.memory": resources["memory"],
        "services.loadbalancers": "0",
        "services.nodeports": "0",
    }


def _plan_largest_pod(tenant: model.Tenant, pool: plan.PoolPlan | None) -> dict[str, str]:
    # A LimitRange binds every pod of its namespace; Airflow's own need not fit the KPO pool.
    if tenant.base_capacity or pool is None or pool.largest_pod_cpu is None or pool.largest_pod_memory is None:
        return {}
    return {"cpu": pool.largest_pod_cpu, "memory": pool.largest_pod_memory}


def _plan_egress(network: model.Network) -> tuple[plan.EgressPlan, ...]:
    further = tuple(plan.EgressPlan(cidr=rule.cidr, ports=tuple(rule.ports)) for rule in network.egress)
    return (_INTERNET if network.internet else ()) + further
