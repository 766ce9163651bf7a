import json
from pathlib import Path

import pytest

from kpo_provision import errors
from kpo_provision.local import nodes
from kpo_provision.local.options import Layout
from kpo_provision.local.pools import PoolNode, plan_node_changes

TAINT = ("kpo-provision.io/pool", "big", "NoSchedule")
POOL = PoolNode(pool="big", labels={"kpo-provision.io/pool": "big"}, taints=(TAINT,))
RENDERED_TAINT = {"key": TAINT[0], "value": TAINT[1], "effect": TAINT[2]}


def node(labels, taints):
    return {"metadata": {"labels": labels}, "spec": {"taints": taints}}


def test_node_comes_back_from_disk_as_it_was(tmp_path):
    layout = Layout(root=tmp_path)
    nodes.write_record(layout, POOL.record(3))
    assert nodes.load_records(layout) == (POOL.record(3),)


def test_gap_that_a_removed_node_left_is_filled_first():
    assert nodes.find_free_index([POOL.record(0), POOL.record(2)]) == 1


def test_there_is_no_node_beyond_the_addresses():
    with pytest.raises(errors.LocalClusterError, match="no address"):
        nodes.find_free_index([POOL.record(index) for index in range(200)])


def test_nodes_share_neither_address_nor_pods(tmp_path):
    records = [POOL.record(index) for index in range(200)]
    assert len({record.address for record in records}) == len({record.pod_range for record in records}) == 200


def test_kubelet_is_not_told_labels_that_it_would_refuse():
    labels = {"kpo-provision.io/pool": "big", "topology.kubernetes.io/zone": "a", "team": "x"}
    record = PoolNode(pool="big", labels=labels, taints=()).record(1)
    programs = dict.fromkeys(("containerd", "ctr", "kubelet"), "/bin/true")
    *_, kubelet = nodes.node_daemons(record, programs, ["/run/kpo/images/pause.tar"])
    assert "--node-labels=kpo-provision.io/pool=big,team=x" in kubelet.argv


def test_kubelet_waits_for_its_images():
    programs = dict.fromkeys(("containerd", "ctr", "kubelet"), "/bin/true")
    containerd, pause, kubelet = nodes.node_daemons(POOL.record(1), programs, ["/run/kpo/images/pause.tar"])
    assert pause.after == (containerd.name,)
    assert pause.name in kubelet.after


@pytest.mark.parametrize(("has_sys_resource", "expected"), [(True, "false"), (False, "true")])
def test_oom_scores_are_left_alone_only_where_they_must_be(tmp_path, has_sys_resource, expected):
    layout = Layout(root=tmp_path)
    nodes.prepare_node(
        layout,
        POOL.record(1),
        cgroup="kpo-local-x",
        has_sys_resource=has_sys_resource,
        runc=Path("/usr/sbin/runc"),
        cni=Path("/c"),
    )
    folder = layout.nodes / POOL.name
    assert f"restrict_oom_score_adj = {expected}\n" in (folder / "containerd.toml").read_text()
    assert json.loads((folder / "kubelet.json").read_text())["registerWithTaints"] == [RENDERED_TAINT]


def test_node_that_is_as_asked_is_left_alone():
    assert (
        plan_node_changes(node({"kpo-provision.io/pool": "big", "x": "y"}, [RENDERED_TAINT]), POOL, previous={}) == {}
    )


def test_labels_are_set_and_those_of_before_are_taken_away():
    changes = plan_node_changes(node({"old": "1", "other": "2"}, [RENDERED_TAINT]), POOL, previous={"old": "1"})
    assert changes == {"metadata": {"labels": {"kpo-provision.io/pool": "big", "old": None}}}


def test_taints_that_kubernetes_sets_stay():
    passing = {"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"}
    changes = plan_node_changes(node(dict(POOL.labels), [passing]), POOL, previous={})
    assert changes == {"spec": {"taints": [{**passing, "value": ""}, RENDERED_TAINT]}}
