"""Small instances against brute force, which is written from the definitions and shares nothing with the product."""

from __future__ import annotations

import random

import pytest

from kpo_provision.catalog.machine import Cloud, MachineType
from kpo_provision.sizing import bounds, choice, exact, packing
from kpo_provision.sizing.mixes import Batch
from kpo_provision.sizing.node import NodeShape, Platform
from kpo_provision.sizing.packing import Room
from kpo_provision.sizing.pool import PoolDemand, Promise
from kpo_provision.sizing.resources import Resources

AU_CPU, AU_MEMORY = 100, 384 * 1024


def fewest_by_brute_force(pods: list[tuple[int, int]], room: Room) -> int:
    """Try every way to put pods on nodes; written from the definition, shares nothing with the product."""
    best = len(pods)

    def place(index: int, nodes: list[list[tuple[int, int]]]) -> None:
        nonlocal best
        if len(nodes) >= best and index < len(pods):
            return
        if index == len(pods):
            best = min(best, len(nodes))
            return
        for node in nodes:
            node.append(pods[index])
            if (
                sum(cpu for cpu, _ in node) <= room.cpu_milli
                and sum(memory for _, memory in node) <= room.memory_ki
                and len(node) <= room.pods
            ):
                place(index + 1, nodes)
            node.pop()
        place(index + 1, [*nodes, [pods[index]]])

    place(0, [])
    return best


def as_batches(pods: list[tuple[int, int]]) -> list[Batch]:
    return [Batch(*pod, pods.count(pod)) for pod in sorted(set(pods))]


def use_up(promise_au: int, largest: tuple[int, int]) -> list[tuple[int, int]]:
    """The fewest pods that use a promise up, one after the other."""
    cpu, memory, pods = promise_au * AU_CPU, promise_au * AU_MEMORY, []
    while len(pods) < promise_au and (cpu or memory):
        pods.append((min(cpu, largest[0]), min(memory, largest[1])))
        cpu, memory = cpu - pods[-1][0], memory - pods[-1][1]
    return pods


def cheapest_by_brute_force(promises: list[int], largest: tuple[int, int], machines: list[tuple[Room, int]]) -> int:
    mixes = (
        [pod for promise in promises for pod in use_up(promise, largest)],
        [(min(AU_CPU, largest[0]), min(AU_MEMORY, largest[1])) for promise in promises for _ in range(promise)],
    )
    return min(
        price * max(fewest_by_brute_force(pods, room) for pods in mixes)
        for room, price in machines
        if largest[0] <= room.cpu_milli and largest[1] <= room.memory_ki
    )


@pytest.mark.parametrize("seed", range(200))
def test_search_finds_the_fewest_nodes(seed):
    rng = random.Random(seed)
    pods = [(rng.randrange(100, 3000, 100), rng.randrange(500, 12000, 500)) for _ in range(rng.randint(1, 8))]
    room = Room(4000, 16000, rng.randint(2, 6))
    mix = as_batches(pods)
    best = fewest_by_brute_force(pods, room)
    assert bounds.lower_bound(mix, room) <= best <= packing.count_nodes(mix, room)
    assert bounds.sharper_bound(mix, room) <= best
    assert exact.count_nodes(mix, room, exact.Count(1, len(pods))) == (best, best)


@pytest.mark.parametrize("seed", range(200))
def test_cost_is_the_cheapest_there_is(seed):
    """At most 3 % above the optimum over all machines and packings, and never below what is needed."""
    rng = random.Random(seed)
    promises = [rng.randint(1, 4) for _ in range(rng.randint(1, 3))]
    largest = (rng.randrange(60, 330), rng.randrange(AU_MEMORY // 2, 3 * AU_MEMORY, 1024))
    machines = [
        (Room(rng.randrange(100, 1000), rng.randrange(AU_MEMORY, 8 * AU_MEMORY), rng.randint(1, 6)), rng.randint(1, 99))
        for _ in range(5)
    ]
    machines.append((Room(*largest, 1), 60))
    size = choice.choose(
        PoolDemand(
            name="pool",
            promises=tuple(
                Promise(tenant=str(n), resources=Resources(cpu_milli=au * AU_CPU, memory_ki=au * AU_MEMORY, pods=au))
                for n, au in enumerate(promises)
            ),
            largest_pod=Resources(cpu_milli=largest[0], memory_ki=largest[1], pods=1),
        ),
        [make_shape(f"machine-{n}", room, price) for n, (room, price) in enumerate(machines)],
    )
    optimum = cheapest_by_brute_force(promises, largest, machines)
    assert size.micro_usd_per_hour is not None
    assert optimum <= size.micro_usd_per_hour <= 1.03 * optimum
    assert size.lower_bound <= size.nodes_at_promise <= size.nodes_in_any_order


def make_shape(name: str, room: Room, price: int) -> NodeShape:
    offered = Resources(cpu_milli=room.cpu_milli, memory_ki=room.memory_ki, pods=room.pods)
    return NodeShape(
        platform=Platform.CUSTOM,
        machine=MachineType(cloud=Cloud.OWN, name=name, family=name, vcpu=1, memory_mib=1, price_micro_usd=price),
        version=None,
        capacity_memory_ki=room.memory_ki,
        allocatable=offered,
        overhead=Resources(),
        schedulable=offered,
        max_pods=room.pods,
        kube_reserved_memory_mib=0,
        kube_reserved_cpu_milli=0,
        eviction_memory_mib=0,
        pod_cidr_prefix=None,
        reasons=(),
    )
