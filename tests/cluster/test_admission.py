"""Which pods the rendered policies let in, judged by a real API server: each refusal for its own reason."""

from __future__ import annotations

import copy
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import pytest
import yaml

from kpo_provision import errors, plan, render, sizing
from kpo_provision.kube import connection, dial
from kpo_provision.kube.api import Api
from kpo_provision.kube.kinds import KINDS
from kpo_provision.render.bundle import Bundle, Manifest
from kpo_provision.spec import model

pytestmark = pytest.mark.cluster

KUBECONFIG = Path(os.environ.get("KPO_TEST_KUBECONFIG", "/var/lib/kpo-provision/local/kubeconfig"))
PREFIX = f"adm-{os.getpid()}"
NAMESPACES = {part: f"{PREFIX}-{part}" for part in ("open", "closed", "outside")}
OPEN, CLOSED, OUTSIDE = NAMESPACES.values()
POOL, OTHER_POOL = "standard", "big"
POOL_TOLERATION = {"key": plan.POOL_KEY, "operator": "Equal", "value": POOL}
DEADLINE_S = 60
CASES = yaml.safe_load(Path(__file__).with_name("test_admission_cases.yaml").read_text())

SPEC = {
    "apiVersion": "kpo-provision.io/v1",
    "kind": "Installation",
    "metadata": {"name": PREFIX},
    "namespacePrefix": PREFIX,
    "target": {"local": {}},
    "nodePools": {POOL: {"largestPod": {"cpu": "2", "memory": "4Gi"}}, OTHER_POOL: {}},
    "tenants": {"open": {"extraCapacity": 10, "pool": POOL}, "closed": {"extraCapacity": 0}},
}


@dataclass(frozen=True)
class Caller:
    """Whom a request says that it comes from; without a name, from the administrator of the kubeconfig."""

    name: str = ""
    groups: tuple[str, ...] = ()

    @property
    def headers(self) -> list[tuple[str, str]]:
        named = [("Impersonate-User", self.name)] if self.name else []
        return named + [("Impersonate-Group", group) for group in self.groups]


def account(namespace: str, name: str) -> Caller:
    return Caller(f"system:serviceaccount:{namespace}:{name}")


ADMIN = Caller()
WORKER = account(OPEN, "open-worker-serviceaccount")
DAEMON_SETS = account("kube-system", "daemon-set-controller")
CALLERS = {
    "admin": ADMIN,
    "worker": WORKER,
    "triggerer": account(OPEN, "open-triggerer-serviceaccount"),
    "closed worker": account(CLOSED, "closed-worker-serviceaccount"),
    "daemon sets": DAEMON_SETS,
    # Their own rights differ from cluster to cluster, and are not what is tried here.
    "all controllers": Caller("system:kube-controller-manager", ("system:masters",)),
    "kubelet": Caller("kubelet", ("system:nodes", "system:masters")),
}


class Server:
    """The API server, asked by an administrator in the name of whoever a test is about."""

    def __init__(self, path: Path) -> None:
        found = connection.connect(kubeconfig=path, context=None)
        self.api = Api(found)
        self._channel = dial.dial(found)
        self._login = found.authorize()

    def send(self, method: str, path: str, body: object, caller: Caller, *, content_type: str, dry_run: bool = True):
        query = urlencode({"dryRun": "All"} if dry_run else {})
        self._channel.putrequest(method, f"{path}?{query}")
        data = json.dumps(body).encode()
        login = [("Authorization", self._login)] if self._login else []
        for name, value in [("Content-Type", content_type), ("Content-Length", len(data)), *login, *caller.headers]:
            self._channel.putheader(name, value)
        self._channel.endheaders(data)
        answer = self._channel.getresponse()
        return answer.status, json.loads(answer.read())

    def create_pod(self, pod: Manifest, caller: Caller = ADMIN, *, dry_run: bool = True):
        path = KINDS["Pod"].path(pod["metadata"]["namespace"])
        return self.send("POST", path, pod, caller, content_type="application/json", dry_run=dry_run)

    def patch_pod(self, pod: Manifest, body: object, caller: Caller = ADMIN):
        path = KINDS["Pod"].path(pod["metadata"]["namespace"], pod["metadata"]["name"])
        return self.send("PATCH", path, body, caller, content_type="application/strategic-merge-patch+json")

    def close(self) -> None:
        self._channel.close()
        self.api.close()


