"""What is different between planned pools and live ones."""

from dataclasses import replace

import pytest

from kpo_provision import catalog, spec
from kpo_provision.clouds.gke_drift import find_drift
from kpo_provision.clouds.gke_facts import LivePool
from kpo_provision.plan import INSTALLATION_KEY, POOL_KEY, Taint
from kpo_provision.sizing import installation
from kpo_provision.sizing.pools import SizeOptions, size_pools

_SPEC = """\
apiVersion: kpo-provision.io/v1
kind: Installation
metadata: {name: acme}
namespacePrefix: astronomer
target: {kubeconfig: {version: "1.34"}}
nodePools: {standard: {machineType: n2-standard-4, spot: true}}
tenants:
  etl: {extraCapacity: 40, pool: standard}
sizing: {platform: gke, zones: 3}
"""
_INSTALLATION = spec.parse_spec(_SPEC, file="spec.yaml")
_PLANNED = installation.size(_INSTALLATION)
_SIZES = {pool.demand.name: pool for pool in size_pools(_INSTALLATION, catalog.load_catalog(), SizeOptions()).pools}
_SIZE = _SIZES["standard"]
_LIVE = LivePool(
    name="standard-1a2b",
    status="RUNNING",
    problem="",
    version="1.34.4",
    machine_type="n2-standard-4",
    zones=("a", "b", "c"),
    min_per_zone=_SIZE.nodes.min_per_zone,
    max_per_zone=_SIZE.nodes.max_per_zone,
    total_min=None,
    total_max=None,
    max_pods=_SIZE.shape.max_pods,
    labels={INSTALLATION_KEY: "acme", POOL_KEY: "standard", "cost-centre": "42"},
    taints=tuple(reversed(_PLANNED.pools[0].taints)),
    spot=True,
    image_type="COS_CONTAINERD",
    disk_gib=100,
)


def drift(*live: LivePool) -> list[str]:
    return [str(one) for one in find_drift(_PLANNED, _SIZES, live)]


def test_pool_as_planned_has_no_drift_whatever_else_it_is_labelled_with() -> None:
    assert drift(_LIVE) == []


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"machine_type": "e2-medium"}, "machine type is e2-medium, planned is n2-standard-4"),
        ({"version": "1.35.1-gke.100"}, "version is 1.35, planned is 1.34"),
        ({"spot": False}, "spot is false, planned is true"),
        ({"max_pods": 8}, f"most pods a node is 8, planned is {_SIZE.shape.max_pods}"),
        ({"status": "ERROR", "problem": "no quota"}, "status is ERROR: no quota, planned is RUNNING"),
        ({"taints": ()}, f"taints is none, planned is {POOL_KEY}=standard:NoExecute, {POOL_KEY}=standard:NoSchedule"),
        ({"max_per_zone": 99}, f"nodes is {_SIZE.nodes.min_per_zone} to 99 a zone, planned is "),
        (
            {"max_per_zone": None, "min_per_zone": None, "total_min": 1, "total_max": 99},
            f"nodes is 1 to 99, planned is {_SIZE.nodes.minimum} to {_SIZE.nodes.maximum}",
        ),
    ],
)
def test_difference_names_the_pool_and_both_values(changed: dict[str, object], sentence: str) -> None:
    [found] = drift(replace(_LIVE, **changed))
    assert found.startswith(f"pool standard (standard-1a2b): {sentence}")


def test_taint_with_another_value_is_a_difference() -> None:
    [found] = drift(replace(_LIVE, taints=(Taint(key=POOL_KEY, value="big", effect="NoSchedule"),)))
    assert f"taints is {POOL_KEY}=big:NoSchedule" in found


def test_pool_that_is_not_there_is_missing() -> None:
    assert drift() == ["pool standard: pool is missing, planned is there"]


def test_pool_of_ours_that_is_not_planned_should_be_gone() -> None:
    old = replace(_LIVE, name="old-1", labels={**_LIVE.labels, POOL_KEY: "old"})
    assert drift(_LIVE, old) == ["pool old (old-1): pool is there, planned is gone"]


def test_pool_of_somebody_else_is_nobodys_business() -> None:
    assert drift(_LIVE, replace(_LIVE, name="default-pool", labels={})) == []


def test_pool_of_another_installation_is_nobodys_business() -> None:
    other = replace(_LIVE, name="old-1", labels={INSTALLATION_KEY: "other", POOL_KEY: "standard"})
    assert drift(_LIVE, other) == []


def test_both_pools_are_looked_at_while_one_replaces_the_other() -> None:
    assert drift(_LIVE, replace(_LIVE, name="standard-0000", spot=False)) == [
        "pool standard (standard-0000): spot is false, planned is true"
    ]
