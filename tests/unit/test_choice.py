from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kpo_provision import errors
from kpo_provision.catalog.machine import Cloud, EniLimits, MachineType
from kpo_provision.sizing import choice, shape
from kpo_provision.sizing.node import NodeRequest, NodeShape, Platform
from kpo_provision.sizing.pool import PoolDemand, PoolSize, Promise, WarningCode
from kpo_provision.sizing.resources import Resources

GI = 1024 * 1024


def machine(name: str, vcpu: int, gib: int, price: int | None = None, **rest: Any) -> MachineType:
    given = {"cloud": Cloud.GCP, "family": name.partition("-")[0], "memory_mib": gib * 1024, "price_micro_usd": price}
    return MachineType(name=name, vcpu=vcpu, **(given | rest))


N1_4 = machine("n1-standard-4", 4, 15, 190_000)
N2_4 = machine("n2-standard-4", 4, 16, 194_236)
N2_8 = machine("n2-standard-8", 8, 32, 388_472)
N2_16 = machine("n2-standard-16", 16, 64, 776_944)
E2_MEDIUM = machine("e2-medium", 2, 4, 33_510, is_burstable=True)


def node(machine: MachineType, **request: Any) -> NodeShape:
    return shape.shape_node(NodeRequest(**({"platform": Platform.GKE, "version": "1.34"} | request), machine=machine))


def nodes(*machines: MachineType, **request: Any) -> list[NodeShape]:
    return [node(machine, **request) for machine in machines]


def pod(cpu: int, memory_ki: int) -> Resources:
    return Resources(cpu_milli=cpu, memory_ki=memory_ki, pods=1)


def demand(*capacities_au: int, **rest: Any) -> PoolDemand:
    return PoolDemand(
        name="standard",
        promises=tuple(
            Promise(tenant=f"t{n}", resources=Resources(cpu_milli=100 * au, memory_ki=384 * 1024 * au, pods=au))
            for n, au in enumerate(capacities_au)
        ),
        **({"largest_pod": pod(1000, 4 * GI)} | rest),
    )


def codes(size: PoolSize) -> set[WarningCode]:
    return {warning.code for warning in size.warnings}


def refused(wanted: PoolDemand, shapes: list[NodeShape]) -> errors.SizingError:
    with pytest.raises(errors.SizingError) as caught:
        choice.choose(wanted, shapes)
    assert caught.value.exit_code == 3
    return caught.value


def test_cheapest_machine_wins_and_others_say_why_they_lost():
    size = choice.choose(demand(*[10] * 10), nodes(N2_16, N2_4, N2_8))
    costs = [size.micro_usd_per_hour, *(other.micro_usd_per_hour for other in size.alternatives)]
    assert costs == sorted(costs)
    assert len({size.shape.machine.name, *(other.shape.machine.name for other in size.alternatives)}) == 3
    dearer = [other.micro_usd_per_hour > size.micro_usd_per_hour for other in size.alternatives]
    assert ["an hour dearer" in other.why for other in size.alternatives] == dearer
    assert ["costs the same" in other.why for other in size.alternatives] == [not each for each in dearer]


@pytest.mark.parametrize(("cpu", "memory_ki"), [(1, 0), (0, 1)], ids=["a millicore", "a KiB"])
def test_largest_pod_must_fit_a_fresh_node_to_the_last(cpu, memory_ki):
    room = node(N2_4).schedulable
    exact = demand(10, largest_pod=pod(room.cpu_milli, room.memory_ki))
    more = demand(10, largest_pod=pod(room.cpu_milli + cpu, room.memory_ki + memory_ki))
    assert choice.choose(exact, nodes(N2_4, N2_8)).shape.machine is N2_4
    assert choice.choose(more, nodes(N2_4, N2_8)).shape.machine is N2_8


def test_pod_that_fits_no_machine_names_the_nearest_and_what_is_missing():
    room = node(N2_16).schedulable
    lean = machine("m-lean", 2, 1024)
    wanted = demand(10, largest_pod=pod(room.cpu_milli + 30, room.memory_ki + 7))
    error = refused(wanted, nodes(N2_4, N2_16, N2_8, lean))
    assert "n2-standard-16 comes nearest" in str(error)
    assert "30m CPU and 7Ki of memory too little" in str(error)
    assert "nodePools.standard.largestPod" in error.hint


def test_110_pods_win_where_more_cost_the_same_and_spread_better():
    few, many = (choice.choose(demand(*[30] * 30), nodes(N2_8, max_pods=pods)) for pods in (110, 256))
    assert few.nodes_at_promise == many.nodes_at_promise
    assert few.nodes_in_any_order > many.nodes_in_any_order
    assert choice.choose(demand(*[30] * 30), [few.shape, many.shape]).shape.max_pods == 110


