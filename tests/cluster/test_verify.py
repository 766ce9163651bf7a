"""Verification of a real cluster: tenants that are sound, and tenants that were broken in one way each."""

import base64
import json
import os
import time
from dataclasses import replace
from pathlib import Path

import pytest

from kpo_provision import errors, local, progress, render, sizing
from kpo_provision.kube.api import Api
from kpo_provision.kube.connection import connect
from kpo_provision.results import Outcome
from kpo_provision.spec import model
from kpo_provision.tenants import apply_bundle, destroy_tenants
from kpo_provision.verify import verify

pytestmark = pytest.mark.cluster

INSTALLATION = f"verify-{os.getpid()}"
IMAGE = "registry.local:5000/kpo/probe:1"
TENANTS = {
    "sound": {"extraCapacity": 10},
    "small": {"extraCapacity": 1},
    "strict": {"extraCapacity": 2, "podSecurity": "restricted"},
    "idle": {"extraCapacity": 0},
    "bad-login": {"extraCapacity": 2},
    "no-secret": {"extraCapacity": 2},
    "no-image": {"extraCapacity": 2},
    "no-rights": {"extraCapacity": 2},
    "full": {"extraCapacity": 1},
    "open": {"extraCapacity": 2},
    "unreachable": {"extraCapacity": 2},
}
SOUND = ("sound", "small", "strict", "idle")


@pytest.fixture(scope="module")
def planned():
    spec = {
        "apiVersion": "kpo-provision.io/v1",
        "kind": "Installation",
        "metadata": {"name": INSTALLATION},
        "namespacePrefix": INSTALLATION,
        "target": {"local": {}},
        "registries": {
            "acme": {
                "server": "registry.local:5000",
                "credentials": {"dockerConfig": "unused"},
                "probeImage": "kpo/probe:1",
            }
        },
        "nodePools": {"standard": {}},
        "tenants": {name: tenant | {"registries": ["acme"]} for name, tenant in TENANTS.items()},
    }
    return sizing.size(model.Installation.model_validate(spec))


@pytest.fixture(scope="module")
def home():
    return Path(os.environ["KPO_TEST_KUBECONFIG"]).parent


@pytest.fixture(scope="module")
def api(planned, home):
    nodes = [
        local.PoolNode(
            pool=pool.name, labels=pool.labels, taints=tuple((t.key, t.value, t.effect) for t in pool.taints)
        )
        for pool in planned.pools
    ]
    options = local.LocalOptions.from_environment(os.environ | {"KPO_PROVISION_HOME": str(home)})
    local.ensure_pools(options, nodes, progress.Silent())
    login = (home / "registry" / "config.json").read_bytes()
    with Api(connect(kubeconfig=home / "kubeconfig", context=None)) as opened:
        try:
            changes = apply_bundle(opened, render.render(planned), {"acme": login}, progress=progress.Silent())
            assert changes.failures == ()
            break_tenants(opened)
            yield opened
        finally:
            destroy_tenants(opened, INSTALLATION, progress=progress.Silent())


def break_tenants(api):
    wrong = json.dumps({"auths": {"registry.local:5000": {"auth": base64.b64encode(b"kpo:wrong").decode()}}})
    data = {".dockerconfigjson": base64.b64encode(wrong.encode()).decode()}
    api.patch("Secret", "registry-acme", namespace("bad-login"), {"data": data})
    api.patch("ServiceAccount", "default", namespace("no-secret"), {"imagePullSecrets": None})
    api.delete("RoleBinding", "kpo-launcher", namespace("no-rights"))
    api.delete("NetworkPolicy", "kpo-isolation", namespace("open"))
    api.create(
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "task", "namespace": namespace("full"), "labels": {"kubernetes_pod_operator": "True"}},
            "spec": {
                "terminationGracePeriodSeconds": 0,
                "restartPolicy": "Never",
                "containers": [{"name": "base", "image": IMAGE, "command": ["sleep", "600"]}],
            },
        }
    )
    leftover = {"dag_id": "kpo-provision", "task_id": "probe", "kubernetes_pod_operator": "True"}
    api.create(
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "kpo-probe-old", "namespace": namespace("sound"), "labels": leftover},
            "spec": {"containers": [{"name": "base", "image": IMAGE, "command": ["sleep", "600"]}]},
        }
    )


def namespace(release):
    return f"{INSTALLATION}-{release}"


@pytest.fixture(scope="module")
def results(api, planned):
    images = {"no-image": "registry.local:5000/kpo/probe:none", "unreachable": "registry.invalid:5000/kpo/probe:1"}
    spoiled = [replace(one, probe_image=images.get(one.release, one.probe_image)) for one in planned.tenants]
    return verify(api, replace(planned, tenants=tuple(spoiled)), progress=progress.Silent(), timeout_s=15)


