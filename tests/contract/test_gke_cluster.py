"""Reading a cluster of GKE: Google's own client logs in to, and reads from, the simulator."""

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from kpo_provision import errors, progress
from kpo_provision.clouds import gke, google_login
from kpo_provision.clouds.gke_facts import ClusterName
from kpo_provision.plan import POOL_KEY, Taint
from tests.fakes.gke import Simulator, World
from tests.fakes.gke.environment import point_at
from tests.fakes.gke.login import write_credentials

_PARENT = "projects/acme/locations/europe-west1"
_PATH = f"{_PARENT}/clusters/airflow"
_NAME = ClusterName(project="acme", location="europe-west1", cluster="airflow")
_SILENT = progress.Silent()
_LONG_S = 600
_POOL = {
    "name": "standard-1a2b",
    "autoscaling": {"enabled": True, "minNodeCount": 1, "maxNodeCount": 3},
    "maxPodsConstraint": {"maxPodsPerNode": 64},
    "config": {
        "machineType": "n2-standard-4",
        "labels": {POOL_KEY: "standard"},
        "taints": [
            {"key": POOL_KEY, "value": "standard", "effect": "NO_SCHEDULE"},
            {"key": POOL_KEY, "value": "standard", "effect": "NO_EXECUTE"},
        ],
        "spot": True,
    },
}


class _EndsWhatItHearsOf:
    """Hears that an operation runs, and has it end."""

    def __init__(self, simulator: Simulator) -> None:
        self.heard: list[str] = []
        self._operations = simulator.world.operations

    @contextmanager
    def step(self, title: str, *, total: int | None = None) -> Iterator[progress.Step]:  # noqa: ARG002
        yield self

    def advance(self, by: int = 1) -> None: ...

    def say(self, detail: str) -> None:
        self.heard.append(detail)
        self._operations.duration_s = 0


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    world = World(operation_s=0, projects=["acme"])
    world.authority = base64.b64encode(b"-----BEGIN CERTIFICATE-----\n").decode()
    with Simulator(world) as simulator:
        world.create_cluster(_PARENT, {"cluster": {"name": "airflow", "initialNodeCount": 1}})
        world.settle()
        simulator.world.operations.duration_s = 0.2
        yield simulator


@pytest.fixture(autouse=True)
def credentials(simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_credentials(tmp_path, simulator.url)
    for name, value in point_at(simulator, credentials=path).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path / "gcloud"))


def open_cluster() -> gke.Gke:
    return gke.Gke(_NAME)


def fail(**changed: str) -> errors.CloudError:
    with pytest.raises(errors.CloudError) as caught:
        gke.Gke(replace(_NAME, **changed), patience_s=0.5).read_cluster()
    return caught.value


def control(simulator: Simulator, name: str, **body: object) -> None:
    request = Request(f"{simulator.url}/_simulator/{name}", data=json.dumps(body).encode(), method="POST")
    with urlopen(request) as answer:
        answer.read()


def test_cluster_is_described_as_google_has_it(simulator: Simulator) -> None:
    facts = open_cluster().read_cluster()
    assert facts.name == _NAME
    assert facts.server == f"https://{simulator.world.endpoint}"
    assert facts.authority.startswith("-----BEGIN CERTIFICATE-----")
    assert facts.version.startswith("1.34.")
    assert (facts.channel, facts.pod_range, facts.status) == ("regular", "10.244.0.0/16", "RUNNING")
    assert facts.zones == ("europe-west1-b", "europe-west1-c", "europe-west1-d")


def test_pools_are_read_with_labels_taints_and_counts(simulator: Simulator) -> None:
    simulator.world.operations.duration_s = _LONG_S
    simulator.world.create_pool(_PATH, {"nodePool": _POOL})
    default, standard = open_cluster().read_pools()
    assert (default.name, default.pool, default.min_per_zone, default.max_per_zone) == ("default-pool", None, 1, 1)
    assert (standard.pool, standard.status, standard.machine_type) == ("standard", "PROVISIONING", "n2-standard-4")
    assert (standard.min_per_zone, standard.max_per_zone, standard.total_max) == (1, 3, None)
    assert (standard.max_pods, standard.spot) == (64, True)
    assert standard.taints == (
        Taint(key=POOL_KEY, value="standard", effect="NoSchedule"),
        Taint(key=POOL_KEY, value="standard", effect="NoExecute"),
    )


