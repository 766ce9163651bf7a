"""The simulated Google, held to Google's own client and to what Google documents of its API."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from google.api_core import exceptions
from google.cloud import container_v1
from google.oauth2.credentials import Credentials

from tests.fakes.gke import Simulator, World

_PARENT = "projects/acme/locations/europe-west1"
_PATH = f"{_PARENT}/clusters/airflow"
_POOL = f"{_PATH}/nodePools/standard"
_TAINT = container_v1.NodeTaint(key="pool", value="standard", effect="NO_SCHEDULE")
_DEADLINE_S = 60
_LONG_S = 600


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    world = World(operation_s=0)
    with Simulator(world) as simulator:
        world.create_cluster(_PARENT, {"cluster": {"name": "airflow", "initialNodeCount": 1}})
        _settle(simulator)
        yield simulator


@pytest.fixture
def client(simulator: Simulator) -> container_v1.ClusterManagerClient:
    return open_client(simulator)


def open_client(simulator: Simulator) -> container_v1.ClusterManagerClient:
    return container_v1.ClusterManagerClient(
        credentials=Credentials("token"), transport="rest", client_options={"api_endpoint": simulator.url}
    )


def finish(client: container_v1.ClusterManagerClient, operation: container_v1.Operation) -> container_v1.Operation:
    """Wait for an operation; returns it as it ended."""
    deadline = time.monotonic() + _DEADLINE_S
    while operation.status != container_v1.Operation.Status.DONE:
        assert time.monotonic() < deadline
        time.sleep(0.02)
        operation = client.get_operation(name=f"{_PARENT}/operations/{operation.name}")
    return operation


def make_pool(name: str = "standard", **more: object) -> container_v1.NodePool:
    config = container_v1.NodeConfig(machine_type="n2-standard-4", labels={"team": "data"}, taints=[_TAINT])
    return container_v1.NodePool(name=name, initial_node_count=1, config=config, **more)


def create(client: container_v1.ClusterManagerClient, pool: container_v1.NodePool) -> container_v1.Operation:
    return finish(client, client.create_node_pool(parent=_PATH, node_pool=pool))


def _settle(simulator: Simulator) -> None:
    deadline = time.monotonic() + _DEADLINE_S
    while simulator.world.operations.running():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_pool_lives_through_create_change_and_delete(
    simulator: Simulator, client: container_v1.ClusterManagerClient
) -> None:
    simulator.world.operations.duration_s = _LONG_S
    operation = client.create_node_pool(parent=_PATH, node_pool=make_pool())
    assert operation.status == container_v1.Operation.Status.PENDING
    assert client.get_node_pool(name=_POOL).status == container_v1.NodePool.Status.PROVISIONING
    simulator.world.operations.duration_s = 0
    finish(client, operation)
    pool = client.get_node_pool(name=_POOL)
    assert pool.status == container_v1.NodePool.Status.RUNNING
    assert (pool.config.machine_type, pool.config.disk_size_gb, dict(pool.config.labels)) == (
        "n2-standard-4",
        100,
        {"team": "data"},
    )
    assert list(pool.config.taints) == [_TAINT]
    assert list(pool.locations) == ["europe-west1-b", "europe-west1-c", "europe-west1-d"]
    assert pool.max_pods_constraint.max_pods_per_node == 110
    scaling = container_v1.NodePoolAutoscaling(enabled=True, min_node_count=1, max_node_count=5)
    request = container_v1.SetNodePoolAutoscalingRequest(name=_POOL, autoscaling=scaling)
    finish(client, client.set_node_pool_autoscaling(request=request))
    assert client.get_node_pool(name=_POOL).autoscaling == scaling
    finish(client, client.delete_node_pool(name=_POOL))
    with pytest.raises(exceptions.NotFound, match="Not found: projects/acme"):
        client.get_node_pool(name=_POOL)


def test_labels_and_taints_are_replaced_as_a_whole(client: container_v1.ClusterManagerClient) -> None:
    create(client, make_pool())
    labels = container_v1.NodeLabels(labels={"team": "science"})
    finish(client, client.update_node_pool(request={"name": _POOL, "labels": labels}))
    finish(client, client.update_node_pool(request={"name": _POOL, "taints": container_v1.NodeTaints()}))
    pool = client.get_node_pool(name=_POOL)
    assert dict(pool.config.labels) == {"team": "science"}
    assert list(pool.config.taints) == []


def test_autoscaling_can_be_set_through_the_cluster_as_terraform_does(
    client: container_v1.ClusterManagerClient,
) -> None:
    create(client, make_pool())
    scaling = container_v1.NodePoolAutoscaling(enabled=True, min_node_count=2, max_node_count=5)
    update = container_v1.ClusterUpdate(desired_node_pool_id="standard", desired_node_pool_autoscaling=scaling)
    finish(client, client.update_cluster(request={"name": _PATH, "update": update}))
    assert client.get_node_pool(name=_POOL).autoscaling == scaling
    assert client.get_cluster(name=_PATH).current_node_count == 3 + 6


def test_size_and_management_can_be_set(client: container_v1.ClusterManagerClient) -> None:
    create(client, make_pool())
    finish(client, client.set_node_pool_size(request={"name": _POOL, "node_count": 2}))
    assert client.get_cluster(name=_PATH).current_node_count == 3 + 6
    management = container_v1.NodeManagement(auto_upgrade=True, auto_repair=False)
    finish(client, client.set_node_pool_management(request={"name": _POOL, "management": management}))
    assert client.get_node_pool(name=_POOL).management == management


def test_pools_of_one_cluster_are_created_side_by_side(client: container_v1.ClusterManagerClient) -> None:
    started = [client.create_node_pool(parent=_PATH, node_pool=make_pool(name)) for name in ("one", "two")]
    assert len(client.list_operations(parent=f"{_PARENT[:-12]}-").operations) == 3
    for operation in started:
        finish(client, operation)
    assert [pool.name for pool in client.list_node_pools(parent=_PATH).node_pools] == ["default-pool", "one", "two"]


def test_second_operation_on_a_pool_is_refused_until_the_first_has_ended(
    simulator: Simulator, client: container_v1.ClusterManagerClient
) -> None:
    simulator.world.operations.duration_s = _LONG_S
    operation = client.create_node_pool(parent=_PATH, node_pool=make_pool())
    with pytest.raises(exceptions.BadRequest, match=f"incompatible operation {operation.name}"):
        client.delete_node_pool(name=_POOL)
    with pytest.raises(exceptions.BadRequest, match="incompatible operation"):
        client.delete_cluster(name=_PATH)


def test_name_that_is_taken_is_a_conflict(client: container_v1.ClusterManagerClient) -> None:
    create(client, make_pool())
    with pytest.raises(exceptions.Conflict, match=r"Already exists: .*/nodePools/standard"):
        client.create_node_pool(parent=_PATH, node_pool=make_pool())


@pytest.mark.parametrize(
    ("pool", "message"),
    [
        ({"name": "Standard"}, "Must be a match of regex"),
        ({"name": "s", "config": {"machineType": "n2-standard-5"}}, "does not exist in zone"),
        ({"name": "s", "maxPodsConstraint": {"maxPodsPerNode": 7}}, "between 8 and 256"),
        ({"name": "s", "autoscaling": {"enabled": True, "minNodeCount": 3, "maxNodeCount": 2}}, "greater than max"),
        ({"name": "s", "autoscaling": {"maxNodeCount": 2, "totalMaxNodeCount": 2}}, "mutually exclusive"),
        ({"name": "s", "config": {"machineTyp": "n2-standard-4"}}, "Invalid JSON payload"),
    ],
)
def test_pool_that_google_would_refuse_is_refused(simulator: Simulator, pool: dict[str, object], message: str) -> None:
    request = Request(
        f"{simulator.url}/v1/{_PATH}/nodePools",
        data=json.dumps({"nodePool": pool}).encode(),
        headers={"Authorization": "Bearer token"},
    )
    with pytest.raises(HTTPError) as caught, urlopen(request):
        pass
    with caught.value as answer:
        error = json.load(answer)["error"]
    assert (error["code"], error["status"]) == (400, "INVALID_ARGUMENT")
    assert message in error["message"]


def test_quota_is_for_all_pools_of_a_project_together(
    simulator: Simulator, client: container_v1.ClusterManagerClient
) -> None:
    simulator.world.cpu_quota = 20
    create(client, make_pool())
    with pytest.raises(exceptions.Forbidden, match="Insufficient regional quota"):
        client.create_node_pool(parent=_PATH, node_pool=make_pool("second"))


def test_request_without_a_token_is_not_let_in(simulator: Simulator) -> None:
    with pytest.raises(HTTPError) as caught, urlopen(f"{simulator.url}/v1/{_PATH}"):
        pass
    with caught.value as answer:
        assert answer.code == 401


def test_older_paths_with_zones_mean_the_same(simulator: Simulator) -> None:
    address = f"{simulator.url}/v1/projects/acme/zones/europe-west1/clusters/airflow"
    with urlopen(Request(address, headers={"Authorization": "Bearer token"})) as answer:
        assert json.load(answer)["name"] == "airflow"


def test_operation_that_is_cancelled_ends_in_an_error(
    simulator: Simulator, client: container_v1.ClusterManagerClient
) -> None:
    simulator.world.operations.duration_s = _LONG_S
    operation = client.create_node_pool(parent=_PATH, node_pool=make_pool())
    client.cancel_operation(name=f"{_PARENT}/operations/{operation.name}")
    simulator.world.operations.duration_s = 0
    assert finish(client, operation).error.message == "Operation was cancelled."
    assert client.get_node_pool(name=_POOL).status == container_v1.NodePool.Status.ERROR


def test_connection_cut_after_the_work_leaves_the_pool(
    simulator: Simulator, client: container_v1.ClusterManagerClient
) -> None:
    body = json.dumps({"method": "POST", "path": "/nodePools$", "cut": "after"}).encode()
    urlopen(Request(f"{simulator.url}/_simulator/faults", data=body)).close()
    with pytest.raises(Exception, match="Connection aborted"):
        client.create_node_pool(parent=_PATH, node_pool=make_pool())
    assert client.get_node_pool(name=_POOL).name == "standard"


def test_cluster_is_deleted_with_all_its_pools(client: container_v1.ClusterManagerClient) -> None:
    create(client, make_pool())
    finish(client, client.delete_cluster(name=_PATH))
    assert list(client.list_clusters(parent=_PARENT).clusters) == []
    with pytest.raises(exceptions.NotFound, match=r"clusters/airflow\.$"):
        client.get_node_pool(name=_POOL)


def test_restart_keeps_everything_with_operations_under_way(tmp_path: Path) -> None:
    with Simulator(World(operation_s=_LONG_S, file=tmp_path / "state.json")) as simulator:
        client = open_client(simulator)
        cluster = container_v1.Cluster(name="airflow", initial_node_count=1)
        operation = client.create_cluster(parent=_PARENT, cluster=cluster)
    with Simulator(World(operation_s=0.1, file=tmp_path / "state.json")) as simulator:
        client = open_client(simulator)
        assert finish(client, operation).operation_type == container_v1.Operation.Type.CREATE_CLUSTER
        assert client.get_cluster(name=_PATH).status == container_v1.Cluster.Status.RUNNING


def test_simulator_can_be_started_as_a_program(tmp_path: Path) -> None:
    files = ["--credentials", str(tmp_path), "--environment", str(tmp_path / "google.env")]
    options = ["--operation-seconds", "0", "--project", "acme", "--cluster", _PATH]
    argv = [sys.executable, "-m", "tests.fakes.gke", *options, *files]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
        address = process.stdout.readline().strip()
        with urlopen(Request(f"{address}/v1/{_PATH}", headers={"Authorization": "Bearer token"})) as answer:
            assert json.load(answer)["status"] == "RUNNING"
        assert json.loads((tmp_path / "credentials.json").read_text())["token_url"].startswith(address)
        assert read_environment(tmp_path / "google.env").items() >= {
            ("CLOUDSDK_API_ENDPOINT_OVERRIDES_CONTAINER", f"{address}/v1/"),
            ("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "credentials.json")),
            ("GOOGLE_CONTAINER_CUSTOM_ENDPOINT", f"{address}/v1/"),
        }
        process.terminate()
        assert process.wait(_DEADLINE_S) == 0


def read_environment(path: Path) -> dict[str, str]:
    """Return what a shell's commands see of the environment, once the shell has read the file."""
    shown = subprocess.run(["sh", "-c", f". {path}; env -0"], check=True, stdout=subprocess.PIPE, text=True).stdout
    return dict(line.split("=", 1) for line in shown.rstrip("\0").split("\0"))