def find(results, check, release=""):
    (found,) = (result for result in results if (result.id, result.tenant) == (check, release))
    return found


def test_the_cluster_and_its_pool_are_sound(results):
    assert [(r.id, r.outcome) for r in results if not r.tenant and r.outcome is not Outcome.PASS] == []


@pytest.mark.parametrize("release", SOUND)
def test_a_sound_tenant_passes_every_check(results, release):
    problems = [(r.id, r.detail) for r in results if r.tenant == release and r.outcome is not Outcome.PASS]
    assert problems == []


def test_the_probe_is_the_worker_s_on_the_tenant_s_pool_from_the_private_registry(results):
    account = f"system:serviceaccount:{namespace('sound')}:sound-worker-serviceaccount"
    assert find(results, "probe-launch", "sound").evidence["created-by"] == account
    assert find(results, "probe-scheduled", "sound").evidence["pool"] == "standard"
    image = find(results, "probe-image", "sound")
    assert (image.evidence["image"], image.evidence["pull-secrets"]) == (IMAGE, "registry-acme")
    assert "Successfully pulled image" in find(results, "probe-events", "sound").evidence["pulled"]
    assert find(results, "probe-log", "sound").evidence["log-line"].endswith(" hello")


def test_a_tenant_with_no_capacity_is_refused_by_rights(results):
    assert "cannot create resource" in find(results, "tenant-closed", "idle").detail


def test_a_wrong_password_is_an_unauthorized_pull_and_names_the_secret(results):
    found = find(results, "probe-image", "bad-login")
    assert (found.outcome, found.evidence["cause"]) == (Outcome.FAIL, "ImagePullUnauthorized")
    assert f"secret {namespace('bad-login')}/registry-acme" in found.detail
    assert "registry-acme" in found.hint
    assert find(results, "registry-secret", "bad-login").outcome is Outcome.PASS
    assert find(results, "probe-delete", "bad-login").outcome is Outcome.PASS


def test_a_pod_that_does_not_get_the_secret_says_so(results):
    assert find(results, "registry-secret", "no-secret").outcome is Outcome.FAIL
    assert "to a pod without secret registry-acme" in find(results, "probe-image", "no-secret").detail


def test_an_image_that_is_not_there_is_named(results):
    assert find(results, "probe-image", "no-image").evidence["cause"] == "ImageNotFound"


def test_a_registry_that_cannot_be_reached_is_named(results):
    assert find(results, "probe-image", "unreachable").evidence["cause"] == "RegistryUnreachable"


def test_missing_rights_are_named_as_rules_and_the_probe_is_refused(results):
    assert "resources: [pods/exec]" in find(results, "rbac-worker", "no-rights").hint
    assert find(results, "probe-launch", "no-rights").evidence["cause"] == "ForbiddenRbac"
    assert find(results, "probe-log", "no-rights").outcome is Outcome.SKIP


def test_a_full_quota_is_named(results):
    assert find(results, "probe-launch", "full").evidence["cause"] == "QuotaExceeded"


def test_a_pod_without_network_policy_is_seen_to_reach_the_api_server(results):
    assert find(results, "tenant-network-policy", "open").outcome is Outcome.FAIL
    assert find(results, "network-isolation", "open").outcome is Outcome.WARN


def test_no_probe_pod_is_left(api, results):
    assert [result for result in results if result.id == "probe-delete"]
    deadline = time.monotonic() + 10
    while (left := probe_pods(api)) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert left == []


def probe_pods(api):
    found = api.list("Pod", label_selector="dag_id=kpo-provision,task_id=probe")
    return [pod["metadata"]["name"] for pod in found if pod["metadata"]["namespace"].startswith(INSTALLATION)]


def test_an_interrupted_verification_leaves_no_probe_pod(api, planned):
    class Interrupting(progress.Silent):
        def step(self, title, *, total=None):
            return Interrupted() if total else super().step(title)

    class Interrupted:
        def __enter__(self):
            return self

        def __exit__(self, *_):
            return None

        def say(self, _):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        verify(api, planned, progress=Interrupting(), tenants=["idle", "sound", "strict"], timeout_s=20)
    assert probe_pods(api) == []


def test_the_worker_s_token_is_no_administrator_s(api):
    token = api.request_token("sound-worker-serviceaccount", namespace("sound"))
    with Api(api.connection.as_bearer(token)) as worker, pytest.raises(errors.ApiError) as refusal:
        worker.read("Secret", "registry-acme", namespace("sound"))
    assert refusal.value.is_forbidden
