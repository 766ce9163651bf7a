from __future__ import annotations

import pytest

from kpo_provision.sizing import pods
from kpo_provision.sizing.pods import Amounts, Container, ContainerDefaults, PodSpec
from kpo_provision.sizing.resources import Resources

MI = 1024
ONE_AU = Amounts(cpu_milli=100, memory_ki=384 * MI)
LIMIT_RANGE = ContainerDefaults(requests=ONE_AU, limits=ONE_AU)


def ask(cpu: int, memory_mib: int = 0, *, sidecar: bool = False) -> Container:
    return Container(requests=Amounts(cpu_milli=cpu, memory_ki=memory_mib * MI), is_sidecar=sidecar)


def count(*containers: Container, init: tuple[Container, ...] = (), **rest) -> tuple[int, int]:
    request = pods.effective_request(PodSpec(containers=containers, init_containers=init, **rest))
    return request.cpu_milli, request.memory_ki // MI


@pytest.mark.parametrize(
    ("init", "cpu"),
    [
        ((), 300),
        ((ask(200),), 300),
        ((ask(900), ask(700)), 900),
        ((ask(50, sidecar=True),), 350),
        ((ask(50, sidecar=True), ask(900)), 950),
        ((ask(900), ask(50, sidecar=True)), 900),
        ((ask(50, sidecar=True), ask(100), ask(60, sidecar=True), ask(800), ask(70, sidecar=True)), 910),
        ((ask(50, sidecar=True), ask(60, sidecar=True), ask(100)), 410),
    ],
    ids=["none", "smaller", "largest alone", "sidecar", "sidecar first", "sidecar last", "in between", "app larger"],
)
def test_init_container_runs_beside_the_sidecars_started_before_it(init, cpu):
    assert count(ask(100), ask(200), init=init)[0] == cpu


def test_each_resource_has_its_own_peak():
    assert count(ask(1000, 100), init=(ask(10, 4000),)) == (1000, 4000)


def test_overhead_of_the_runtime_comes_on_top_of_the_peak():
    overhead = Resources(cpu_milli=250, memory_ki=120 * MI)
    assert count(ask(100, 100), init=(ask(900, 10),), overhead=overhead) == (1150, 220)


def test_every_pod_counts_as_one():
    assert pods.effective_request(PodSpec(containers=(ask(1), ask(1)))).pods == 1


def test_missing_request_is_the_limit_and_not_the_limit_ranges_default():
    limited = Container(limits=Amounts(cpu_milli=2000, memory_ki=4096 * MI))
    assert count(limited, defaults=LIMIT_RANGE) == (2000, 4096)


def test_container_that_says_nothing_gets_the_limit_ranges_default():
    assert count(Container(), defaults=LIMIT_RANGE) == (100, 384)
    assert count(Container()) == (0, 0)


def test_what_the_pod_states_as_a_whole_replaces_the_sum_of_its_containers():
    assert count(ask(100, 100), ask(100, 100), requests=Amounts(cpu_milli=500)) == (500, 200)


def test_limit_of_the_whole_pod_is_its_request_where_no_container_states_one():
    whole = Amounts(cpu_milli=2000, memory_ki=1024 * MI)
    assert count(Container(), defaults=LIMIT_RANGE, limits=whole) == (2000, 1024)
    assert count(ask(300, 200), Container(), defaults=LIMIT_RANGE, limits=whole) == (300, 200)


def test_xcom_sidecar_requests_little_and_is_limited_to_one_au():
    pod = PodSpec(containers=(ask(1000, 1024),), defaults=LIMIT_RANGE)
    with_xcom = pods.add_containers(pod, pods.XCOM_SIDECAR)
    assert pods.effective_request(with_xcom) == Resources(cpu_milli=1001, memory_ki=1034 * MI, pods=1)
    beside = pods.effective_limit(with_xcom) - pods.effective_limit(pod)
    assert (beside.cpu_milli, beside.memory_ki) == (100, 384 * MI)


def test_mesh_costs_a_quota_more_than_a_node():
    pod = pods.add_containers(PodSpec(containers=()), pods.MESH_SIDECAR)
    assert pods.effective_request(pod) == Resources(cpu_milli=100, memory_ki=128 * MI, pods=1)
    assert pods.effective_limit(pod) == Resources(cpu_milli=2000, memory_ki=1024 * MI, pods=1)


def test_overhead_counts_towards_limits_only_where_there_is_one():
    overhead = Resources(cpu_milli=250, memory_ki=120 * MI)
    limited = Container(limits=Amounts(cpu_milli=1000))
    assert pods.effective_limit(PodSpec(containers=(limited,), overhead=overhead)) == Resources(cpu_milli=1250, pods=1)


def test_largest_task_is_what_the_sidecars_leave_of_the_largest_pod():
    largest = Resources(cpu_milli=3500, memory_ki=13 * 1024 * MI, pods=1)
    alone = pods.largest_task(largest, sidecars=[pods.XCOM_SIDECAR], defaults=LIMIT_RANGE)
    assert (alone.cpu_milli, alone.memory_ki) == (3400, (13 * 1024 - 384) * MI)
    meshed = pods.largest_task(largest, sidecars=[pods.XCOM_SIDECAR, pods.MESH_SIDECAR], defaults=LIMIT_RANGE)
    assert (meshed.cpu_milli, meshed.memory_ki) == (1400, (12 * 1024 - 384) * MI)
