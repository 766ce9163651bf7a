"""One node from end to end: what each option changes, what is refused, and the sentence that the product began with."""

import dataclasses
from typing import Any

import pytest

from kpo_provision import errors
from kpo_provision.catalog import Cloud, EniLimits, MachineType, load_catalog
from kpo_provision.sizing import possibility
from kpo_provision.sizing.node import NodeImage, NodeRequest, NodeShape, Platform, PodNetworking, Reservations
from kpo_provision.sizing.resources import Resources
from kpo_provision.sizing.shape import shape_node

N1_STANDARD_4 = MachineType(cloud=Cloud.GCP, name="n1-standard-4", family="n1", vcpu=4, memory_mib=15360)
M6I_LARGE = MachineType(
    cloud=Cloud.AWS,
    name="m6i.large",
    family="m6i",
    vcpu=2,
    memory_mib=8192,
    eni=EniLimits(interfaces=3, addresses=10),
)
GB = 10**9


def shape(platform: Platform = Platform.GKE, machine: MachineType = N1_STANDARD_4, **asked: Any) -> NodeShape:
    return shape_node(NodeRequest(platform=platform, machine=machine, **asked))


def reason(of: NodeShape, step: str) -> str:
    return next(reason.text for reason in of.reasons if reason.step == step)


def test_largest_pod_of_2019_is_what_its_kubelet_offered() -> None:
    then = shape(version="1.10", capacity_ki=15399244)
    assert then.allocatable.cpu_milli == 3920
    assert then.allocatable.memory_ki == 12699980
    assert f"{then.allocatable.memory_ki * 1024 / GB:.1f}" == "13.0"


@pytest.mark.parametrize("capacity_ki", [15399460, 15409224])
def test_13_01_gb_needs_a_capacity_of_2018(capacity_ki: int) -> None:
    assert f"{shape(capacity_ki=capacity_ki).allocatable.memory_ki * 1024 / GB:.2f}" == "13.01"


def test_largest_pod_of_2019_fits_no_n1_standard_4_of_today_and_the_reasons_say_why() -> None:
    then, today = shape(version="1.36", capacity_ki=15399244), shape(version="1.36")
    assert today.allocatable.memory_ki == 12650166
    assert today.allocatable.memory_ki * 1024 < 13.0 * GB
    assert today.schedulable.cpu_milli < 3920
    assert "hide 329,396 KiB" in reason(then, "capacityMemoryKi")
    assert "the prediction is 49,814 KiB less" in reason(then, "capacityMemoryKi")
    assert "hide 379,210 KiB" in reason(today, "capacityMemoryKi")


def test_13_01_gib_fit_no_machine_of_16_gib() -> None:
    machine = dataclasses.replace(N1_STANDARD_4, name="n2-standard-4", memory_mib=16384)
    assert shape(machine=machine, version="1.36").allocatable.memory_ki * 1024 < 13.01 * 2**30


def test_schedulable_is_allocatable_less_what_runs_on_every_node() -> None:
    overhead = Resources(cpu_milli=884, memory_ki=626 * 1024, pods=11)
    machine = dataclasses.replace(N1_STANDARD_4, name="n2-standard-4", memory_mib=16384)
    seen = shape(machine=machine, version="1.36", overhead=overhead)
    assert seen.schedulable == seen.allocatable - overhead
    assert 3000 <= seen.schedulable.cpu_milli < 4000


def test_overhead_larger_than_the_node_comes_out_negative_and_is_warned_of() -> None:
    tiny = dataclasses.replace(N1_STANDARD_4, name="f1-micro", vcpu=1, memory_mib=614)
    seen = shape(machine=tiny, version="1.14.10-gke.27")
    assert seen.schedulable.memory_ki < 0
    assert any("leaves no memory of f1-micro" in warning for warning in seen.warnings)


def test_more_than_110_pods_cost_400m_on_gke_and_are_warned_of() -> None:
    few, many = shape(max_pods=110), shape(max_pods=111)
    assert few.allocatable.cpu_milli - many.allocatable.cpu_milli == 400
    assert (few.pod_cidr_prefix, many.pod_cidr_prefix) == (24, 24)
    assert any("400m" in warning for warning in many.warnings)
    assert "400m" in reason(many, "kubeReservedCpuMilli")
    assert "400m" not in reason(few, "kubeReservedCpuMilli")
    assert few.warnings == ()


