"""Hosts that fail half way: each is named with its cause, the others go on, and a rerun finishes."""

import signal
import subprocess
import threading
import time

import pytest

from kpo_provision.plan import KPO_POD_LABEL

pytestmark = pytest.mark.machine

POOL = "kpo-provision.io/pool"
BROKEN = "[Service]\nExecStartPre=/bin/sh -c 'echo fatal: this kubelet cannot start >&2; exit 1'\n"
DROP_IN = "/etc/systemd/system/kubelet.service.d/99-broken.conf"
BOOTSTRAP = "etc/kubernetes/pki/ca.crt"
"""What `kubeadm join` writes first: from then on a host has half joined."""


@pytest.fixture
def three(site, admin):
    site.clear()
    for name in ("node-1", "node-2", "node-3"):
        site.add_host(name)
    admin.refresh()
    return admin


def nodes(api):
    ready = []
    for node in api.list("Node", label_selector=POOL):
        conditions = {found["type"]: found["status"] for found in node["status"]["conditions"]}
        ready += [node["metadata"]["name"]] if conditions["Ready"] == "True" else []
    return sorted(ready)


def wait_for(is_so, timeout_s=60):
    deadline = time.monotonic() + timeout_s
    while not is_so():
        assert time.monotonic() < deadline, "what was waited for did not come about"
        time.sleep(0.02)


def failures(document):
    return {failure["host"]: failure for failure in document["changes"]["hostFailures"]}


class Doom(threading.Thread):
    """Strikes a host as soon as it has half joined."""

    def __init__(self, host, strike):
        super().__init__()
        self.host, self.strike = host, strike
        self.start()

    def run(self):
        wait_for((self.host.upper / BOOTSTRAP).exists)
        self.strike(self.host)


def test_hosts_fail_while_they_join_and_a_rerun_finishes(site, three, api):
    admin, hosts = three, site.hosts
    hosts["node-3"].write(DROP_IN, BROKEN)
    hosts["node-3"].run("systemctl daemon-reload")
    dooms = [
        Doom(hosts["node-1"], lambda host: host.stop()),
        Doom(hosts["node-2"], lambda host: host.run("pkill -KILL -u ops sshd; pkill -KILL kubeadm", check=False)),
    ]
    found = failures(admin.apply("--no-verify", code=6))
    for doom in dooms:
        doom.join()
    assert found.keys() == {"node-1", "node-2", "node-3"}
    assert "kubelet ends again and again" in found["node-3"]["problem"]
    assert "this kubelet cannot start" in found["node-3"]["problem"]
    assert all(failure["hint"] for failure in found.values())
    assert nodes(api) == []

    hosts["node-1"].start()
    hosts["node-3"].run(f"rm {DROP_IN}; systemctl daemon-reload")
    assert failures(admin.apply("--no-verify")) == {}
    assert nodes(api) == ["node-1", "node-2", "node-3"]
    assert admin.apply("--no-verify")["changes"]["objects"] == []


def test_a_token_that_is_gone_is_called_so_and_a_rerun_makes_another(three, api):
    stop = threading.Event()
    before = {secret["metadata"]["name"] for secret in list_tokens(api)}

    def delete_tokens():
        while not stop.wait(0.05):
            signed = api.read("ConfigMap", "cluster-info", "kube-public")["data"]
            for secret in list_tokens(api):
                name = secret["metadata"]["name"]
                if name not in before and f"jws-kubeconfig-{name.rpartition('-')[2]}" in signed:
                    time.sleep(0.5)
                    api.delete("Secret", name, "kube-system")

    thread = threading.Thread(target=delete_tokens)
    thread.start()
    found = failures(three.apply("--no-verify", code=6))
    stop.set()
    thread.join()
    assert found.keys() == {"node-1", "node-2", "node-3"}
    assert all("token" in failure["problem"] + failure["hint"] for failure in found.values()), found
    three.apply("--no-verify")
    assert nodes(api) == ["node-1", "node-2", "node-3"]


def list_tokens(api):
    return api.list("Secret", "kube-system", field_selector="type=bootstrap.kubernetes.io/token")