def test_fewer_pods_on_a_node_win_where_more_cost_the_same():
    size = choice.choose(demand(10), [*nodes(N2_8, max_pods=256), *nodes(N2_8, max_pods=32), *nodes(N2_8)])
    assert size.shape.max_pods == 32


def test_pod_that_only_allocatable_holds_is_told_what_takes_the_rest():
    wanted = demand(10, largest_pod=pod(3920, 4 * GI), machine_type="n2-standard-4")
    error = refused(wanted, nodes(N2_4))
    assert "450m CPU too little" in str(error)
    assert "what runs on every node takes 450m CPU" in error.hint
    assert "larger machineType" in error.hint


def test_absurd_pod_is_refused_in_full_figures():
    error = refused(demand(10, largest_pod=pod(2**63, 2**63)), nodes(N2_4))
    assert "9223372036854775808m CPU" in str(error)


def test_no_machine_at_all_is_refused():
    assert "has no machine type to choose from" in str(refused(demand(10), []))


def test_reading_allocatable_is_warned_of_where_it_would_have_chosen_smaller():
    size = choice.choose(demand(40, largest_pod=pod(3500, 8 * GI)), nodes(N2_4, N2_8))
    assert size.shape.machine is N2_8
    (warning,) = [each for each in size.warnings if each.code is WarningCode.ALLOCATABLE_IS_NOT_SCHEDULABLE]
    assert warning.sentence.startswith("n2-standard-4 offers 3920m CPU")
    assert "3470m CPU" in warning.sentence


@pytest.mark.parametrize("unfit", [machine("n2-custom", 8, 32), machine("e2-big", 8, 32, 1, is_burstable=True)])
def test_machine_without_price_or_own_cpus_is_used_only_where_it_is_named(unfit):
    assert choice.choose(demand(10), nodes(unfit, N2_8)).shape.machine is N2_8
    assert choice.choose(demand(10, machine_type=unfit.name), nodes(unfit)).shape.machine is unfit
    assert "no machine type that holds its largest pod has a known price" in str(refused(demand(10), nodes(unfit)))


def test_unknown_price_is_no_price():
    size = choice.choose(demand(10, machine_type="own"), nodes(machine("own", 8, 32)))
    assert size.micro_usd_per_hour is None
    assert WarningCode.PRICE_UNKNOWN in codes(size)


def test_spot_pool_pays_the_spot_price():
    dear, cheap = machine("a-8", 8, 32, 100, spot_micro_usd=90), machine("b-8", 8, 32, 300, spot_micro_usd=30)
    assert choice.choose(demand(10), nodes(dear, cheap)).micro_usd_per_node_hour == 100
    assert choice.choose(demand(10, spot=True), nodes(dear, cheap)).micro_usd_per_node_hour == 30


def test_pool_nobody_was_promised_has_no_nodes():
    size = choice.choose(demand(), nodes(N2_4, N2_8))
    assert (size.nodes_at_promise, size.nodes_in_any_order, size.nodes.maximum) == (0, 0, 0)
    assert size.micro_usd_per_hour == 0
    assert size.shape.machine is N2_4


@pytest.mark.parametrize(
    ("limits", "counts"),
    [
        ({"zones": 1}, (0, 7)),
        ({"zones": 3}, (0, 3)),
        ({"zones": 3, "min_nodes": 4}, (2, 3)),
        ({"zones": 3, "min_nodes": 30}, (10, 10)),
        ({"zones": 3, "max_nodes": 20}, (0, 6)),
        ({"zones": 3, "min_nodes": 3, "max_nodes": 99}, (1, 33)),
    ],
)
def test_nodes_are_rounded_to_zones(limits, counts):
    size = choice.choose(demand(*[10] * 20, **limits), nodes(N2_8))
    assert size.nodes_in_any_order == 7
    assert (size.nodes.min_per_zone, size.nodes.max_per_zone) == counts


def test_nodes_that_are_always_there_are_paid_for():
    size = choice.choose(demand(10, zones=3, min_nodes=4), nodes(N2_8))
    assert size.micro_usd_per_hour == 6 * N2_8.price_micro_usd


def test_nodes_that_are_always_there_may_make_smaller_ones_cheaper():
    large, small = machine("a-16", 16, 64, 100), machine("b-8", 8, 32, 60)
    assert choice.choose(demand(*[10] * 8), nodes(large, small)).shape.machine is large
    assert choice.choose(demand(*[10] * 8, min_nodes=2), nodes(large, small)).shape.machine is small


