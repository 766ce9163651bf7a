"""The autoscaler's maximum: whatever the pods of the promises are and however they come, each finds a node."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kpo_provision.sizing import spread
from kpo_provision.sizing.packing import Room
from kpo_provision.sizing.pool import PoolDemand, Promise
from kpo_provision.sizing.resources import Resources

Pod = tuple[int, int]
Placing = Callable[[random.Random, list[list[int]]], list[int]]

PLACINGS: dict[str, Placing] = {
    "spread": lambda _, fitting: max(fitting, key=lambda node: (node[0], node[1])),
    "best fit": lambda _, fitting: min(fitting, key=lambda node: (node[0], node[1])),
    "most memory left": lambda _, fitting: max(fitting, key=lambda node: node[1]),
    "random": lambda rng, fitting: rng.choice(fitting),
}


def make_promise(cpu: int, memory: int, pods: int) -> Promise:
    return Promise(tenant="t", resources=Resources(cpu_milli=cpu, memory_ki=memory, pods=pods))


def count_nodes(promises: list[Promise], largest: Pod, room: Room) -> int:
    pod = spread.largest_possible_pod(promises, Resources(cpu_milli=largest[0], memory_ki=largest[1], pods=1))
    promised = PoolDemand(name="pool", promises=tuple(promises)).promised
    return spread.count_nodes_in_any_order(promised, pod, room)


def draw_pods(rng: random.Random, promise: Resources, largest: Pod, *, small: bool) -> list[Pod]:
    """Use a promise in some way: small pods first, or large ones, or lean ones that leave the rest to another."""
    cpu, memory, pods = promise.cpu_milli, promise.memory_ki, []
    for left in range(promise.pods, 0, -1):
        most = min(cpu, largest[0]), min(memory, largest[1])
        if small and left > 2:
            most = most[0] // rng.randint(1, 4), most[1] // rng.randint(1, 4)
        kind = rng.randrange(4)
        pod = (
            rng.choice([most[0], rng.randint(0, most[0])]) if kind != 1 else 0,
            rng.choice([most[1], rng.randint(0, most[1])]) if kind != 2 else 0,
        )
        cpu, memory = cpu - pod[0], memory - pod[1]
        pods.append(pod)
    return pods


def place_all(pods: list[Pod], room: Room, nodes: int, placing: Placing, rng: random.Random) -> Pod | None:
    """Place pods one by one as ``placing`` likes; return the first that fits nowhere."""
    rooms = [list(room) for _ in range(nodes)]
    for pod in pods:
        fitting = [node for node in rooms if pod[0] <= node[0] and pod[1] <= node[1] and node[2] > 0]
        if not fitting:
            return pod
        node = placing(rng, fitting)
        node[0], node[1], node[2] = node[0] - pod[0], node[1] - pod[1], node[2] - 1
    return None


@settings(max_examples=500)
@given(
    st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60), st.integers(1, 12)), min_size=1, max_size=5),
    st.tuples(st.integers(1, 40), st.integers(1, 40)),
    st.tuples(st.integers(0, 15), st.integers(0, 15), st.integers(1, 8)),
    st.sampled_from(sorted(PLACINGS)),
    st.booleans(),
    st.integers(0, 2**32),
)
def test_every_pod_finds_a_node_in_any_order(quotas, largest, spare, placing, small, seed):
    rng = random.Random(seed)
    room = Room(largest[0] + spare[0], largest[1] + spare[1], spare[2])
    promises = [make_promise(*quota) for quota in quotas]
    nodes = count_nodes(promises, largest, room)
    pods = [pod for promise in promises for pod in draw_pods(rng, promise.resources, largest, small=small)]
    for order in (list, sorted, lambda pods: sorted(pods, reverse=True), lambda pods: rng.sample(pods, len(pods))):
        assert place_all(order(pods), room, nodes, PLACINGS[placing], rng) is None


def test_a_spreading_scheduler_needs_more_than_a_packing_one():
    """Nine small pods, one a node, keep a pod as large as a node off all of them; the tenth node holds it."""
    promises = [make_promise(9, 9, 9), make_promise(100, 100, 1)]
    largest = (100, 100)
    room = Room(100, 100, 10)
    assert count_nodes(promises, largest, room) == 10
    pods = [(1, 1)] * 9 + [(100, 100)]
    spreading = PLACINGS["spread"]
    assert place_all(pods, room, 9, spreading, random.Random(0)) == (100, 100)
    assert place_all(pods, room, 10, spreading, random.Random(0)) is None


@pytest.mark.parametrize(
    ("promises", "nodes"),
    [
        ([], 0),
        ([make_promise(100, 100, 1)], 1),
        ([make_promise(100, 100, 1)] * 7, 7),
        ([make_promise(10, 10, 1)] * 7, 1),
        ([make_promise(0, 0, 5)], 2),
        ([make_promise(2**63, 2**63, 2**63)], 2**63),
    ],
    ids=["nothing", "one pod", "as many as pods", "all on one node", "by pods alone", "absurd"],
)
def test_known_maxima(promises, nodes):
    room = Room(100, 100, 4) if promises[:1] == [make_promise(0, 0, 5)] else Room(100, 100, 10)
    largest = (100, 100)
    assert count_nodes(promises, largest, room) == nodes


@given(st.integers(1, 50), st.integers(1, 50), st.integers(1, 20), st.integers(1, 100), st.integers(1, 100))
def test_more_promised_never_needs_fewer_nodes(cpu, memory, pods, largest_cpu, largest_memory):
    largest = (largest_cpu, largest_memory)
    room = Room(120, 120, 10)
    one = [make_promise(cpu, memory, pods)]
    more = [make_promise(cpu + 1, memory + 1, pods + 1)]
    few = count_nodes(one, largest, room)
    assert few <= count_nodes(more, largest, room)
    assert few <= count_nodes([*one, *one], largest, room)