@pytest.mark.parametrize("victim", ["kpo_provision", "terraform"])
def test_a_run_that_is_killed_is_finished_by_the_next(site, three, api, victim):
    admin = three
    process = admin.start("apply", "--no-verify")
    half_joined = site.hosts["node-1"].upper / BOOTSTRAP
    wait_for(lambda: half_joined.exists() or process.poll() is not None)
    assert process.poll() is None, process.communicate()
    if victim == "terraform":
        subprocess.run(["pkill", "-KILL", "-P", str(process.pid), "terraform"], check=True)
    else:
        process.send_signal(signal.SIGKILL)
    process.communicate()
    assert failures(admin.apply("--no-verify")) == {}
    assert nodes(api) == ["node-1", "node-2", "node-3"]
    assert admin.apply("--no-verify")["changes"]["objects"] == []


def test_a_kubelet_that_refuses_its_new_configuration_gets_its_old_one_back(site, three, api):
    admin = three
    admin.apply("--no-verify")
    for name in ("node-1", "node-2"):
        check = "ExecStartPre=/bin/sh -c \"! grep -q 'maxPods: 41' /var/lib/kubelet/config.yaml\""
        site.hosts[name].write(DROP_IN, f"[Service]\n{check}\n")
        site.hosts[name].run("systemctl daemon-reload")
    admin.edit(("maxPodsPerNode: 60", "maxPodsPerNode: 41"))
    found = failures(admin.apply("--no-verify", code=6))
    assert found.keys() == {"node-1", "node-2"}
    assert all("has its old one back" in failure["problem"] for failure in found.values())
    wait_for(lambda: nodes(api) == ["node-1", "node-2", "node-3"])
    for name in ("node-1", "node-2"):
        assert "maxPods: 60" in site.hosts[name].run("cat /var/lib/kubelet/config.yaml").stdout
        site.hosts[name].run(f"rm {DROP_IN}; systemctl daemon-reload")
    admin.apply("--no-verify")
    assert {node["status"]["allocatable"]["pods"] for node in api.list("Node", label_selector=f"{POOL}=standard")} == {
        "41"
    }


def test_a_host_leaves_when_its_kpo_pod_has_ended_or_at_once_by_force(site, three, api):
    admin = three
    admin.apply("--no-verify")
    run_task(api, "node-2", seconds=16)
    admin.edit(("      node-2: {address: 10.89.0.12}\n", ""))
    process = admin.start("apply", "--no-verify")
    wait_for(lambda: api.read("Node", "node-2")["spec"].get("unschedulable"))
    assert phase(api) == "Running"
    out, _ = process.communicate()
    assert process.returncode == 0, out
    assert phase(api) in ("Succeeded", "gone")
    assert nodes(api) == ["node-1", "node-3"]

    run_task(api, "node-1", seconds=600)
    refused = admin.run("destroy", "--force")
    assert refused.code == 2
    assert "astronomer-frigid-vacuum-0996/task on node-1" in refused.err
    started = time.monotonic()
    admin.succeed("destroy", "--force", "--yes")
    assert nodes(api) == []
    assert time.monotonic() - started < 600, "nobody waited for the task"


def phase(api):
    found = [pod for pod in api.list("Pod", "astronomer-frigid-vacuum-0996") if pod["metadata"]["name"] == "task"]
    return found[0]["status"]["phase"] if found else "gone"


def run_task(api, node, *, seconds):
    """Launch what looks like a pod of KubernetesPodOperator on one node, and wait until it runs."""
    if phase(api) != "gone":
        api.delete("Pod", "task", "astronomer-frigid-vacuum-0996", grace_s=0)
        wait_for(lambda: phase(api) == "gone")
    key, value = KPO_POD_LABEL
    container = {
        "name": "base",
        "image": "registry.local:5000/kpo/probe:1",
        "command": ["/bin/sh", "-c", f"sleep {seconds}"],
    }
    api.create(
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "task", "namespace": "astronomer-frigid-vacuum-0996", "labels": {key: value}},
            "spec": {
                "containers": [container],
                "nodeSelector": {"kubernetes.io/hostname": node},
                "restartPolicy": "Never",
                "terminationGracePeriodSeconds": 1,
            },
        }
    )
    wait_for(lambda: phase(api) == "Running")
