"""Real nodes: given their capacity, what is allocatable comes out to the KiB and the millicore."""

import csv
from pathlib import Path

import pytest

from kpo_provision.catalog import Cloud, EniLimits, MachineType
from kpo_provision.sizing import capacity
from kpo_provision.sizing.node import NodeImage, NodeRequest, NodeShape, Platform, PodNetworking, Reservations
from kpo_provision.sizing.shape import shape_node

DATA = Path(__file__).parent / "data"
GIB_KI = 2**20
K8S_72762 = Reservations(
    kube_cpu_milli=500, kube_memory_ki=2 * GIB_KI, system_memory_ki=GIB_KI, eviction_memory_ki=500 * 1024
)


def read_rows(name: str) -> list[dict[str, str]]:
    with (DATA / name).open(encoding="utf-8") as stream:
        return list(csv.DictReader(line for line in stream if not line.startswith("#")))


def identify(row: dict[str, str]) -> str:
    return f"{row['platform']}-{row['machine']}-{row['version']}-{row.get('capacity_ki') or row.get('capacity_gib')}"


def to_request(row: dict[str, str], *, capacity_ki: int | None) -> NodeRequest:
    options = row.get("options", "")
    machine = MachineType(
        cloud=Cloud.OWN,
        name=row["machine"],
        family="",
        vcpu=int(row["vcpu"]),
        memory_mib=int(row["memory_mib"]),
        architecture="arm64" if options == "arm64" else "amd64",
        eni=EniLimits(interfaces=int(row["enis"]), addresses=int(row["ips"])) if row["enis"] else None,
    )
    return NodeRequest(
        platform=Platform(row["platform"]),
        machine=machine,
        version=row["version"] or None,
        image=NodeImage.AL2 if options == "al2" else None,
        max_pods=int(row["max_pods"]) if row.get("max_pods") else None,
        capacity_ki=capacity_ki,
        image_streaming=options == "image_streaming",
        networking=PodNetworking.PREFIX if options == "prefix" else PodNetworking.ENI,
        reservations=K8S_72762 if options == "reserved" else None,
    )


def shape_observed(row: dict[str, str]) -> NodeShape:
    return shape_node(to_request(row, capacity_ki=int(row["capacity_ki"])))


