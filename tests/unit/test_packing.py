from __future__ import annotations

import random
from operator import ge, sub

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kpo_provision.sizing import bounds, exact, packing
from kpo_provision.sizing.mixes import Batch
from kpo_provision.sizing.packing import Room

ROOM = Room(4000, 16000, 12)

pod_sizes = st.tuples(st.integers(0, ROOM.cpu_milli), st.integers(0, ROOM.memory_ki))
batches = st.lists(
    st.builds(lambda size, pods: Batch(*size, pods), pod_sizes, st.integers(1, 30)),
    max_size=12,
    unique_by=lambda b: b[:2],
)


@given(batches, st.integers(0, 3))
def test_packing_places_every_pod_and_overfills_no_node(mix, order):
    fillings = packing.fill_nodes(mix, ROOM, order=packing.list_orders(ROOM)[order])
    placed: dict[tuple[int, int], int] = {}
    for filling in fillings:
        assert sum(batch.cpu_milli * batch.pods for batch in filling.batches) <= ROOM.cpu_milli
        assert sum(batch.memory_ki * batch.pods for batch in filling.batches) <= ROOM.memory_ki
        assert sum(batch.pods for batch in filling.batches) <= ROOM.pods
        for batch in filling.batches:
            placed[batch[:2]] = placed.get(batch[:2], 0) + batch.pods * filling.nodes
    assert placed == {batch[:2]: batch.pods for batch in mix}


@given(batches)
def test_filling_node_by_node_is_first_fit_decreasing(mix):
    """Against first-fit as the textbooks write it: pod by pod, onto the first node with room."""
    order = packing.list_orders(ROOM)[0]
    nodes: list[Room] = []
    for batch in sorted(mix, key=order, reverse=True):
        for _ in range(batch.pods):
            fitting = (place for place, left in enumerate(nodes) if all(map(ge, left, (*batch[:2], 1))))
            place = next(fitting, len(nodes))
            left = nodes.pop(place) if place < len(nodes) else ROOM
            nodes.insert(place, Room(*map(sub, left, (*batch[:2], 1))))
    assert sum(filling.nodes for filling in packing.fill_nodes(mix, ROOM, order=order)) == len(nodes)


@given(batches)
def test_bound_is_never_above_a_packing(mix):
    packed = packing.count_nodes(mix, ROOM)
    assert bounds.bound_by_sums(mix, ROOM) <= bounds.lower_bound(mix, ROOM) <= packed
    assert bounds.sharper_bound(mix, ROOM) <= packed


def test_bound_sees_pods_that_exclude_one_another():
    """Five pods of more than half a node need five nodes, though their sum would fit three."""
    assert bounds.bound_by_sums([Batch(2001, 1, 5)], ROOM) == 3
    assert bounds.lower_bound([Batch(2001, 1, 5)], ROOM) == 5


def test_sharper_bound_sees_gaps_that_other_pods_fill_in_part():
    """Three pods of 1.2 CPU leave 0.4 CPU of each node, which two dozen small pods do not make up for."""
    mix = [Batch(1200, 1, 90), Batch(300, 1, 60)]
    assert bounds.lower_bound(mix, ROOM) == 32
    assert bounds.sharper_bound(mix, ROOM) == packing.count_nodes(mix, ROOM) == 33


def test_bound_sees_that_whole_pods_leave_gaps():
    """Three pods of 1.2 CPU fit a node of 4, never 3.3 of them."""
    assert bounds.lower_bound([Batch(1200, 1, 100)], ROOM) == 34


def test_search_that_gives_up_says_what_it_knows():
    rng = random.Random(7)
    pods = [(rng.randrange(300, 2200), rng.randrange(1500, 9000)) for _ in range(60)]
    mix = [Batch(*pod, 1) for pod in pods]
    known = exact.Count(1, packing.count_nodes(mix, ROOM))
    count = exact.count_nodes(mix, ROOM, known)
    assert known.at_least <= count.at_least < count.at_most == known.at_most


def test_many_equal_pods_take_no_longer_than_a_few():
    assert packing.count_nodes([Batch(1000, 4000, 4 * 10**15)], ROOM) == 10**15


def test_pod_that_fits_no_node_is_refused():
    with pytest.raises(ValueError, match="does not fit an empty node"):
        packing.count_nodes([Batch(4001, 1, 1)], ROOM)


@settings(max_examples=200)
@given(batches, pod_sizes)
def test_another_pod_never_lowers_the_bound(mix, size):
    assert bounds.lower_bound(mix, ROOM) <= bounds.lower_bound([*mix, Batch(*size, 1)], ROOM)
