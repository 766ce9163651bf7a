"""What a spec asks of its pools: promises, the largest pod, limits; nothing else, and nothing rounded down."""

import pytest

from kpo_provision import sizing, spec
from kpo_provision.sizing import demand
from kpo_provision.sizing.resources import Resources

SPEC = """\
apiVersion: kpo-provision.io/v1
kind: Installation
metadata: {name: acme}
namespacePrefix: astronomer
target: {kubeconfig: {}}
nodePools:
  big: {machineType: n2-highmem-16, spot: true, zones: [a, b], minNodes: 1, maxNodes: 6, surge: 2, maxPodsPerNode: 64}
  standard: {largestPod: {cpu: 3500m, memory: 13G}, machineFamilies: [n2, e2], architecture: arm64}
sizing: {zones: 3, podRange: 10.8.0.0/14}
tenants:
  etl: {extraCapacity: 10, pool: standard}
  own-airflow: {extraCapacity: 5, baseCapacity: 40, pool: standard}
  idle: {extraCapacity: 0, pool: standard}
  science: {extraCapacity: 300, pool: big}
"""


@pytest.fixture
def demands():
    installation = spec.parse_spec(SPEC, file="spec.yaml")
    return {one.name: one for one in demand.make_demands(installation, sizing.size(installation))}


def test_a_promise_is_extra_capacity_alone(demands):
    promises = {promise.tenant: promise.resources for promise in demands["standard"].promises}
    assert promises == {
        "etl": Resources(cpu_milli=1000, memory_ki=3840 * 1024, pods=10),
        "own-airflow": Resources(cpu_milli=500, memory_ki=1920 * 1024, pods=5),
    }
    assert [promise.tenant for promise in demands["big"].promises] == ["science"]


def test_the_largest_pod_is_rounded_up_to_whole_kib(demands):
    # 13e9 bytes are 12,695,312.5 KiB.
    assert demands["standard"].largest_pod == Resources(cpu_milli=3500, memory_ki=12_695_313, pods=1)
    assert demands["standard"].largest_memory_text == "13G"
    assert demands["big"].largest_pod is None


def test_what_a_pool_says_wins_over_what_all_pools_say(demands):
    assert (demands["standard"].zones, demands["big"].zones) == (3, 2)
    assert {one.pod_range_prefix for one in demands.values()} == {14}


def test_limits_and_wishes_are_handed_on(demands):
    big, standard = demands["big"], demands["standard"]
    assert (big.machine_type, big.spot, big.min_nodes, big.max_nodes) == ("n2-highmem-16", True, 1, 6)
    assert (big.surge_nodes, big.max_pods) == (2, 64)
    assert (standard.machine_families, standard.architecture) == (("n2", "e2"), "arm64")
    assert (standard.surge_nodes, standard.max_nodes, standard.max_pods) == (1, None, None)


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("13.01G", "13.01G"),
        ("13Gi", "13Gi"),
        ("13.5Gi", "13824Mi"),
        ("13000M", "13G"),
        ("1500M", "1.5G"),
        ("402653184", "402653184"),
    ],
)
def test_memory_is_shown_as_a_person_writes_it(written, shown):
    installation = spec.parse_spec(SPEC.replace("13G", written), file="spec.yaml")
    demands = demand.make_demands(installation, sizing.size(installation))
    assert [one.largest_memory_text for one in demands] == ["", shown]
