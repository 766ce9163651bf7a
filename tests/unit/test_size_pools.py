"""From a spec to sized pools: where machines come from, what the spec says of nodes, and what was seen of them."""

import pytest

from kpo_provision import catalog, errors, planning, spec
from kpo_provision.sizing import pools
from kpo_provision.sizing.node import Platform
from kpo_provision.sizing.observed import ObservedNode
from kpo_provision.sizing.pool import WarningCode
from kpo_provision.sizing.resources import Resources

HEAD = """\
apiVersion: kpo-provision.io/v1
kind: Installation
metadata: {name: acme}
namespacePrefix: astronomer
target: {kubeconfig: {version: "1.34"}}
tenants:
  etl: {extraCapacity: 40, pool: standard}
"""
GI = 1024 * 1024


@pytest.fixture(autouse=True)
def _no_refreshed_catalog(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def size(pool="{largestPod: {cpu: 3500m, memory: 13Gi}}", sizing="{platform: gke}", *, seen=(), only=None, **options):
    text = f"{HEAD}nodePools:\n  standard: {pool}\nsizing: {sizing}\n"
    installation = spec.parse_spec(text, file="spec.yaml")
    return pools.size_pools(installation, catalog.load_catalog(), pools.SizeOptions(pool=only, **options), seen=seen)


def size_one(*arguments, **more):
    [pool] = size(*arguments, **more).pools
    return pool


def refuse(*arguments, **more):
    with pytest.raises(errors.SizingError) as caught:
        size(*arguments, **more)
    assert caught.value.exit_code is errors.ExitCode.SIZING
    return f"{caught.value}; {caught.value.hint}"


def node(name="node-1", machine_type="", memory_ki=16 * GI, **more):
    facts = {
        "pool": "standard",
        "architecture": "amd64",
        "version": "v1.34.2",
        "capacity": Resources(cpu_milli=8000, memory_ki=memory_ki, pods=110, ephemeral_bytes=10**11),
        "allocatable": Resources(cpu_milli=7900, memory_ki=memory_ki - GI, pods=110, ephemeral_bytes=9 * 10**10),
        "overhead": Resources(cpu_milli=300, memory_ki=GI // 2, pods=5),
    }
    return ObservedNode(name=name, machine_type=machine_type, **facts | more)


def test_without_a_platform_the_spec_is_refused_with_the_ways_out():
    message = refuse(sizing="{}")
    for way_out in ("sizing.platform", "--platform", "--observe", "gke, eks, aks"):
        assert way_out in message


def test_the_command_line_wins_over_the_spec():
    sized = size(platform=Platform.EKS, version="1.33")
    assert (sized.platform, sized.version) == (Platform.EKS, "1.33")
    assert sized.pools[0].shape.machine.cloud is catalog.Cloud.AWS


def test_the_version_of_the_target_is_that_of_the_nodes():
    assert size().version == "1.34"
    assert size(sizing='{platform: gke, version: "1.35"}').version == "1.35"


def test_an_unknown_pool_is_refused_with_the_nearest():
    with pytest.raises(errors.UsageError) as caught:
        size(only="standrad")
    assert caught.value.hint == "did you mean standard?"


def test_an_unknown_machine_is_refused_with_the_nearest():
    assert "n2-standard-8" in refuse("{machineType: n2-standrad-8}")


def test_an_unknown_family_is_refused_with_the_nearest():
    message = refuse("{machineFamilies: [n2x]}")
    assert "machine family n2x" in message
    assert "nearest families: n2" in message


def test_a_machine_of_another_cloud_is_refused():
    assert "m5.large" in refuse("{machineType: m5.large}")


def test_machines_of_another_architecture_are_not_chosen():
    assert size_one().shape.machine.architecture == "amd64"
    assert size_one("{architecture: arm64}").shape.machine.architecture == "arm64"
    assert "asks for arm64" in refuse("{architecture: arm64, machineFamilies: [n2]}")


def test_a_pod_that_fits_no_machine_is_refused_with_the_nearest_and_what_it_lacks():
    message = refuse("{largestPod: {cpu: 3500m, memory: 7Ei}}")
    assert "comes nearest" in message
    assert "too little" in message


def test_a_platform_without_a_cloud_needs_a_machine_or_a_family():
    assert "sizing.machineTypes" in refuse(sizing="{platform: kubeadm}")
    assert size_one("{machineType: m5.2xlarge}", "{platform: kubeadm}").shape.machine.name == "m5.2xlarge"
    assert size_one("{machineFamilies: [n2]}", "{platform: k3s}").shape.machine.family == "n2"


def test_a_machine_of_the_spec_is_used_and_wins_over_the_catalog():
    rack = "{cpu: 64, memory: 256Gi, pricePerHour: 0.5, spotPricePerHour: 0.1}"
    sizing = f"{{platform: kubeadm, machineTypes: {{rack: {rack}, n2-standard-8: {rack}}}}}"
    assert size_one(sizing=sizing).micro_usd_per_node_hour == 500_000
    assert size_one("{machineType: n2-standard-8, spot: true}", sizing).micro_usd_per_node_hour == 100_000


def test_overhead_that_is_given_in_part_is_as_usual_otherwise():
    usual = size_one(sizing="{platform: gke}").shape.overhead
    given = size_one(sizing="{platform: gke, overhead: {cpu: 1, pods: 0}}").shape.overhead
    assert (given.cpu_milli, given.memory_ki, given.pods) == (1000, usual.memory_ki, 0)


def test_reservations_win_over_the_rule_of_the_platform():
    ruled = size_one("{machineType: n2-standard-8}").shape
    told = size_one(
        "{machineType: n2-standard-8}",
        "{platform: gke, reservations: {kubeReserved: {memory: 1Gi}, systemReserved: {cpu: 100m}}}",
    ).shape
    assert told.kube_reserved_memory_mib == 1024
    assert told.kube_reserved_cpu_milli == ruled.kube_reserved_cpu_milli
    assert told.allocatable.cpu_milli == ruled.allocatable.cpu_milli - 100


def test_zones_and_pod_range_bound_the_nodes():
    nodes = size_one(sizing="{platform: gke, zones: 3, podRange: /20}").nodes
    assert (nodes.zones, nodes.maximum % 3) == (3, 0)
    assert nodes.range_limit is not None
    assert nodes.maximum + nodes.surge <= nodes.range_limit
    assert "too small" in refuse("{minNodes: 200, maxNodes: 300}", "{platform: gke, podRange: /20}")


def test_pods_per_node_are_as_few_as_hold_what_may_run():
    few = size_one("{largestPod: {cpu: 1, memory: 2Gi}}", "{platform: gke, podRange: /16}").shape
    assert few.max_pods <= 64
    assert (
        size_one(
            "{maxPodsPerNode: 8, machineType: n2-standard-8}", "{platform: gke, overhead: {pods: 2}}"
        ).shape.max_pods
        == 8
    )


def test_a_sidecar_of_the_mesh_that_no_quota_holds_is_warned_of():
    with_mesh = size("{machineType: n2-standard-8}", "{platform: gke, mesh: istio}")
    codes = {warning.code for warning in with_mesh.pools[0].warnings}
    assert WarningCode.SIDECAR_EXCEEDS_QUOTA not in codes  # 40 AU are 4 CPUs and 15 GiB
    small = spec.parse_spec(
        HEAD.replace("40", "10") + "nodePools: {standard: {machineType: n2-standard-8}}\nsizing: {mesh: istio}\n",
        file="s",
    )
    sized = pools.size_pools(small, catalog.load_catalog(), pools.SizeOptions(platform=Platform.GKE))
    [warning] = [w for w in sized.pools[0].warnings if w.code is WarningCode.SIDECAR_EXCEEDS_QUOTA]
    assert "etl" in warning.sentence


def test_live_nodes_are_believed_where_nobody_knows_the_platform():
    sized = size(sizing="{}", seen=[node("a"), node("b", memory_ki=15 * GI)])
    [pool] = sized.pools
    assert sized.platform is None
    assert pool.shape.schedulable == Resources(
        cpu_milli=7600, memory_ki=15 * GI - GI - GI // 2, pods=105, ephemeral_bytes=9 * 10**10
    )
    [comparison] = sized.comparisons
    assert (comparison.nodes, comparison.model) == (2, None)


def test_live_nodes_replace_the_model_of_their_machine_type_and_tell_every_other_what_runs_on_it():
    seen = [node(machine_type="n2-standard-4", overhead=Resources(cpu_milli=111, memory_ki=222, pods=3))]
    named = size_one("{machineType: n2-standard-4}", seen=seen)
    assert named.shape.allocatable.cpu_milli == 7900
    other = size_one("{machineType: n2-standard-8}", seen=seen)
    assert other.shape.overhead == Resources(cpu_milli=111, memory_ki=222, pods=3)


def test_the_model_is_put_beside_the_truth():
    sized = size("{machineType: n2-standard-4}", seen=[node(machine_type="n2-standard-4")])
    [comparison] = sized.comparisons
    assert comparison.is_capacity_predicted
    assert comparison.model is not None
    assert comparison.model.machine.name == "n2-standard-4"


def test_a_catalog_file_of_the_spec_is_found_beside_it(tmp_path):
    machines = "machineTypes:\n  rack: {cpu: 64, memory: 256Gi, pricePerHour: 0.42}\n"
    tmp_path.joinpath("machines.yaml").write_text(machines)
    pool = "nodePools: {standard: {machineType: rack}}\n"
    path = tmp_path / "spec.yaml"
    path.write_text(f"{HEAD}{pool}sizing: {{platform: k3s, catalog: machines.yaml}}\n")
    [sized] = planning.size_pools(path, pools.SizeOptions()).pools
    assert sized.micro_usd_per_node_hour == 420_000


def test_reservations_of_a_catalog_file_stand_where_the_spec_has_none(tmp_path):
    tmp_path.joinpath("more.yaml").write_text("reservations: {kubeReserved: {cpu: 777m}}\n")
    pool = "nodePools: {standard: {machineType: m5.large}}\n"
    path = tmp_path / "spec.yaml"
    path.write_text(f"{HEAD}{pool}sizing: {{platform: k3s, catalog: more.yaml}}\n")
    assert planning.size_pools(path, pools.SizeOptions()).pools[0].shape.kube_reserved_cpu_milli == 777
    path.write_text(
        f"{HEAD}{pool}sizing: {{platform: k3s, catalog: more.yaml, reservations: {{kubeReserved: {{cpu: 1}}}}}}\n"
    )
    assert planning.size_pools(path, pools.SizeOptions()).pools[0].shape.kube_reserved_cpu_milli == 1000