def test_gke_1_37_is_planned_with_the_rule_that_leaves_less_and_warned_of() -> None:
    unknown, older = shape(version="1.37", max_pods=30), shape(version="1.36", max_pods=30)
    by_pods = shape(version="1.37", max_pods=30, pod_based_memory=True)
    assert unknown.kube_reserved_memory_mib == older.kube_reserved_memory_mib == 2536
    assert by_pods.kube_reserved_memory_mib == 950
    assert any("effectiveMemoryReservedMib" in warning for warning in unknown.warnings)
    assert older.warnings == by_pods.warnings == ()


def test_effective_values_of_a_gke_pool_win_and_end_the_warning() -> None:
    told = Reservations(kube_cpu_milli=60, kube_memory_ki=950 * 1024)
    seen = shape(version="1.37", reservations=told)
    assert (seen.kube_reserved_cpu_milli, seen.kube_reserved_memory_mib) == (60, 950)
    assert seen.eviction_memory_mib == 100
    assert seen.warnings == ()
    assert "as given" in reason(seen, "kubeReservedMemoryMiB")


def test_image_streaming_and_ubuntu_and_confidential_nodes_leave_less_memory() -> None:
    plain = shape(version="1.36")
    assert plain.allocatable.memory_ki - shape(version="1.36", image_streaming=True).allocatable.memory_ki == 101 * 1024
    assert shape(version="1.36", image=NodeImage.UBUNTU).allocatable.memory_ki < plain.allocatable.memory_ki
    hidden_ki = plain.capacity_memory_ki - shape(version="1.36", confidential=True).capacity_memory_ki
    assert hidden_ki > 800 * 1024


def test_local_ssds_take_the_place_of_the_boot_disk() -> None:
    seen = shape(local_ssds=2)
    assert seen.capacity_ephemeral_bytes == 2 * 375 * 2**30 - 13725224 * 1024
    twelve, sixteen = shape(local_ssds=12), shape(local_ssds=16)
    assert 12 * 375 * 2**30 - twelve.capacity_ephemeral_bytes == 16 * 375 * 2**30 - sixteen.capacity_ephemeral_bytes


@pytest.mark.parametrize(
    ("asked", "disk_bytes"),
    [
        ({"disk_gib": 1000}, 1052461830144),
        ({"disk_gib": 1000, "image": NodeImage.UBUNTU}, 1038993555456),
        ({"disk_gib": 1000, "image": NodeImage.UBUNTU, "version": "1.31"}, 1040442621952),
        ({"disk_gib": 15, "image": NodeImage.UBUNTU}, 14483001344),
        ({"disk_gib": 100, "image": NodeImage.UBUNTU}, 102888095744),
        ({"disk_gib": 10000, "image": NodeImage.UBUNTU}, 10400076980224),
        ({"disk_gib": 15, "image": NodeImage.UBUNTU, "version": "1.31"}, 15415644160),
        ({"disk_gib": 100, "image": NodeImage.UBUNTU, "version": "1.31"}, 103865303040),
        ({"disk_gib": 10000, "image": NodeImage.UBUNTU, "version": "1.31"}, 10406244634624),
        ({"disk_gib": 10000}, 10565127925760),
        ({"disk_gib": 15}, 11374620672),
    ],
)
def test_boot_disk_shows_what_gke_measured(asked: dict[str, Any], disk_bytes: int) -> None:
    assert shape(**asked).capacity_ephemeral_bytes == disk_bytes


def test_arm_nodes_show_64_mib_less_of_the_boot_disk() -> None:
    arm = dataclasses.replace(N1_STANDARD_4, name="t2a-standard-4", memory_mib=16384, architecture="arm64")
    assert shape(machine=arm, disk_gib=100).capacity_ephemeral_bytes == 101136764928
    ubuntu = shape(machine=arm, disk_gib=100, image=NodeImage.UBUNTU).capacity_ephemeral_bytes
    assert abs(ubuntu / 102888095744 - 1) < 0.01


def test_ephemeral_capacity_as_observed_wins() -> None:
    seen = shape(ephemeral_capacity_ki=98868448)
    assert seen.allocatable.ephemeral_bytes == 47093746742