def test_pool_that_counts_all_zones_together_has_no_counts_per_zone(simulator: Simulator) -> None:
    scaling = {"enabled": True, "totalMinNodeCount": 2, "totalMaxNodeCount": 7}
    simulator.world.create_pool(_PATH, {"nodePool": {"name": "total", "autoscaling": scaling}})
    pool = open_cluster().read_pools()[-1]
    assert (pool.min_per_zone, pool.max_per_zone, pool.total_min, pool.total_max) == (None, None, 2, 7)


def test_misspelt_cluster_names_the_nearest() -> None:
    error = fail(cluster="airflaw")
    assert str(error).endswith("there is no cluster airflaw in europe-west1 of project acme")
    assert error.hint == "did you mean airflow?"


def test_cluster_in_another_location_names_it() -> None:
    assert fail(location="europe-west4").hint == "it is in europe-west1: set target.gke.location"


@pytest.mark.parametrize(
    ("status", "words"), [("PROVISIONING", "is being created"), ("STOPPING", "is being deleted"), ("ERROR", "console")]
)
def test_cluster_that_is_not_of_use_says_what_it_is_and_what_to_do(
    simulator: Simulator, status: str, words: str
) -> None:
    simulator.world.clusters[_PATH]["status"] = status
    error = fail()
    assert str(error).endswith(f"cluster airflow is {status}")
    assert words in error.hint


def test_project_without_clusters_says_how_to_have_one_made(simulator: Simulator) -> None:
    simulator.world.clusters.clear()
    assert "target.gke.create" in fail().hint


@pytest.mark.parametrize(
    ("status", "message", "words"),
    [
        (
            403,
            'Required "container.clusters.get" permission(s) for "projects/acme".',
            "needs container.clusters.get",
        ),
        (403, "Insufficient regional quota to satisfy request: resource CPUS.", "higher quota"),
        (401, "Request had invalid authentication credentials.", "application-default login"),
        (400, "Cluster is running incompatible operation operation-1.", "another operation changes this cluster"),
        (409, "Already exists: projects/acme/x.", "did not make"),
        (409, "The cluster is being changed.", "another operation changes this cluster"),
        (429, "Quota of reads a minute.", "Google is busy"),
        (503, "The service is currently unavailable.", "Google is busy"),
    ],
)
def test_refusal_says_what_to_do(simulator: Simulator, status: int, message: str, words: str) -> None:
    control(simulator, "faults", status=status, message=message, times=1000)
    error = fail()
    assert str(error) == f"Google Kubernetes Engine: clusters.get failed: {status} {message}"
    assert words in error.hint


def test_disabled_api_says_how_to_enable_it(simulator: Simulator) -> None:
    control(simulator, "disabled", projects=["acme"])
    assert fail().hint.endswith("gcloud services enable container.googleapis.com --project acme")


def test_unknown_project_is_said_so() -> None:
    assert "check target.gke.project" in fail(project="acne").hint


@pytest.mark.parametrize("fault", [{"status": 503}, {"status": 429}, {"status": 502}, {"cut": "before"}])
def test_reads_are_sent_again_when_google_is_busy_or_hangs_up(simulator: Simulator, fault: dict[str, object]) -> None:
    control(simulator, "faults", **fault)
    assert open_cluster().read_cluster().name == _NAME
    assert len(simulator.calls) == 2


def test_endpoint_that_nobody_serves_is_unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(gke.ENDPOINT_VARIABLE, "http://127.0.0.1:1/v1/")
    assert "HTTPS_PROXY" in fail().hint


def test_missing_login_says_how_to_log_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS")
    assert "gcloud auth application-default login" in fail().hint


