"""``size --observe`` on a real node: it says what the kubelet says, and what it says fits is placed."""

import json
import os
import time
from pathlib import Path

import pytest

from kpo_provision import local, progress
from kpo_provision.kube.api import Api
from kpo_provision.kube.connection import connect
from kpo_provision.plan import POOL_KEY
from tests import commands

pytestmark = pytest.mark.cluster

POOL = f"observed-{os.getpid()}"
NAMESPACE = f"size-{os.getpid()}"
NODE = local.PoolNode(pool=POOL, labels={POOL_KEY: POOL}, taints=((POOL_KEY, POOL, "NoSchedule"),))
TOLERATIONS = [{"key": POOL_KEY, "operator": "Exists"}]
SPEC = f"""\
apiVersion: kpo-provision.io/v1
kind: Installation
metadata: {{name: observed}}
namespacePrefix: observed
target: {{local: {{}}}}
nodePools:
  {POOL}: {{largestPod: {{cpu: 100m, memory: 384Mi}}}}
tenants:
  etl: {{extraCapacity: 10}}
"""
DAEMONS = {
    "initContainers": [
        {"name": "sidecar", "restartPolicy": "Always", "requests": {"cpu": "20m", "memory": "16Mi"}},
        {"name": "first", "requests": {"cpu": "10m", "memory": "100Mi"}},
    ],
    "containers": [
        {"name": "main", "requests": {"cpu": "30m", "memory": "32Mi"}},
        {"name": "more", "requests": {"memory": "1"}},
    ],
}


@pytest.fixture(scope="module")
def home():
    return Path(os.environ["KPO_TEST_KUBECONFIG"]).parent


@pytest.fixture(scope="module")
def api(home):
    options = local.LocalOptions.from_environment(os.environ | {"KPO_PROVISION_HOME": str(home)})
    local.ensure_pools(options, [NODE], progress.Silent())
    with Api(connect(kubeconfig=home / "kubeconfig", context=None)) as opened:
        opened.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
        try:
            yield opened
        finally:
            opened.delete("Namespace", NAMESPACE, grace_s=0)


@pytest.fixture(scope="module")
def daemon(api):
    labels = {"app": "agent"}
    pod = {kind: [render_container(**container) for container in containers] for kind, containers in DAEMONS.items()}
    spec = {"nodeSelector": {POOL_KEY: POOL}, "tolerations": TOLERATIONS, "terminationGracePeriodSeconds": 0, **pod}
    manifest = {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {"name": "agent", "namespace": NAMESPACE},
        "spec": {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": spec}},
    }
    wait_for_account(api)
    api.create(manifest)
    deadline = time.monotonic() + 60
    while not any(pod["spec"].get("nodeName") for pod in api.list("Pod", NAMESPACE, label_selector="app=agent")):
        assert time.monotonic() < deadline, "no pod of the DaemonSet was bound to the node"
        time.sleep(0.2)


def wait_for_account(api):
    deadline = time.monotonic() + 60
    while not any(account["metadata"]["name"] == "default" for account in api.list("ServiceAccount", NAMESPACE)):
        assert time.monotonic() < deadline, "the namespace got no service account"
        time.sleep(0.2)


def render_container(*, name, requests, **more):
    return {"name": name, "image": "registry.local:5000/none:1", "resources": {"requests": requests}, **more}


@pytest.fixture(scope="module")
def observe(api, daemon, home, tmp_path_factory):
    path = tmp_path_factory.mktemp("observe") / "spec.yaml"
    path.write_text(SPEC)

    def run(*arguments):
        return commands.run("size", str(path), *arguments, environ={**os.environ, "KPO_PROVISION_HOME": str(home)})

    return run


@pytest.fixture(scope="module")
def sized(observe):
    answer = observe("--observe", "-o", "json")
    assert answer.returncode == 0, answer.stderr
    return json.loads(answer.stdout)


def test_without_observe_and_platform_nothing_is_guessed(observe):
    answer = observe()
    assert answer.returncode == 3
    assert "sizing.platform" in answer.stderr
    assert "--observe" in answer.stderr


def test_the_truth_is_what_the_kubelet_says(api, sized):
    status = api.read("Node", NODE.name)["status"]
    [found] = sized["observed"]
    assert (found["pool"], found["node"], found["model"]) == (POOL, NODE.name, None)
    assert f"{found['truth']['capacityMemoryKi']}Ki" == status["capacity"]["memory"]
    assert f"{found['truth']['allocatableMemoryKi']}Ki" == status["allocatable"]["memory"]
    assert found["truth"]["allocatableCpuMilli"] == int(status["allocatable"]["cpu"]) * 1000
    assert str(found["truth"]["maxPods"]) == status["allocatable"]["pods"]


def test_daemons_are_counted_as_the_scheduler_counts_them(sized):
    truth = sized["observed"][0]["truth"]
    # Init container beside its sidecar, 116Mi, outweighs 48Mi and a byte of memory; of CPU the running ones are more.
    assert (truth["overheadCpuMilli"], truth["overheadMemoryKi"], truth["overheadPods"]) == (50, 116 * 1024, 1)


def test_the_model_of_kubeadm_is_right_about_a_plain_kubelet(observe):
    answer = observe("--observe", "--platform", "kubeadm", "--pool", POOL, "-o", "json")
    assert answer.returncode == 0, answer.stderr
    [found] = json.loads(answer.stdout)["observed"]
    assert not found["capacityPredicted"]
    for number in ("capacityMemoryKi", "allocatableMemoryKi", "allocatableCpuMilli", "maxPods"):
        assert found["model"][number] == found["truth"][number]


@pytest.mark.parametrize(("more_cpu", "more_ki", "is_placed"), [(0, 0, True), (1, 0, False), (0, 1, False)])
def test_the_largest_pod_that_fits_is_placed_and_one_unit_more_is_not(api, sized, more_cpu, more_ki, is_placed):
    node = sized["pools"][0]["node"]
    name = f"largest-{more_cpu}-{more_ki}"
    requests = {
        "cpu": f"{node['schedulableCpuMilli'] + more_cpu}m",
        "memory": f"{node['schedulableMemoryKi'] + more_ki}Ki",
    }
    api.create(
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name, "namespace": NAMESPACE},
            "spec": {
                "nodeSelector": {POOL_KEY: POOL},
                "tolerations": TOLERATIONS,
                "terminationGracePeriodSeconds": 0,
                "containers": [render_container(name="base", requests=requests)],
            },
        }
    )
    try:
        assert wait_for_placement(api, name) is is_placed
    finally:
        api.delete("Pod", name, NAMESPACE, grace_s=0)
        wait_for_absence(api, name)


def wait_for_placement(api, name):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        conditions = api.read("Pod", name, NAMESPACE).get("status", {}).get("conditions") or ()
        for condition in conditions:
            if condition["type"] == "PodScheduled":
                return condition["status"] == "True"
        time.sleep(0.2)
    raise AssertionError("the scheduler did not look at the pod")


def wait_for_absence(api, name):
    deadline = time.monotonic() + 60
    while any(pod["metadata"]["name"] == name for pod in api.list("Pod", NAMESPACE)):
        assert time.monotonic() < deadline, "the pod did not go"
        time.sleep(0.2)