@pytest.mark.parametrize(
    ("asked", "max_pods", "reserved_mib"),
    [
        ({}, 29, 574),
        ({"max_pods": 110}, 110, 574),
        ({"networking": PodNetworking.PREFIX}, 110, 574),
        ({"networking": PodNetworking.CUSTOM}, 20, 574),
        ({"image": NodeImage.BOTTLEROCKET, "max_pods": 10}, 10, 365),
        ({"reserved_pods": 44}, 44, 739),
        ({"reserved_pods": 44, "max_pods": 20}, 20, 739),
        ({"version": "1.11"}, 29, 0),
        ({"version": "1.12"}, 29, 574),
    ],
    ids=str,
)
def test_eks_reserves_for_addresses_not_for_the_kubelets_maximum(
    asked: dict[str, Any], max_pods: int, reserved_mib: int
) -> None:
    seen = shape(Platform.EKS, M6I_LARGE, **asked)
    assert (seen.max_pods, seen.kube_reserved_memory_mib) == (max_pods, reserved_mib)


def test_prefix_delegation_ends_at_250_pods_above_30_cpus() -> None:
    eni = EniLimits(interfaces=8, addresses=30)
    large = dataclasses.replace(M6I_LARGE, name="m6i.8xlarge", vcpu=32, memory_mib=131072, eni=eni)
    assert shape(Platform.EKS, large, networking=PodNetworking.PREFIX).max_pods == 250
    assert shape(Platform.EKS, dataclasses.replace(large, vcpu=31), networking=PodNetworking.PREFIX).max_pods == 250
    middling = dataclasses.replace(large, vcpu=30)
    assert shape(Platform.EKS, middling, networking=PodNetworking.PREFIX).max_pods == 110


def test_eks_machine_without_known_interfaces_counts_110_pods_and_says_so() -> None:
    unknown = dataclasses.replace(M6I_LARGE, eni=None)
    seen = shape(Platform.EKS, unknown)
    assert (seen.max_pods, seen.kube_reserved_memory_mib) == (110, 1465)
    assert any("no known network interfaces" in warning for warning in seen.warnings)


def test_eks_warns_of_pods_without_addresses_and_of_prefixes_that_cannot_be() -> None:
    assert shape(Platform.EKS, M6I_LARGE, max_pods=29).warnings == ()
    assert any("addresses for 29 pods" in warning for warning in shape(Platform.EKS, M6I_LARGE, max_pods=110).warnings)
    old = dataclasses.replace(M6I_LARGE, eni=EniLimits(interfaces=3, addresses=10, is_nitro=False))
    seen = shape(Platform.EKS, old, networking=PodNetworking.PREFIX)
    assert any("no Nitro instance" in warning for warning in seen.warnings)


@pytest.mark.parametrize(
    ("version", "reserved_mib", "eviction_mib"), [("1.28", 2662, 750), ("1.29", 2250, 100), (None, 2250, 100)]
)
def test_aks_changed_its_rule_with_1_29(version: str | None, reserved_mib: int, eviction_mib: int) -> None:
    machine = MachineType(cloud=Cloud.AZURE, name="Standard_D4s_v5", family="Dsv5", vcpu=4, memory_mib=16384)
    seen = shape(Platform.AKS, machine, version=version, max_pods=110)
    assert (seen.kube_reserved_memory_mib, seen.eviction_memory_mib) == (reserved_mib, eviction_mib)
    assert seen.allocatable.cpu_milli == 3860


@pytest.mark.parametrize(
    ("platform", "max_pods"),
    [(Platform.GKE, 8), (Platform.GKE, 256), (Platform.AKS, 10), (Platform.AKS, 250), (Platform.K3S, 1)],
)
def test_bounds_of_max_pods_are_within(platform: Platform, max_pods: int) -> None:
    assert shape(platform, max_pods=max_pods).allocatable.pods == max_pods