def test_alternatives_are_the_best_ones_although_their_bounds_mislead():
    """Ten pods of 1 CPU: by its sum, 1.48 CPU and 5.2 GiB a node seem to take eight nodes and take ten."""
    misleading = machine("b-2", 2, 8, 13)
    machines = (machine("a-8", 8, 32, 50), misleading, machine("c-8", 8, 32, 55))
    size = choice.choose(demand(*[10] * 10, largest_pod=pod(1000, 3 * GI)), nodes(*machines), compare=1)
    assert size.shape.machine.name == "a-8"
    assert [other.shape.machine.name for other in size.alternatives] == ["c-8"]


@pytest.mark.parametrize(
    ("limits", "sentence"),
    [
        ({"min_nodes": 5, "max_nodes": 4}, "cannot have at least 5 and at most 4 nodes"),
        ({"zones": 3, "min_nodes": 4, "max_nodes": 5}, "in each of 3 zones, 2 at least and 1 at most"),
        ({"zones": 3, "max_nodes": 2}, "in each of 3 zones, 0 at least and 0 at most"),
        ({"max_nodes": 0}, "at least 0 and at most 0"),
        ({"zones": 0}, "0 zones"),
        ({"min_nodes": -1}, "at least -1 nodes"),
    ],
)
def test_contradictory_limits_are_refused(limits, sentence):
    assert sentence in str(refused(demand(10, **limits), nodes(N2_8)))


def test_quotas_beyond_the_pools_maximum_are_warned_of():
    size = choice.choose(demand(*[10] * 20, max_nodes=2), nodes(N2_8))
    assert size.nodes.maximum == 2 < size.nodes_at_promise
    assert WarningCode.QUOTA_NO_POOL_CAN_HOLD in codes(size)


def test_maximum_that_holds_a_good_packing_alone_is_warned_of():
    size = choice.choose(demand(*[10] * 20, max_nodes=6), nodes(N2_8))
    assert size.nodes_at_promise <= 6 < size.nodes_in_any_order
    assert WarningCode.MAXIMUM_NEEDS_GOOD_ORDER in codes(size)


def test_pod_range_too_small_for_the_nodes_is_refused():
    error = refused(demand(*[10] * 20, pod_range_prefix=24, surge_nodes=1), nodes(N2_4, N2_8))
    assert "a pod range of /24 is too small" in str(error)
    assert "podRange" in error.hint


def test_pod_range_chooses_larger_machines_or_smaller_blocks():
    wanted = demand(*[10] * 40, pod_range_prefix=21, surge_nodes=1)
    unlimited = choice.choose(demand(*[10] * 40), nodes(N2_4))
    size = choice.choose(wanted, [*nodes(N2_4, max_pods=110), *nodes(N2_4, max_pods=32)])
    assert unlimited.nodes_at_promise > 7
    assert size.shape.max_pods == 32
    assert size.nodes.range_limit == 32
    assert size.nodes.maximum <= 31


def test_pod_range_counts_surge_nodes():
    wanted = {"pod_range_prefix": 22, "min_nodes": 3}
    assert choice.choose(demand(10, surge_nodes=1, **wanted), nodes(N2_8)).nodes.minimum == 3
    refused(demand(10, surge_nodes=2, **wanted), nodes(N2_8))


def test_more_than_110_pods_are_chosen_only_where_they_pay_for_their_cpu():
    tiny, large = pod(100, 384 * 1024), machine("n2-standard-32", 32, 128, 1_553_888)
    dense = choice.choose(demand(*[30] * 30, largest_pod=tiny), [*nodes(large), *nodes(large, max_pods=256)])
    assert dense.shape.max_pods == 256
    assert WarningCode.MORE_THAN_110_PODS in codes(dense)
    roomy = choice.choose(demand(*[30] * 31, largest_pod=tiny), [*nodes(N2_8), *nodes(N2_8, max_pods=256)])
    assert roomy.shape.max_pods == 110
    assert WarningCode.MORE_THAN_110_PODS not in codes(roomy)


def test_memory_rule_of_gke_1_37_is_warned_of():
    assert WarningCode.GKE_1_37_MEMORY_RULE in codes(choice.choose(demand(10), nodes(N2_8, version="1.37")))
    assert WarningCode.GKE_1_37_MEMORY_RULE not in codes(choice.choose(demand(10), nodes(N2_8, version="1.36")))


def test_astronomers_largest_pod_does_not_fit_astronomers_default_node():
    size = choice.choose(demand(10, largest_pod=None, machine_type="n1-standard-4"), nodes(N1_4))
    assert {WarningCode.AU_MAXIMUM_DOES_NOT_FIT, WarningCode.LARGEST_POD_ASSUMED} <= codes(size)


def test_astronomers_largest_pod_is_planned_for_where_a_quota_allows_it_and_none_is_stated():
    size = choice.choose(demand(40, largest_pod=None), nodes(N1_4, N2_4, N2_8))
    assert size.largest_pod == pod(3500, 35 * 384 * 1024)
    assert size.shape.machine is N2_8
    assert WarningCode.AU_MAXIMUM_DOES_NOT_FIT not in codes(size)


