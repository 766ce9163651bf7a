"""``size node`` as a command: its keys, its staircase, and how it refuses."""

import json
import os
from typing import Any

import pytest

from tests import commands

KEYS = {
    "platform",
    "machineType",
    "vcpu",
    "nominalMemoryMiB",
    "capacityMemoryKi",
    "allocatableMemoryKi",
    "allocatableCpuMilli",
    "allocatableEphemeralBytes",
    "maxPods",
    "kubeReservedMemoryMiB",
    "kubeReservedCpuMilli",
    "evictionMemoryMiB",
    "schedulableCpuMilli",
    "schedulableMemoryKi",
    "podCidrPrefix",
    "reasons",
}
N1 = ["--platform", "gke", "--machine", "n1-standard-4"]


def run(*arguments: str, **environ: str) -> commands.Answer:
    return commands.run("size", "node", *arguments, environ={**os.environ, **environ})


def ask(*arguments: str) -> dict[str, Any]:
    answer = run(*arguments, "-o", "json")
    assert answer.returncode == 0, answer.stderr
    document: dict[str, Any] = json.loads(answer.stdout)
    return document


def test_json_has_the_promised_keys_and_whole_numbers() -> None:
    node = ask(*N1, "--version", "1.36")
    assert set(node) >= KEYS
    assert node["schema"] == "kpo-provision/node/v1"
    assert [key for key in KEYS if isinstance(node[key], float)] == []
    assert (node["kubeReservedMemoryMiB"], node["kubeReservedCpuMilli"], node["podCidrPrefix"]) == (2536, 80, 24)


def test_json_of_an_observed_node_carries_what_its_kubelet_said() -> None:
    node = ask("--platform", "gke", "--machine", "n2-highmem-4", "--version", "1.25", "--capacity-ki", "32880872")
    assert (node["allocatableMemoryKi"], node["allocatableCpuMilli"]) == (29085928, 3920)
    assert node["allocatableEphemeralBytes"] == 47060071478
    assert node["vcpu"] == 4


def test_machine_unknown_to_the_catalog_is_taken_as_described() -> None:
    described = ["--machine", "own-4", "--vcpu", "4", "--memory-mib", "16384"]
    own = ask("--platform", "gke", *described, "--version", "1.36")
    known = ask("--platform", "gke", "--machine", "n2-standard-4", "--version", "1.36")
    assert own["machineType"] == "own-4"
    assert own["allocatableMemoryKi"] == known["allocatableMemoryKi"]


def test_described_interfaces_give_the_pods_of_an_unknown_ec2_machine() -> None:
    described = ["--machine", "z9.large", "--vcpu", "2", "--memory-mib", "8192", "--enis", "3", "--ips-per-eni", "10"]
    assert ask("--platform", "eks", *described)["kubeReservedMemoryMiB"] == 574


def test_reservations_of_ones_own_are_given_as_quantities() -> None:
    node = ask(
        *("--platform", "custom", "--vcpu", "14", "--memory-mib", "32768", "--capacity-ki", "32780296"),
        *("--kube-reserved-memory", "2Gi", "--kube-reserved-cpu", "500m"),
        *("--system-reserved-memory", "1Gi", "--eviction-memory", "500Mi"),
    )
    assert (node["allocatableMemoryKi"], node["allocatableCpuMilli"]) == (29122568, 13500)


def test_overhead_as_given_is_taken_off_and_the_rest_is_the_usual() -> None:
    node = ask(*N1, "--overhead-cpu", "884m")
    assert node["allocatableCpuMilli"] - node["schedulableCpuMilli"] == 884
    assert node["allocatableMemoryKi"] - node["schedulableMemoryKi"] == 650 * 1024


def test_numbers_that_contradict_the_catalog_win_and_are_warned_of() -> None:
    node = ask(*N1, "--memory-mib", "16384")
    assert node["nominalMemoryMiB"] == 16384
    assert any("15360, not 16384" in warning for warning in node["warnings"])


@pytest.mark.parametrize("columns", ["40", "63", "80", "120"])
def test_text_fits_the_terminal_and_shows_every_step(columns: str) -> None:
    answer = run(*N1, "--version", "1.36", COLUMNS=columns)
    assert answer.returncode == 0
    assert max(map(len, answer.stdout.splitlines())) <= int(columns)
    for step in ("nominal", "capacity", "allocatable", "schedulable", "largest pod"):
        assert step in answer.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["--platform", "gke", "--machine", "n1-standrd-4"], 3, "n1-standard-4"),
        (["--platform", "k3s", "--machine", "m5.larg"], 3, "m5.large"),
        (["--platform", "gke"], 3, "memory"),
        (["--platform", "custom", "--vcpu", "4"], 3, "memory"),
        ([*N1, "--version", "1.334"], 3, "1.36"),
        ([*N1, "--max-pods", "7"], 3, "8 to 256"),
        ([*N1, "--max-pods", "257"], 3, "8 to 256"),
        ([*N1, "--capacity-ki", "15728641"], 3, "more than all"),
        ([*N1, "--capacity-ki", "1"], 3, "less than half"),
        ([*N1, "--capacity-ki", "0"], 2, "--capacity-ki"),
        ([*N1, "--capacity-ki", "-5"], 2, "--capacity-ki"),
        ([*N1, "--vcpu", "9223372036854775808"], 3, "8,192"),
        ([*N1, "--disk-gib", "9" * 5000], 2, "--disk-gib"),
        ([*N1, "--kube-reserved-memory", "1GB"], 2, "1Gi"),
        ([*N1, "--kube-reserved-memory", "-1Gi"], 2, "negative"),
        ([*N1, "--kube-reserved-memory", "20Gi"], 3, "are missing"),
        ([*N1, "--os", "al2023"], 3, "cos and ubuntu"),
        (["--platform", "eks", "--machine", "m5.large", "--enis", "3"], 2, "--ips-per-eni"),
    ],
    ids=lambda value: " ".join(value)[:60] if isinstance(value, list) else str(value),
)
def test_bad_input_is_refused_in_one_sentence(arguments: list[str], code: int, says: str) -> None:
    answer = run(*arguments)
    assert answer.returncode == code
    assert answer.stdout == ""
    assert says in answer.stderr
    assert "Traceback" not in answer.stderr
    assert "hint:" in answer.stderr


def test_platforms_and_images_offered_are_those_that_are_known() -> None:
    from kpo_provision.cli.commands import size_node
    from kpo_provision.sizing.node import NodeImage, Platform, PodNetworking

    assert tuple(Platform) == size_node.PLATFORMS
    assert tuple(NodeImage) == size_node.IMAGES
    assert tuple(PodNetworking) == size_node.NETWORKINGS
