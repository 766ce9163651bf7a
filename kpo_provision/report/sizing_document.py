"""A sizing as a JSON document of kind ``kpo-provision/size/v1``: whole numbers, with the unit in every key."""

from __future__ import annotations

import json
from typing import Any

from kpo_provision.report.node_document import describe_node
from kpo_provision.report.sizing_truth import describe_comparison
from kpo_provision.sizing.node import Reason
from kpo_provision.sizing.pool import HOURS_A_MONTH, Alternative, PoolSize
from kpo_provision.sizing.pools import InstallationSize
from kpo_provision.sizing.resources import Resources

SCHEMA = "kpo-provision/size/v1"


def render_size_json(size: InstallationSize) -> str:
    """Render every pool of an installation."""
    costs = [pool.micro_usd_per_hour for pool in size.pools if pool.micro_usd_per_hour is not None]
    document = {
        "schema": SCHEMA,
        "installation": size.installation,
        "platform": size.platform.value if size.platform else None,
        "version": size.version,
        "tenants": size.tenants,
        "hoursPerMonth": HOURS_A_MONTH,
        "microUsdPerMonth": sum(costs) * HOURS_A_MONTH if len(costs) == len(size.pools) else None,
        "sources": list(size.sources),
        "warnings": list(size.warnings),
        "pools": [_describe_pool(pool) for pool in size.pools],
        "observed": [describe_comparison(comparison) for comparison in size.comparisons],
    }
    return json.dumps(document, indent=2)


def _describe_pool(pool: PoolSize) -> dict[str, Any]:
    nodes, demand = pool.nodes, pool.demand
    return {
        "name": demand.name,
        "tenants": [promise.tenant for promise in demand.promises],
        "machineType": pool.shape.machine.name,
        "architecture": pool.shape.machine.architecture,
        "spot": demand.spot,
        "nodes": {
            "zones": nodes.zones,
            "minPerZone": nodes.min_per_zone,
            "maxPerZone": nodes.max_per_zone,
            "min": nodes.minimum,
            "max": nodes.maximum,
            "surge": nodes.surge,
            "atPromise": pool.nodes_at_promise,
            "lowerBound": pool.lower_bound,
            "gapToLowerBound": pool.gap,
            "inAnyOrder": pool.nodes_in_any_order,
            "podRangeLimit": nodes.range_limit,
        },
        "node": describe_node(pool.shape),
        "largestPod": _describe_resources(pool.largest_pod),
        "promised": _describe_resources(demand.promised),
        "cost": {
            "microUsdPerNodeHour": pool.micro_usd_per_node_hour,
            "nodes": pool.paid_nodes,
            "microUsdPerHour": pool.micro_usd_per_hour,
            "microUsdPerMonth": _month(pool.micro_usd_per_hour),
        },
        "alternatives": [_describe_alternative(alternative) for alternative in pool.alternatives],
        "reasons": _list_reasons(pool.reasons),
        "warnings": [
            {"code": warning.code.value, "sentence": warning.sentence, "hint": warning.hint}
            for warning in pool.warnings
        ],
    }


def _describe_alternative(alternative: Alternative) -> dict[str, Any]:
    return {
        "machineType": alternative.shape.machine.name,
        "maxPods": alternative.shape.max_pods,
        "nodesAtPromise": alternative.nodes_at_promise,
        "lowerBound": alternative.lower_bound,
        "nodesInAnyOrder": alternative.nodes_in_any_order,
        "microUsdPerHour": alternative.micro_usd_per_hour,
        "microUsdPerMonth": _month(alternative.micro_usd_per_hour),
        "why": alternative.why,
    }


def _describe_resources(amount: Resources) -> dict[str, int]:
    return {"cpuMilli": amount.cpu_milli, "memoryKi": amount.memory_ki, "pods": amount.pods}


def _list_reasons(reasons: tuple[Reason, ...]) -> list[dict[str, str]]:
    return [{"step": reason.step, "text": reason.text} for reason in reasons]


def _month(micro_usd_per_hour: int | None) -> int | None:
    return None if micro_usd_per_hour is None else micro_usd_per_hour * HOURS_A_MONTH
