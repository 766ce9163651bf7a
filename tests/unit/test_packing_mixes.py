from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kpo_provision.sizing import mixes
from kpo_provision.sizing.mixes import AU, Batch
from kpo_provision.sizing.pool import Promise
from kpo_provision.sizing.resources import Resources

LARGEST = Resources(cpu_milli=3500, memory_ki=13 * 2**20, pods=1)

amounts = st.builds(
    lambda cpu, memory, pods: Resources(cpu_milli=cpu, memory_ki=memory, pods=pods),
    st.integers(0, 10_000),
    st.integers(0, 40 * 2**20),
    st.integers(0, 200),
)
largest_pods = st.builds(
    lambda cpu, memory: Resources(cpu_milli=cpu, memory_ki=memory, pods=1),
    st.integers(0, 4000),
    st.integers(0, 16 * 2**20),
)


def promise(capacity_au: int) -> Promise:
    size = Resources(cpu_milli=100 * capacity_au, memory_ki=384 * 1024 * capacity_au, pods=capacity_au)
    return Promise(tenant="t", resources=size)


def add_up(mix: tuple[Batch, ...]) -> Resources:
    return Resources(
        cpu_milli=sum(batch.cpu_milli * batch.pods for batch in mix),
        memory_ki=sum(batch.memory_ki * batch.pods for batch in mix),
        pods=sum(batch.pods for batch in mix),
    )


def test_promise_is_used_up_by_largest_pods_and_by_pods_of_one_au():
    largest, smallest = mixes.list_mixes([promise(40)], LARGEST)
    rest = (4000 - 3500, (15 - 13) * 2**20)
    assert largest == (Batch(3500, 13 * 2**20, 1), Batch(*rest, 1))
    assert smallest == (Batch(100, 384 * 1024, 40),)


def test_what_the_largest_pods_leave_of_one_resource_is_used_by_pods_that_want_it_alone():
    """10 CPU and 37.5 GiB in pods of 4 CPU and 1 GiB at most: 2.5 pods use up the CPU, and 34.5 GiB remain."""
    lean = Resources(cpu_milli=4000, memory_ki=2**20, pods=1)
    largest, _ = mixes.list_mixes([promise(100)], lean)
    assert largest == (
        Batch(4000, 2**20, 2),
        Batch(2000, 2**20, 1),
        Batch(0, 2**20, 34),
        Batch(0, 2**19, 1),
    )


def test_equal_pods_of_all_tenants_are_one_batch():
    largest, smallest = mixes.list_mixes([promise(10), promise(20), promise(10)], LARGEST)
    assert largest == (Batch(2000, 20 * AU.memory_ki, 1), Batch(1000, 10 * AU.memory_ki, 2))
    assert smallest == (Batch(100, AU.memory_ki, 40),)


def test_no_promise_has_no_pods():
    assert mixes.list_mixes([], LARGEST) == ((),)


@given(amounts, largest_pods)
def test_mixes_stay_within_promise_and_largest_pod(amount, largest_pod):
    for mix in mixes.list_mixes([Promise(tenant="t", resources=amount)], largest_pod):
        assert add_up(mix).fits(amount)
        assert all(batch.cpu_milli <= largest_pod.cpu_milli for batch in mix)
        assert all(batch.memory_ki <= largest_pod.memory_ki for batch in mix)


@given(amounts, largest_pods.filter(lambda pod: pod.cpu_milli and pod.memory_ki))
def test_largest_pods_use_everything_unless_pods_run_out(amount, largest_pod):
    mix = mixes.list_mixes([Promise(tenant="t", resources=amount)], largest_pod)[0]
    used = add_up(mix)
    assert used.pods == amount.pods or (used.cpu_milli, used.memory_ki) == (amount.cpu_milli, amount.memory_ki)