def make_pod(namespace: str, *, labels: Mapping[str, str] | None = None, **spec: object) -> Manifest:
    container = {"name": "base", "image": "example.com/task:1", "command": ["sh", "-c", "true"]}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "task", "namespace": namespace, "labels": dict(labels or {})},
        "spec": {"containers": [container], "restartPolicy": "Never", **copy.deepcopy(spec)},
    }


def make_kpo_pod(namespace: str = OPEN, **spec: object) -> Manifest:
    """A pod as the cncf.kubernetes provider 10.25.0 makes it with ``do_xcom_push``."""
    labels = {"dag_id": "etl", "task_id": "load", "try_number": "1", "airflow_kpo_in_cluster": "True"}
    pod = make_pod(namespace, labels=labels | dict([plan.KPO_POD_LABEL]), **spec)
    mount = {"name": "xcom", "mountPath": "/airflow/xcom"}
    sidecar = {
        "name": "airflow-xcom-sidecar",
        "image": "alpine:3.24.2",
        "command": ["sh", "-c", 'trap "exit 0" INT; while true; do sleep 1; done;'],
        "resources": {"requests": {"cpu": "1m", "memory": "10Mi"}},
        "volumeMounts": [mount],
    }
    pod["spec"]["containers"][0]["volumeMounts"] = [mount]
    pod["spec"]["containers"].append(sidecar)
    pod["spec"]["volumes"] = [{"name": "xcom", "emptyDir": {}}]
    return pod


