"""Which nodes get a pool's label and taints, which lose them, and what is never touched."""

import pytest

from kpo_provision import errors, plan, pools, progress
from kpo_provision.kube.api import Api
from tests.fakes.api_server import FakeApiServer

FOREIGN_TAINT = {"key": "example.com/gpu", "value": "yes", "effect": "NoSchedule"}


def pool(name="standard", **node_selector):
    taints = tuple(plan.Taint(key=plan.POOL_KEY, value=name, effect=e) for e in ("NoSchedule", "NoExecute"))
    return plan.PoolPlan(
        name=name,
        labels={plan.POOL_KEY: name},
        taints=taints,
        node_selector=node_selector or {"role": "kpo"},
        largest_pod_cpu=None,
        largest_pod_memory=None,
    )


def node(name, *, labels=None, taints=None, **metadata):
    spec = {"spec": {"taints": taints}} if taints else {"spec": {}}
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels or {}, **metadata}, **spec}


@pytest.fixture
def server():
    with FakeApiServer() as running:
        running.put(node("n1", labels={"role": "kpo"}, taints=[FOREIGN_TAINT]))
        running.put(node("n2", labels={"role": "other"}))
        yield running


@pytest.fixture
def api(server):
    with Api(server.connection) as opened:
        yield opened


def label(api, *wanted):
    return pools.label_nodes(api, wanted, progress=progress.Silent())


def test_matching_nodes_join_the_pool_and_keep_their_own_taints(server, api):
    [change] = label(api, pool())
    assert (change.name, change.detail) == ("n1", "joins pool standard")
    joined = server.get("Node", "n1")
    assert joined["metadata"]["labels"] == {"role": "kpo", plan.POOL_KEY: "standard"}
    assert FOREIGN_TAINT in joined["spec"]["taints"]
    assert len(joined["spec"]["taints"]) == 3


def test_the_second_time_nothing_is_written(server, api):
    label(api, pool())
    server.calls.clear()
    assert label(api, pool()) == ()
    assert server.mutations == []


def test_a_node_that_no_longer_matches_leaves(server, api):
    label(api, pool())
    [change] = label(api, pool(role="nobody"))
    assert change.detail == "leaves pool standard"
    left = server.get("Node", "n1")
    assert left["spec"]["taints"] == [FOREIGN_TAINT]
    assert left["metadata"]["labels"] == {"role": "kpo"}
    assert left["metadata"]["annotations"] == {}


def test_a_node_moves_from_one_pool_to_the_next(server, api):
    label(api, pool("standard"))
    label(api, pool("big"))
    moved = server.get("Node", "n1")
    assert moved["metadata"]["labels"][plan.POOL_KEY] == "big"
    assert {taint.get("value") for taint in moved["spec"]["taints"]} == {"yes", "big"}


def test_nodes_that_others_labelled_are_left_alone(server, api):
    labels = {plan.POOL_KEY: "standard"}
    server.put(node("born-in-pool", labels=labels))
    server.calls.clear()
    unselected = plan.PoolPlan(
        name="standard", labels=labels, taints=(), node_selector={}, largest_pod_cpu=None, largest_pod_memory=None
    )
    assert label(api, unselected) == ()
    assert server.mutations == []


def test_a_node_of_two_pools_is_refused(server, api):
    with pytest.raises(errors.ClusterError, match="node n1 matches pools standard and big"):
        label(api, pool("standard"), pool("big"))
    assert server.get("Node", "n1")["metadata"]["labels"] == {"role": "kpo"}


def test_a_node_that_others_put_into_another_pool_is_refused(server, api):
    server.put(node("n1", labels={"role": "kpo", plan.POOL_KEY: "theirs"}))
    with pytest.raises(errors.ClusterError, match="already is in pool theirs"):
        label(api, pool())


def test_a_node_that_changes_at_the_same_time_is_read_again(server, api):
    stale = api.list("Node")
    server.put(node("n1", labels={"role": "kpo", "new": "yes"}, taints=[FOREIGN_TAINT]))

    class Stale(Api):
        def list(self, *_, **__):
            return stale

    with Stale(server.connection) as behind:
        [change] = label(behind, pool())
    assert change.name == "n1"
    assert server.get("Node", "n1")["metadata"]["labels"] == {"role": "kpo", "new": "yes", plan.POOL_KEY: "standard"}


def test_facts_of_a_pools_nodes_are_read(server, api):
    label(api, pool())
    server.put(
        node("fake", labels={plan.POOL_KEY: "standard"}, annotations={"kwok.x-k8s.io/node": "fake"})
        | {"status": {"conditions": [{"type": "Ready", "status": "True"}], "allocatable": {"cpu": "4"}}}
    )
    simulated, real = pools.read_pool_nodes(api, pool())
    assert (simulated.name, simulated.ready, simulated.simulated) == ("fake", True, True)
    assert simulated.allocatable == {"cpu": "4"}
    assert (real.name, real.ready, real.simulated) == ("n1", False, False)
    assert plan.Taint(key=plan.POOL_KEY, value="standard", effect="NoExecute") in real.taints
