"""Pools of the simulated Google as nodes of a real control plane that kwok plays, created and drained like GKE's."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from kpo_provision import pools
from kpo_provision.clouds import gke
from kpo_provision.clouds.gke_facts import ClusterName
from kpo_provision.kube.api import Api
from kpo_provision.kube.connection import connect, connect_as
from kpo_provision.kube.kubeconfig import Login
from kpo_provision.plan import PoolPlan, Taint
from tests.fakes.gke import Simulator, World
from tests.fakes.gke.environment import point_at
from tests.fakes.gke.login import write_credentials
from tests.fakes.gke.nodes import shape_of
from tests.fakes.gke.plane import Plane
from tests.fakes.gke.stage import run_control_plane, wait_for

pytestmark = pytest.mark.machine

_PARENT = "projects/acme/locations/europe-west1"
_PATH = f"{_PARENT}/clusters/airflow"
_POOL = f"{_PATH}/nodePools/standard"
_LABELS = {"kpo-provision.io/pool": "standard"}
_TAINT = {"key": "kpo-provision.io/pool", "value": "standard", "effect": "NO_SCHEDULE"}
_PLAN = PoolPlan(
    name="standard", labels=_LABELS, taints=(), node_selector={}, largest_pod_cpu=None, largest_pod_memory=None
)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Path]:
    """A simulated local cluster in a home of its own; gives its kubeconfig."""
    with run_control_plane() as kubeconfig:
        yield kubeconfig


@pytest.fixture
def world(cluster: Path) -> Iterator[World]:
    plane = Plane(cluster, idle_s=0.5)
    world = World(operation_s=0)
    with Simulator(world, plane=plane) as simulator:
        world.simulator = simulator
        world.create_cluster(_PARENT, {"cluster": {"name": "airflow", "nodePools": [_pool()]}})
        wait_for(lambda: not world.operations.running())
        yield world
        world.delete_cluster(_PATH)
        wait_for(lambda: not world.clusters)
    plane.close()


@pytest.fixture
def api(cluster: Path) -> Iterator[Api]:
    with Api(connect(kubeconfig=cluster, context=None)) as api:
        yield api


def _pool() -> dict[str, object]:
    return {
        "name": "standard",
        "autoscaling": {"enabled": True, "minNodeCount": 1, "maxNodeCount": 2},
        "maxPodsConstraint": {"maxPodsPerNode": 64},
        "config": {"machineType": "n2-standard-4", "labels": _LABELS, "taints": [_TAINT]},
    }


def make_pod(name: str, *, cpu: str) -> dict[str, object]:
    container = {"name": "task", "image": "task", "resources": {"requests": {"cpu": cpu}}}
    spec = {
        "containers": [container],
        "nodeSelector": _LABELS,
        "tolerations": [{"key": _TAINT["key"], "operator": "Exists"}],
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "default"}, "spec": spec}


def test_nodes_are_as_large_as_size_says_and_carry_what_gke_gives_them(world: World, api: Api) -> None:
    shape = shape_of(world.get_pool(_POOL))
    # The control plane takes its own taint off a moment after a node is opened.
    wait_for(lambda: all(len(node.taints) == 1 for node in pools.read_pool_nodes(api, _PLAN)))
    found = pools.read_pool_nodes(api, _PLAN)
    assert len(found) == 3
    assert {node.labels["topology.kubernetes.io/zone"] for node in found} == {
        "europe-west1-b",
        "europe-west1-c",
        "europe-west1-d",
    }
    for node in found:
        assert node.ready
        assert node.simulated
        assert node.labels["cloud.google.com/gke-nodepool"] == "standard"
        assert node.labels["node.kubernetes.io/instance-type"] == "n2-standard-4"
        assert node.taints == (Taint(key="kpo-provision.io/pool", value="standard", effect="NoSchedule"),)
        assert node.allocatable["cpu"] == f"{shape.allocatable.cpu_milli}m"
        assert node.allocatable["memory"] == f"{shape.allocatable.memory_ki}Ki"
        assert node.allocatable["pods"] == "64"


def test_changed_taint_reaches_nodes_that_are_there(world: World, api: Api) -> None:
    before = {node.name for node in pools.read_pool_nodes(api, _PLAN)}
    world.update_pool(_POOL, {"taints": {"taints": [_TAINT | {"value": "other"}]}})
    wait_for(lambda: not world.operations.running())
    found = pools.read_pool_nodes(api, _PLAN)
    assert {node.name for node in found} == before
    assert {taint.value for node in found for taint in node.taints} == {"other"}


def test_other_machine_type_replaces_nodes_after_the_new_ones_are_ready(world: World, api: Api) -> None:
    api.create(make_pod("held", cpu="1"))
    wait_for(lambda: "nodeName" in api.read("Pod", "held", "default")["spec"])
    world.update_pool(_POOL, {"machineType": "n2-standard-8"})
    while world.operations.running():
        assert any(node.ready for node in pools.read_pool_nodes(api, _PLAN))
        time.sleep(0.05)
    found = pools.read_pool_nodes(api, _PLAN)
    assert [node.labels["node.kubernetes.io/instance-type"] for node in found] == ["n2-standard-8"] * 3
    assert "held" not in [pod["metadata"]["name"] for pod in api.list("Pod", "default")]


def test_pool_grows_for_pods_that_wait_and_shrinks_when_they_are_gone(world: World, api: Api) -> None:
    names = [f"task-{number}" for number in range(5)]
    for name in names:
        api.create(make_pod(name, cpu="3"))
    wait_for(lambda: all("nodeName" in api.read("Pod", name, "default")["spec"] for name in names))
    assert 5 <= len(pools.read_pool_nodes(api, _PLAN)) <= 6
    for name in names:
        api.delete("Pod", name, "default", grace_s=0)
    wait_for(lambda: len(pools.read_pool_nodes(api, _PLAN)) == 3)


def test_login_to_google_opens_the_cluster_that_google_describes(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    credentials = write_credentials(tmp_path, world.simulator.url)
    for name, value in point_at(world.simulator, credentials=credentials).items():
        monkeypatch.setenv(name, value)
    google = gke.Gke(ClusterName(project="acme", location="europe-west1", cluster="airflow"))
    facts = google.read_cluster()
    authority = tmp_path / "ca.crt"
    authority.write_text(facts.authority)
    login = Login(
        server=facts.server,
        context="gke",
        ca_file=str(authority),
        cert_file=None,
        key_file=None,
        authorize=google.login.authorize,
    )
    with Api(connect_as(login)) as api:
        assert len(pools.read_pool_nodes(api, _PLAN)) == 3