def wait_until(what: str, holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not holds():
        assert time.monotonic() < deadline, f"gave up waiting until {what}"
        time.sleep(0.2)


def is_gone(api: Api, kind: str, name: str) -> bool:
    try:
        api.read(kind, name)
    except errors.ApiError as error:
        return error.is_not_found
    return False


def read_if_there(api: Api, manifest: Manifest) -> Manifest | None:
    kind, name = manifest["kind"], manifest["metadata"]["name"]
    return None if is_gone(api, kind, name) else api.read(kind, name)


def apply_shared(api: Api, manifests: Sequence[Manifest]) -> Iterator[None]:
    """Apply cluster-wide objects that are not there as they are; afterwards put back what was there before."""
    replaced = []
    for manifest in manifests:
        before = read_if_there(api, manifest)
        body = {key: value for key, value in manifest.items() if key != "metadata"}
        if before is None or list(find_differences(body, before)):
            api.apply(manifest, force=True)
            replaced.append((manifest, before))
    yield
    for manifest, before in replaced:
        now = read_if_there(api, manifest)
        if now is None or now["metadata"]["labels"][plan.INSTALLATION_KEY] != PREFIX:
            continue
        if before is None:
            api.delete(manifest["kind"], manifest["metadata"]["name"])
        else:
            kept = {key: before["metadata"].get(key, {}) for key in ("name", "labels", "annotations")}
            api.apply({key: before.get(key) for key in manifest} | {"metadata": kept}, force=True)


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return render.render(sizing.size(model.Installation.model_validate(SPEC)))


@pytest.fixture(scope="module")
def server(bundle: Bundle) -> Iterator[Server]:
    found = Server(KUBECONFIG)
    restore = apply_shared(found.api, bundle.shared)
    next(restore)
    try:
        found.api.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": OUTSIDE}})
        for tenant in bundle.tenants:
            for manifest in tenant.manifests:
                found.api.apply(manifest, force=True)
        wait_until("the policies are in force", lambda: is_in_force(found))
        yield found
    finally:
        for namespace in NAMESPACES.values():
            found.api.delete("Namespace", namespace)
        for namespace in NAMESPACES.values():
            wait_until(f"{namespace} is gone", lambda name=namespace: is_gone(found.api, "Namespace", name))
        list(restore)
        found.close()


def is_in_force(server: Server) -> bool:
    guarded, _ = server.create_pod(make_pod(OUTSIDE, tolerations=[{"operator": "Exists"}]))
    _, placed = server.create_pod(make_kpo_pod(), WORKER)
    quota = server.api.read("ResourceQuota", "kpo-quota", OPEN)
    is_placed = plan.POOL_KEY in placed.get("spec", {}).get("nodeSelector", {})
    policy = server.api.read("ValidatingAdmissionPolicy", "kpo-pool-guard")
    is_checked = "typeChecking" in policy.get("status", {})
    return guarded == 403 and is_placed and is_checked and "hard" in quota.get("status", {})


def make_case(case: Manifest) -> tuple[Caller, Manifest]:
    """Make the caller and the pod that a case of test_admission_cases.yaml describes."""
    make = {"kpo": make_kpo_pod, "plain": make_pod}[case["pod"]]
    namespace = NAMESPACES.get(case.get("in", "open"), "kube-system")
    pod = make(namespace, **case.get("spec", {}))
    pod["metadata"]["labels"] |= case.get("labels", {})
    if "owner" in case:
        owner = {"apiVersion": "apps/v1", "kind": case["owner"], "name": "x", "uid": "0", "controller": True}
        pod["metadata"]["ownerReferences"] = [owner]
    if "cpu" in case:
        pod["spec"]["containers"][0]["resources"] = {"requests": {"cpu": case["cpu"]}, "limits": {"cpu": case["cpu"]}}
    return CALLERS[case["by"]], pod


@pytest.mark.parametrize("case", CASES["allowed"].values(), ids=CASES["allowed"])
def test_pod_is_let_in(server: Server, case: Manifest):
    caller, pod = make_case(case)
    status, answer = server.create_pod(pod, caller)
    assert status == 201, answer["message"]


@pytest.mark.parametrize("case", CASES["refused"].values(), ids=CASES["refused"])
def test_pod_is_refused(server: Server, case: Manifest):
    caller, pod = make_case(case)
    status, answer = server.create_pod(pod, caller)
    assert (status, answer.get("reason")) == (403, "Forbidden")
    assert case["because"] in answer["message"]


@pytest.mark.parametrize(
    ("selector", "tolerations"),
    [
        (None, None),
        ({}, []),
        ({"kubernetes.io/arch": "amd64"}, [{**POOL_TOLERATION, "effect": "NoSchedule"}]),
        ({plan.POOL_KEY: POOL}, [POOL_TOLERATION]),
    ],
    ids=["absent", "empty", "others there", "there already"],
)
def test_kpo_pod_is_placed_once(server: Server, selector: Manifest | None, tolerations: list[Manifest] | None):
    spec = {"nodeSelector": selector, "tolerations": tolerations}
    pod = make_kpo_pod(**{key: value for key, value in spec.items() if value is not None})
    status, placed = server.create_pod(pod, WORKER)
    assert status == 201, placed["message"]
    assert placed["spec"]["nodeSelector"] == {**(selector or {}), plan.POOL_KEY: POOL}
    assert placed["spec"]["tolerations"].count(POOL_TOLERATION) == 1


def test_other_pods_of_a_tenant_are_not_placed(server: Server):
    _, pod = server.create_pod(make_pod(OPEN))
    assert plan.POOL_KEY not in json.dumps(pod["spec"])


@pytest.fixture
def running(server: Server) -> Iterator[Callable[[Manifest], Manifest]]:
    """Create pods that no scheduler takes, so that updates have something to change."""
    created = []

    def create(pod: Manifest) -> Manifest:
        pod["spec"]["schedulingGates"] = [{"name": "example.com/never"}]
        created.append(server.api.create(pod))
        return created[-1]

    yield create
    for pod in created:
        server.api.delete("Pod", pod["metadata"]["name"], pod["metadata"]["namespace"], grace_s=0)


def test_worker_marks_its_pod_as_checked(server: Server, running):
    status, answer = server.patch_pod(
        running(make_kpo_pod()), {"metadata": {"labels": {"already_checked": "True"}}}, WORKER
    )
    assert status == 200, answer["message"]


def test_worker_cannot_change_pods_that_are_not_its_own(server: Server, running):
    pod = running(make_pod(OPEN))
    image = {"spec": {"containers": [{"name": "base", "image": "example.com/evil:1"}]}}
    status, answer = server.patch_pod(pod, image, WORKER)
    assert status == 403
    assert "may launch and change KubernetesPodOperator pods only" in answer["message"]


@pytest.mark.parametrize("caller", [WORKER, ADMIN], ids=["worker", "administrator"])
@pytest.mark.parametrize(
    ("pod", "label"),
    [(make_kpo_pod(), None), (make_kpo_pod(), "False"), (make_pod(OPEN), "True")],
    ids=["taken off", "changed", "put on"],
)
def test_kpo_label_is_fixed(server: Server, running, caller: Caller, pod: Manifest, label: str | None):
    change = {"metadata": {"labels": {plan.KPO_POD_LABEL[0]: label}}}
    status, answer = server.patch_pod(running(copy.deepcopy(pod)), change, caller)
    assert status == 403
    assert "cannot be changed once the pod exists" in answer["message"]


def test_running_pod_cannot_be_made_to_tolerate_a_pool(server: Server, running):
    change = {"spec": {"tolerations": [POOL_TOLERATION]}}
    status, answer = server.patch_pod(running(make_pod(OUTSIDE)), change)
    assert status == 403
    assert "may tolerate the taint of a node pool" in answer["message"]


def test_waiting_pod_cannot_be_made_to_tolerate_every_pool(server: Server, running):
    pod = running(make_kpo_pod())
    more = [*pod["spec"]["tolerations"], {"key": plan.POOL_KEY, "operator": "Exists"}]
    status, answer = server.patch_pod(pod, {"spec": {"tolerations": more}}, WORKER)
    assert status == 403
    assert f"may tolerate the taint of pool {POOL} only" in answer["message"]


def test_pod_from_before_the_rules_can_lose_its_finalizer(server: Server):
    # The daemon set controller stands in for a time when nobody was refused.
    pod = make_pod(OUTSIDE, tolerations=[{"operator": "Exists"}], schedulingGates=[{"name": "example.com/never"}])
    pod["metadata"]["finalizers"] = ["example.com/hold"]
    status, created = server.create_pod(pod, DAEMON_SETS, dry_run=False)
    assert status == 201, created["message"]
    try:
        status, answer = server.patch_pod(created, {"metadata": {"finalizers": None}})
        assert status == 200, answer["message"]
    finally:
        server.api.patch("Pod", "task", OUTSIDE, {"metadata": {"finalizers": None}})
        server.api.delete("Pod", "task", OUTSIDE, grace_s=0)


def test_server_keeps_what_was_rendered(server: Server, bundle: Bundle):
    for manifest in [m for tenant in bundle.tenants for m in tenant.manifests]:
        live = server.api.apply(manifest, force=True)
        assert list(find_differences(manifest, live)) == [], manifest
        again = server.api.apply(manifest)
        assert again["metadata"]["resourceVersion"] == live["metadata"]["resourceVersion"], manifest
    for manifest in bundle.shared:
        body = {key: value for key, value in manifest.items() if key != "metadata"}
        assert list(find_differences(body, read_if_there(server.api, manifest))) == [], manifest


def find_differences(desired: object, live: object, path: str = "") -> Iterator[str]:
    """Yield what the server made something else of; an empty list, which it leaves out, is nothing to it."""
    if desired == [] and live is None:
        return
    if isinstance(desired, dict) and isinstance(live, dict):
        for key, value in desired.items():
            yield from find_differences(value, live.get(key), f"{path}.{key}")
    elif isinstance(desired, list) and isinstance(live, list) and len(desired) == len(live):
        for index, value in enumerate(desired):
            yield from find_differences(value, live[index], f"{path}[{index}]")
    elif desired != live:
        yield f"{path}: {desired!r} became {live!r}"


def test_policy_expressions_fit_the_types_of_a_pod(server: Server):
    policy = server.api.read("ValidatingAdmissionPolicy", "kpo-pool-guard")
    assert policy["status"]["typeChecking"].get("expressionWarnings", []) == []
