"""Every platform's formulas against the vectors of the platform's own tests and documents."""

import csv
from collections.abc import Callable
from pathlib import Path

import pytest

from kpo_provision.catalog import EniLimits
from kpo_provision.sizing import cidr, ephemeral
from kpo_provision.sizing.platforms import aks, eks, gke

DATA = Path(__file__).parent / "data"


def read_rows(name: str) -> list[dict[str, str]]:
    with (DATA / name).open(encoding="utf-8") as stream:
        return list(csv.DictReader(line for line in stream if not line.startswith("#")))


FORMULAS: dict[str, Callable[[int, int, set[str]], int]] = {
    "gke_memory": lambda a, _b, flags: gke.kube_memory_mib(a, image_streaming="streaming" in flags),
    "gke_cpu": lambda a, b, flags: gke.kube_cpu_milli(a, name=next(iter(flags), "n1"), max_pods=b),
    "gke_memory_v2": lambda a, b, flags: gke.kube_memory_v2_mib(
        a, max_pods=b, is_ubuntu="ubuntu" in flags, image_streaming="streaming" in flags
    ),
    "gke_cpu_v2": lambda a, b, flags: gke.kube_cpu_v2_milli(a, name=next(iter(flags), "n1"), max_pods=b),
    "gke_disk": lambda a, _b, _flags: gke.kube_disk_gib(a),
    "gke_ssd": lambda a, _b, _flags: gke.kube_ssd_gib(a),
    "image_disk": lambda a, _b, flags: ephemeral.estimate_hidden_bytes(a, is_ubuntu="ubuntu" in flags),
    "eni_pods": lambda a, b, _flags: eks.eni_pods(EniLimits(interfaces=a, addresses=b)),
    "prefix_pods": lambda a, b, _flags: eks.prefix_pods(EniLimits(interfaces=a, addresses=b)),
    "custom_network_pods": lambda a, b, _flags: eks.custom_network_pods(EniLimits(interfaces=a, addresses=b)),
    "eks_memory": lambda a, _b, _flags: eks.kube_memory_mib(a),
    "eks_cpu": lambda a, _b, _flags: eks.kube_cpu_milli(a),
    "aks_memory": lambda a, b, _flags: aks.kube_memory_mib(a, max_pods=b),
    "aks_old_memory": lambda a, _b, _flags: aks.kube_memory_until_1_28_mib(a),
    "aks_cpu": lambda a, _b, _flags: aks.kube_cpu_milli(a),
    "pod_prefix": lambda a, _b, _flags: cidr.node_prefix(a),
    "pod_range_nodes": lambda a, b, _flags: cidr.node_count(a, max_pods=b),
}


@pytest.mark.parametrize(
    "row", read_rows("node_formulas.csv"), ids=lambda row: f"{row['function']}-{row['a']}-{row['b']}-{row['flags']}"
)
def test_formula_gives_what_its_platform_gives(row: dict[str, str]) -> None:
    flags = set(row["flags"].split())
    assert FORMULAS[row["function"]](int(row["a"]), int(row["b"] or 0), flags) == int(row["expected"])


@pytest.mark.parametrize("row", read_rows("node_ephemeral.csv"), ids=lambda row: row["capacity_ki"])
def test_kubelet_offers_ephemeral_storage_to_the_byte(row: dict[str, str]) -> None:
    capacity_bytes = int(row["capacity_ki"]) * 1024
    held_bytes = int(row["kube_reserved_gib"]) * 2**30 + ephemeral.eviction_bytes(capacity_bytes, 10)
    assert capacity_bytes - held_bytes == int(row["allocatable_bytes"])


@pytest.mark.parametrize(
    ("wanted_bytes", "disk_gib"),
    [(84 * 2**30, 174), (400 * 2**30, 569), (50 * 2**20, 10)],
    ids=["84GiB", "400GiB", "50MiB"],
)
def test_smallest_boot_disk_for_ephemeral_storage_is_what_the_autoscaler_finds(
    wanted_bytes: int, disk_gib: int
) -> None:
    def offer(size_gib: int) -> int:
        size_bytes = size_gib * 2**30
        capacity_bytes = size_bytes - ephemeral.estimate_hidden_bytes(size_bytes, is_ubuntu=False)
        return capacity_bytes - gke.kube_disk_gib(size_gib) * 2**30 - ephemeral.eviction_bytes(capacity_bytes, 10)

    assert next(size for size in range(10, 1000) if offer(size) >= wanted_bytes) == disk_gib