@pytest.mark.parametrize("platform", [Platform.K3S, Platform.RKE2])
def test_k3s_and_rke2_offer_all_memory(platform: Platform) -> None:
    seen = shape(platform, capacity_ki=15000000)
    assert seen.allocatable.memory_ki == 15000000
    assert seen.eviction_memory_mib == 0
    storage_bytes = seen.capacity_ephemeral_bytes
    assert abs(storage_bytes * 95 // 100 - seen.allocatable.ephemeral_bytes) < 1000


def test_reservations_of_ones_own_are_all_taken_off() -> None:
    told = Reservations(
        kube_cpu_milli=100,
        kube_memory_ki=369432,
        system_cpu_milli=500,
        system_memory_ki=512 * 1024,
        eviction_memory_ki=51200,
        kube_ephemeral_bytes=2**30,
    )
    seen = shape(Platform.CUSTOM, capacity_ki=15000000, reservations=told)
    assert seen.allocatable.memory_ki == 15000000 - 369432 - 512 * 1024 - 51200
    assert seen.allocatable.cpu_milli == 3400
    assert (seen.kube_reserved_memory_mib, seen.eviction_memory_mib) == (361, 50)
    plain = shape(Platform.CUSTOM, capacity_ki=15000000)
    assert plain.allocatable.ephemeral_bytes - seen.allocatable.ephemeral_bytes == 2**30


@pytest.mark.parametrize(
    ("platform", "asked"),
    [
        (Platform.GKE, {"max_pods": 7}),
        (Platform.GKE, {"max_pods": 257}),
        (Platform.AKS, {"max_pods": 9}),
        (Platform.AKS, {"max_pods": 251}),
        (Platform.KUBEADM, {"max_pods": 0}),
        (Platform.KUBEADM, {"max_pods": 2**63}),
        (Platform.GKE, {"capacity_ki": 0}),
        (Platform.GKE, {"capacity_ki": -1}),
        (Platform.GKE, {"capacity_ki": 15360 * 1024 + 1}),
        (Platform.GKE, {"capacity_ki": 15360 * 512 - 1}),
        (Platform.GKE, {"capacity_ki": 2**63}),
        (Platform.GKE, {"disk_gib": 9}),
        (Platform.EKS, {"disk_gib": 0}),
        (Platform.GKE, {"disk_gib": 2**63}),
        (Platform.GKE, {"local_ssds": -1}),
        (Platform.GKE, {"local_ssds": 33}),
        (Platform.GKE, {"ephemeral_capacity_ki": 0}),
        (Platform.GKE, {"version": "latest"}),
        (Platform.GKE, {"version": "1.99"}),
        (Platform.GKE, {"version": ""}),
        (Platform.GKE, {"image": NodeImage.AL2023}),
        (Platform.EKS, {"image": NodeImage.COS}),
        (Platform.GKE, {"networking": PodNetworking.PREFIX}),
        (Platform.GKE, {"reserved_pods": 10}),
        (Platform.EKS, {"reserved_pods": 0}),
        (Platform.EKS, {"image_streaming": True}),
        (Platform.AKS, {"confidential": True}),
        (Platform.K3S, {"local_ssds": 1}),
        (Platform.EKS, {"pod_based_memory": True}),
        (Platform.GKE, {"pod_based_memory": True, "version": "1.36"}),
        (Platform.CUSTOM, {"reservations": Reservations(kube_memory_ki=-1)}),
        (Platform.CUSTOM, {"overhead": Resources(cpu_milli=-1)}),
    ],
    ids=str,
)
def test_what_no_node_can_be_is_refused_with_a_hint(platform: Platform, asked: dict[str, Any]) -> None:
    with pytest.raises(errors.SizingError) as caught:
        shape(platform, **asked)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("told", "missing"),
    [
        (Reservations(kube_memory_ki=15 * 2**20), "no memory of n1-standard-4: 1,145,734 KiB are missing"),
        (Reservations(kube_cpu_milli=4000), "no CPU of n1-standard-4: 0m"),
        (Reservations(kube_ephemeral_bytes=2**40), "no ephemeral storage of n1-standard-4"),
    ],
)
def test_reservations_beyond_the_machine_are_refused_with_what_is_missing(told: Reservations, missing: str) -> None:
    seen = shape(Platform.CUSTOM, reservations=told)
    with pytest.raises(errors.SizingError, match=missing):
        possibility.check_allocatable(seen)


@pytest.mark.parametrize(("vcpu", "memory_mib"), [(0, 1024), (-1, 1024), (4, 0), (4, -5), (2**63, 1024), (4, 2**63)])
def test_machines_that_cannot_be_are_refused(vcpu: int, memory_mib: int) -> None:
    machine = dataclasses.replace(N1_STANDARD_4, vcpu=vcpu, memory_mib=memory_mib)
    with pytest.raises(errors.SizingError):
        shape(machine=machine)


@pytest.mark.parametrize("platform", [Platform.GKE, Platform.EKS, Platform.AKS])
def test_every_machine_of_the_catalog_has_a_shape_in_order(platform: Platform) -> None:
    cloud = {Platform.GKE: Cloud.GCP, Platform.EKS: Cloud.AWS, Platform.AKS: Cloud.AZURE}[platform]
    for machine in load_catalog().machines(cloud):
        seen = shape(platform, machine)
        assert seen.allocatable.memory_ki < seen.capacity_memory_ki < machine.memory_mib * 1024, machine.name
        assert 0 < seen.allocatable.cpu_milli < machine.vcpu * 1000, machine.name