def test_expired_token_is_replaced_in_a_long_run(simulator: Simulator) -> None:
    cluster = open_cluster()
    cluster.read_cluster()
    first = cluster.login.authorize()
    simulator.login.revoke()
    cluster.read_cluster()
    assert len(simulator.login.issued) == 2
    assert cluster.login.authorize() not in (first, "Bearer None")


def test_token_for_the_cluster_is_fetched_once_while_it_is_good(simulator: Simulator) -> None:
    login = google_login.load_login()
    assert login.authorize() == login.authorize() == f"Bearer {simulator.login.issued[0]}"
    assert simulator.login.issued[0] not in repr(login)


def test_login_that_google_refuses_is_said_so(simulator: Simulator, tmp_path: Path) -> None:
    (tmp_path / "subject").unlink()
    with pytest.raises(errors.CloudError) as caught:
        google_login.load_login().authorize()
    assert "gcloud auth application-default login" in caught.value.hint


def test_operation_is_followed_to_its_end(simulator: Simulator) -> None:
    operation = simulator.world.create_pool(_PATH, {"nodePool": _POOL})
    seen = open_cluster().wait_for_operation(operation["name"], progress=_SILENT, poll_s=0.05)
    assert (seen.kind, seen.is_done) == ("CREATE_NODE_POOL", True)
    assert simulator.world.get_pool(f"{_PATH}/nodePools/standard-1a2b")["status"] == "RUNNING"


@pytest.mark.parametrize(
    ("failure", "words"),
    [
        ({"code": 8, "message": "Google Compute Engine: Quota 'CPUS' exceeded. Limit: 24.0."}, "higher quota"),
        ({"code": 8, "message": "CPUS are short"}, "higher quota"),
        (
            {"code": 9, "message": "STOCKOUT: europe-west1-b does not have enough resources"},
            "zones",
        ),
        ({"code": 13, "message": "internal"}, "run again"),
    ],
)
def test_operation_that_fails_half_way_says_why(simulator: Simulator, failure: dict[str, object], words: str) -> None:
    control(simulator, "failures", type="CREATE_NODE_POOL", **failure)
    operation = simulator.world.create_pool(_PATH, {"nodePool": _POOL})
    with pytest.raises(errors.CloudError) as caught:
        open_cluster().wait_for_operation(operation["name"], progress=_SILENT, poll_s=0.05)
    assert str(failure["message"]) in str(caught.value)
    assert words in caught.value.hint
    assert open_cluster().read_pools()[-1].status == "ERROR"


def test_operation_that_takes_too_long_is_a_failure_with_its_last_state(simulator: Simulator) -> None:
    simulator.world.operations.duration_s = _LONG_S
    operation = simulator.world.create_pool(_PATH, {"nodePool": _POOL})
    with pytest.raises(errors.CloudError, match="CREATE_NODE_POOL of standard-1a2b is PENDING"):
        open_cluster().wait_for_operation(operation["name"], progress=_SILENT, timeout_s=0.1, poll_s=0.05)


def test_cut_connections_do_not_end_a_wait(simulator: Simulator) -> None:
    operation = simulator.world.create_pool(_PATH, {"nodePool": _POOL})
    control(simulator, "faults", cut="before", path="/operations/", times=2)
    assert open_cluster().wait_for_operation(operation["name"], progress=_SILENT, poll_s=0.05).is_done


def test_run_that_finds_the_cluster_busy_waits_until_it_is_idle(simulator: Simulator) -> None:
    simulator.world.operations.duration_s = _LONG_S
    simulator.world.create_cluster(_PARENT, {"cluster": {"name": "airflow-two", "initialNodeCount": 1}})
    simulator.world.create_pool(_PATH, {"nodePool": _POOL})
    watcher = _EndsWhatItHearsOf(simulator)
    waited_for = open_cluster().wait_until_idle(progress=watcher, poll_s=0.05)
    assert [one.kind for one in waited_for] == ["CREATE_NODE_POOL"]
    assert watcher.heard[0].startswith("CREATE_NODE_POOL of standard-1a2b is ")
    assert open_cluster().wait_until_idle(progress=_SILENT) == ()