def test_stated_largest_pod_below_every_quota_of_35_au_is_no_surprise():
    assert codes(choice.choose(demand(10), nodes(N2_4))) == set()


@pytest.mark.parametrize(
    ("text", "warned"), [("13.01G", True), ("13.01Gi", False), ("13010000000", False), ("1k", True)]
)
def test_decimal_unit_is_spelled_out(text, warned):
    size = choice.choose(demand(10, largest_memory_text=text), nodes(N2_8))
    assert (WarningCode.UNIT in codes(size)) is warned


def test_decimal_unit_says_both_amounts():
    seed = demand(10, largest_pod=pod(3000, 12705079), largest_memory_text="13.01G")
    (warning,) = choice.choose(seed, nodes(N2_8)).warnings
    assert "13.01G is decimal, 12705079Ki (12.11 GiB)" in warning.sentence
    assert "13.01Gi would be 13641974Ki (13.01 GiB)" in warning.sentence


def test_interfaces_that_give_too_few_addresses_are_warned_of():
    m5 = machine("m5.2xlarge", 8, 32, 384_000, cloud=Cloud.AWS, eni=EniLimits(interfaces=4, addresses=15))
    few = machine("c5.2xlarge", 8, 32, 340_000, cloud=Cloud.AWS, eni=EniLimits(interfaces=2, addresses=10))
    aws = {"platform": Platform.EKS, "version": "1.32"}
    assert WarningCode.ENI_POD_LIMIT in codes(choice.choose(demand(10), nodes(few, **aws)))
    roomy = machine("m5.24xlarge", 4, 16, 384_000, cloud=Cloud.AWS, eni=EniLimits(interfaces=15, addresses=50))
    assert WarningCode.ENI_POD_LIMIT not in codes(choice.choose(demand(10), nodes(roomy, **aws)))
    assert m5.eni is not None


def test_ephemeral_storage_of_the_largest_pod_limits_pods_on_a_node():
    stored = Resources(cpu_milli=100, memory_ki=GI // 4, pods=1, ephemeral_bytes=20 * 2**30)
    lean = choice.choose(demand(10, largest_pod=pod(100, GI // 4)), nodes(N2_8))
    assert lean.nodes_at_promise == 1
    assert choice.choose(demand(10, largest_pod=stored), nodes(N2_8)).nodes_at_promise == 5


def test_compare_says_how_many_others_are_shown():
    shapes = nodes(N1_4, N2_4, N2_8, N2_16)
    assert len(choice.choose(demand(10), shapes, compare=0).alternatives) == 0
    assert len(choice.choose(demand(10), shapes, compare=2).alternatives) == 2
    assert len(choice.choose(demand(10), shapes, compare=99).alternatives) == 3


def test_every_choice_has_its_reasons():
    steps = [reason.step for reason in choice.choose(demand(10), nodes(N2_8)).reasons]
    assert steps == ["machineType", "nodesAtPromise", "nodesInAnyOrder", "nodes"]


capacities = st.lists(st.integers(1, 12), min_size=1, max_size=4)


@settings(max_examples=60)
@given(capacities, st.integers(0, 2**32))
def test_order_in_which_machines_are_listed_decides_nothing(promised, seed):
    shapes = [*nodes(N1_4, N2_4, N2_8, N2_16), *nodes(N2_8, max_pods=32)]
    shuffled = random.Random(seed).sample(shapes, len(shapes))
    assert choice.choose(demand(*promised), shapes) == choice.choose(demand(*promised), shuffled)


@settings(max_examples=60)
@given(capacities)
def test_no_machine_looked_at_alone_is_cheaper_than_the_chosen_one(promised):
    machines = (N1_4, N2_4, N2_8, N2_16)
    alone = {each.name: choice.choose(demand(*promised), nodes(each)).micro_usd_per_hour for each in machines}
    size = choice.choose(demand(*promised), nodes(*machines), compare=3)
    assert size.micro_usd_per_hour == min(alone.values())
    ranked = [size.shape.machine.name, *(other.shape.machine.name for other in size.alternatives)]
    assert [alone[name] for name in ranked] == sorted(alone.values())


@settings(max_examples=60)
@given(capacities, st.integers(0, 3), st.integers(1, 5))
def test_more_promised_never_costs_less(promised, tenant, more):
    shapes = nodes(N2_4, N2_8, N2_16)
    grown = list(promised)
    grown[tenant % len(grown)] += more
    small, large = choice.choose(demand(*promised), shapes), choice.choose(demand(*grown), shapes)
    assert small.gap == large.gap == 0
    assert small.micro_usd_per_hour <= large.micro_usd_per_hour
    assert small.micro_usd_per_hour <= choice.choose(demand(*promised, more), shapes).micro_usd_per_hour
