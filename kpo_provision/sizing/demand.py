"""From a spec to what each of its pools must hold.

A promise is the tenant's Extra Capacity alone: what its own Airflow needs runs elsewhere. Sidecars (XCom's, a mesh's)
need no addition here, because quota and LimitRange count every container of a pod: they come out of what the tenant was
promised and out of the largest pod, and never on top.
"""

from __future__ import annotations

from kpo_provision import plan, quantity
from kpo_provision.sizing import declared
from kpo_provision.sizing.mixes import AU
from kpo_provision.sizing.pool import PoolDemand, Promise
from kpo_provision.sizing.resources import Resources
from kpo_provision.spec import model, nodes


def make_demands(spec: model.Installation, planned: plan.Plan) -> tuple[PoolDemand, ...]:
    """Make one demand a pool, in the order of the plan."""
    return tuple(_make_demand(spec, planned, pool.name) for pool in planned.pools)


def _make_demand(spec: model.Installation, planned: plan.Plan, name: str) -> PoolDemand:
    pool = spec.node_pools[name]
    return PoolDemand(
        name=name,
        promises=tuple(
            Promise(tenant=tenant.release, resources=AU.times(tenant.extra_capacity_au))
            for tenant in planned.tenants
            if tenant.may_launch and tenant.pool is not None and tenant.pool.name == name
        ),
        largest_pod=_largest_pod(pool.largest_pod) if pool.largest_pod else None,
        largest_memory_text=_write_memory(pool.largest_pod.memory) if pool.largest_pod else "",
        machine_type=pool.machine_type,
        machine_families=tuple(pool.machine_families),
        architecture=pool.architecture,
        spot=pool.spot,
        zones=declared.count_zones(spec, name),
        min_nodes=len(pool.hosts) or pool.min_nodes,
        max_nodes=len(pool.hosts) or pool.max_nodes,
        surge_nodes=0 if pool.hosts or pool.ec2 else pool.surge,
        pod_range_prefix=int(spec.sizing.pod_range.rpartition("/")[2]) if spec.sizing.pod_range else None,
        max_pods=pool.max_pods_per_node,
    )


def _write_memory(amount: quantity.Quantity) -> str:
    """Write memory as a person does: ``13.01G`` where the canonical form is ``13010M``."""
    if amount.form is not quantity.Form.DECIMAL:
        return str(amount)
    for suffix, unit in (("G", 10**9), ("M", 10**6)):
        thousandths, rest = divmod(amount.value * 1000, unit)
        if not rest and thousandths >= 1000:
            whole, fraction = divmod(thousandths, 1000)
            return f"{whole}.{fraction:03d}".rstrip("0").rstrip(".") + suffix
    return str(amount.value)


def _largest_pod(size: nodes.PodSize) -> Resources:
    # The scheduler compares bytes; whoever fits the next whole KiB fits.
    return Resources(cpu_milli=size.cpu.milli, memory_ki=size.memory.ki, pods=1)
