from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kpo_provision import errors, plan, quantity, sizing
from kpo_provision.spec import model


def size(tenant: dict[str, Any], **spec: Any) -> plan.TenantPlan:
    """Size an installation with one tenant."""
    return size_all({"etl": tenant}, **spec).tenants[0]


def size_all(tenants: dict[str, Any], **spec: Any) -> plan.Plan:
    base = {
        "apiVersion": "kpo-provision.io/v1",
        "kind": "Installation",
        "metadata": {"name": "acme"},
        "namespacePrefix": "data",
        "target": {"local": {}},
        "nodePools": {"standard": {}},
        "tenants": tenants,
    }
    return sizing.size(model.Installation.model_validate(base | spec))


@pytest.mark.parametrize(
    ("tenant", "pods", "cpu", "memory"),
    [
        ({"extraCapacity": 0}, "0", "0", "0"),
        ({"extraCapacity": 1}, "1", "100m", "384Mi"),
        ({"extraCapacity": 10}, "10", "1", "3840Mi"),
        ({"extraCapacity": 10, "baseCapacity": 25}, "35", "3500m", "13440Mi"),
        ({"extraCapacity": 400}, "400", "40", "150Gi"),
    ],
)
def test_quota_is_what_the_au_promise(tenant, pods, cpu, memory):
    quota = size(tenant).quota
    assert quota == {
        "limits.cpu": cpu,
        "limits.memory": memory,
        "pods": pods,
        "requests.cpu": cpu,
        "requests.memory": memory,
        "services.loadbalancers": "0",
        "services.nodeports": "0",
    }


@given(st.integers(0, 100_000), st.integers(0, 100_000))
def test_quota_is_the_sum_of_its_au_to_the_byte(extra, base):
    quota = size({"extraCapacity": extra, "baseCapacity": base}).quota
    assert quantity.parse_quantity(quota["limits.cpu"]).milli == (extra + base) * 100
    assert quantity.parse_quantity(quota["requests.memory"]).value == (extra + base) * 384 * 1024**2


def test_container_that_asks_for_nothing_gets_one_au():
    assert size({"extraCapacity": 10}).default_limits == {"cpu": "100m", "memory": "384Mi"}


def test_largest_pod_of_the_pool_is_the_tenants():
    pools = {"standard": {"largestPod": {"cpu": "3.5", "memory": "13312Mi"}}}
    assert size({"extraCapacity": 10}, nodePools=pools).largest_pod == {"cpu": "3500m", "memory": "13Gi"}


def test_airflow_in_the_same_namespace_is_not_bound_by_the_largest_pod():
    pools = {"standard": {"largestPod": {"cpu": "1", "memory": "1Gi"}}}
    assert size({"extraCapacity": 10, "baseCapacity": 10}, nodePools=pools).largest_pod == {}


def test_dedicated_pool_keeps_everything_else_out():
    (pool,) = size_all({}, nodePools={"standard": {}}).pools
    assert pool.labels == {plan.POOL_KEY: "standard"}
    assert [(taint.key, taint.value, taint.effect) for taint in pool.taints] == [
        (plan.POOL_KEY, "standard", "NoSchedule"),
        (plan.POOL_KEY, "standard", "NoExecute"),
    ]


def test_shared_pool_has_a_label_and_no_taint():
    (pool,) = size_all({}, nodePools={"standard": {"dedicated": False}}).pools
    assert pool.labels == {plan.POOL_KEY: "standard"}
    assert pool.taints == ()


def test_only_pool_is_the_tenants_pool():
    tenant = size({"extraCapacity": 1})
    assert tenant.pool is not None
    assert tenant.pool.name == "standard"


def test_tenant_without_capacity_needs_no_pool():
    assert size({"extraCapacity": 0}, nodePools={}).pool is None


def test_tenant_with_capacity_and_no_pool_is_refused():
    with pytest.raises(errors.SizingError, match="etl is promised 5 AU and has no node pool") as caught:
        size({"extraCapacity": 5}, nodePools={"big": {}, "small": {}})
    assert "big, small" in caught.value.hint


def test_names_are_those_of_the_airflow_chart():
    tenant = size({"extraCapacity": 1})
    assert (tenant.namespace, tenant.worker_account, tenant.triggerer_account) == (
        "data-etl",
        "etl-worker-serviceaccount",
        "etl-triggerer-serviceaccount",
    )


def test_probe_image_comes_from_the_first_registry_that_names_one():
    registries = {
        "bare": {"server": "bare.example.com", "credentials": {"dockerConfig": "x"}},
        "full": {"server": "full.example.com", "credentials": {"dockerConfig": "x"}, "probeImage": "probe:1"},
    }
    probe = {"image": "docker.io/library/alpine:3"}
    tenants = {
        "a": {"extraCapacity": 1, "registries": ["bare", "full"]},
        "b": {"extraCapacity": 1, "registries": ["bare"]},
    }
    sized = size_all(tenants, registries=registries, probe=probe).tenants
    assert [tenant.probe_image for tenant in sized] == ["full.example.com/probe:1", "docker.io/library/alpine:3"]
    assert [registry.secret_name for registry in sized[0].registries] == ["registry-bare", "registry-full"]


def test_internet_leaves_private_ranges_closed():
    ipv4, ipv6 = size({"extraCapacity": 1}).egress
    assert ipv4.cidr == "0.0.0.0/0"
    assert {"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16"} <= set(
        ipv4.except_cidrs
    )
    assert (ipv6.cidr, "fc00::/7" in ipv6.except_cidrs) == ("::/0", True)


def test_closed_network_opens_only_what_is_listed():
    network = {"internet": False, "egress": [{"cidr": "10.20.0.0/16", "ports": [5432]}]}
    (rule,) = size({"extraCapacity": 1, "network": network}).egress
    assert (rule.cidr, rule.ports, rule.except_cidrs) == ("10.20.0.0/16", (5432,), ())


@pytest.mark.parametrize(
    ("target", "version", "mutates"),
    [
        ({"local": {}}, (1, 37), True),
        ({"kubeconfig": {"version": "1.36"}}, (1, 36), True),
        ({"kubeconfig": {"version": "1.35"}}, (1, 35), False),
    ],
)
def test_target_says_whether_the_cluster_places_pods(target, version, mutates):
    sized = size_all({}, target=target)
    assert (sized.kubernetes_version, sized.mutates_pods) == (version, mutates)


def test_order_in_the_spec_does_not_matter():
    tenants = {"b": {"extraCapacity": 1}, "a": {"extraCapacity": 2}}
    assert size_all(tenants) == size_all(dict(reversed(tenants.items())))