def to_hundredth_permille(ki: int, gib: str) -> int:
    return abs(ki * 100_000 // GIB_KI - round(float(gib) * 100_000))


OBSERVED = read_rows("node_observed.csv")
WITH_CAPACITY = [row for row in OBSERVED if row["capacity_ki"]]
FLEET = read_rows("node_fleet.csv")


@pytest.mark.parametrize("row", WITH_CAPACITY, ids=identify)
def test_allocatable_of_a_real_node_comes_out_to_the_kib(row: dict[str, str]) -> None:
    shape = shape_observed(row)
    assert (shape.allocatable.memory_ki, shape.allocatable.cpu_milli) == (
        int(row["allocatable_ki"]),
        int(row["cpu_milli"]),
    )


@pytest.mark.parametrize("row", [row for row in OBSERVED if row["disk_gib"]], ids=identify)
def test_ephemeral_storage_of_a_real_gke_node_comes_out_to_the_byte(row: dict[str, str]) -> None:
    shape = shape_node(to_request(row, capacity_ki=None))
    assert shape.capacity_ephemeral_bytes == int(row["ephemeral_capacity_ki"]) * 1024
    assert shape.allocatable.ephemeral_bytes == int(row["ephemeral_bytes"])


@pytest.mark.parametrize("row", FLEET, ids=identify)
def test_allocatable_of_a_fleet_comes_out_within_its_rounding(row: dict[str, str]) -> None:
    capacity_ki = round(float(row["capacity_gib"]) * GIB_KI)
    shape = shape_node(to_request(row, capacity_ki=capacity_ki))
    assert to_hundredth_permille(shape.allocatable.memory_ki, row["allocatable_gib"]) <= 110
    assert shape.allocatable.cpu_milli == int(row["cpu_milli"])


@pytest.mark.parametrize("row", [row for row in OBSERVED if row["platform"] == "gke"], ids=identify)
def test_predicted_capacity_of_a_gke_node_is_within_three_permille(row: dict[str, str]) -> None:
    shape = shape_node(to_request(row, capacity_ki=None))
    if row["capacity_ki"]:
        assert abs(shape.capacity_memory_ki - int(row["capacity_ki"])) * 1000 <= 3 * int(row["capacity_ki"])
    assert abs(shape.allocatable.memory_ki - int(row["allocatable_ki"])) * 1000 <= 3 * int(row["allocatable_ki"])


@pytest.mark.parametrize("row", [row for row in FLEET if row["platform"] == "gke"], ids=identify)
def test_predicted_capacity_of_a_gke_fleet_is_within_three_permille(row: dict[str, str]) -> None:
    shape = shape_node(to_request(row, capacity_ki=None))
    assert abs(shape.capacity_memory_ki / GIB_KI / float(row["capacity_gib"]) - 1) <= 0.003


@pytest.mark.parametrize(
    "row",
    [row for row in WITH_CAPACITY if row["platform"] != "gke"] + [row for row in FLEET if row["platform"] != "gke"],
    ids=identify,
)
def test_predicted_capacity_elsewhere_is_never_more_than_the_node_had(row: dict[str, str]) -> None:
    shape = shape_node(to_request(row, capacity_ki=None))
    seen_ki = int(row["capacity_ki"]) if "capacity_ki" in row else round((float(row["capacity_gib"]) - 0.0005) * GIB_KI)
    assert seen_ki * 0.93 <= shape.capacity_memory_ki <= seen_ki


@pytest.mark.parametrize(
    ("machine", "memory_mib", "allocatable_gib"),
    [
        ("n1-standard-1", 3840, 2.56),
        ("n1-standard-2", 7680, 5.48),
        ("n1-standard-4", 15360, 12.07),
        ("n1-standard-8", 30720, 25.89),
        ("n1-standard-16", 61440, 53.57),
        ("n1-standard-32", 122880, 109.03),
        ("n1-standard-64", 245760, 224.45),
    ],
)
def test_predicted_allocatable_agrees_with_a_published_list(
    machine: str, memory_mib: int, allocatable_gib: float
) -> None:
    asked = MachineType(
        cloud=Cloud.GCP, name=machine, family="n1", vcpu=int(machine.rsplit("-", 1)[1]), memory_mib=memory_mib
    )
    shape = shape_node(NodeRequest(platform=Platform.GKE, machine=asked, version="1.29"))
    assert abs(shape.allocatable.memory_ki / GIB_KI - allocatable_gib) <= max(0.011, allocatable_gib / 1000)


@pytest.mark.parametrize("machine", sorted({row["machine"] for row in FLEET if row["platform"] != "gke"}))
def test_predicted_capacity_of_a_machine_type_seen_elsewhere_is_the_least_of_it(machine: str) -> None:
    rows = [row for row in (*WITH_CAPACITY, *FLEET) if row["machine"] == machine]
    least_gib = min(
        int(row["capacity_ki"]) / GIB_KI if "capacity_ki" in row else float(row["capacity_gib"]) for row in rows
    )
    shape = shape_node(to_request(rows[0], capacity_ki=None))
    assert abs(shape.capacity_memory_ki / GIB_KI / least_gib - 1) <= 0.0005


@pytest.mark.parametrize("row", [row for row in WITH_CAPACITY if row["platform"] != "gke"], ids=identify)
def test_estimate_for_a_machine_type_never_seen_stays_below_every_node_seen(row: dict[str, str]) -> None:
    shape = shape_node(to_request(row | {"machine": "never-seen"}, capacity_ki=None))
    assert shape.capacity_memory_ki <= int(row["capacity_ki"])


@pytest.mark.parametrize(
    ("share", "memory_mib", "is_arm", "hidden_ki"),
    [
        (capacity.EC2, 1024, False, 114688),
        (capacity.EC2, 4096, False, 314573),
        (capacity.EC2, 4096, True, 375194),
        (capacity.EC2, 65536, False, 2738881),
        (capacity.AZURE, 1024, False, 114688),
        (capacity.AZURE, 2048, False, 157287),
        (capacity.AZURE, 16384, False, 565707),
        (capacity.AZURE, 16384, True, 631243),
    ],
)
def test_estimate_of_hidden_memory_is_rounded_up(
    share: capacity.HiddenShare, memory_mib: int, is_arm: bool, hidden_ki: int
) -> None:
    assert share.hide_ki(memory_mib, is_arm=is_arm) == hidden_ki
