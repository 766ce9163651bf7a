"""The local cluster itself, started, broken and stopped: in a home and on ports of this module's own."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from kpo_provision import errors, local, progress
from kpo_provision.local import cgroups, programs

pytestmark = pytest.mark.machine

SILENT = progress.Silent()
POOL = local.PoolNode(
    pool="big", labels={"example.com/pool": "big"}, taints=(("example.com/pool", "big", "NoSchedule"),)
)
_UP = """
import os
from kpo_provision import local, progress
local.up(local.LocalOptions.from_environment(os.environ), progress.Silent())
"""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def environment_of(options: local.LocalOptions) -> dict[str, str]:
    return {
        **os.environ,
        "KPO_PROVISION_HOME": str(options.home),
        "KPO_PROVISION_CACHE": str(options.cache),
        "KPO_PROVISION_API_PORT": str(options.api_port),
        "KPO_PROVISION_REGISTRY_PORT": str(options.registry_port),
    }


@pytest.fixture(scope="module")
def options():
    """Options of a cluster that is down, and will be down and forgotten afterwards."""
    home = Path(tempfile.mkdtemp(prefix="kpo-lifecycle-"))
    cache = local.LocalOptions.from_environment(os.environ).cache
    chosen = local.LocalOptions(home=home, cache=cache, api_port=free_port(), registry_port=free_port())
    yield chosen
    local.down(chosen, SILENT, purge=True)
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
def cluster(options):
    """The cluster, up."""
    return local.up(options, SILENT)


@pytest.fixture
def kubectl(cluster, options):
    """Run kubectl as administrator in a namespace of this test's own."""
    program = programs.ensure_programs(options.cache, SILENT)["kubectl"]
    namespace = f"t{time.monotonic_ns()}"

    def run(*arguments: str, stdin: str = "", check: bool = True) -> str:
        argv = [str(program), "--kubeconfig", str(cluster.kubeconfig), "--cache-dir", str(options.home / "kubectl")]
        result = subprocess.run(
            [*argv, "--namespace", namespace, *arguments], input=stdin, capture_output=True, text=True, check=False
        )
        assert result.returncode == 0 or not check, result.stderr
        return result.stdout + result.stderr

    run("create", "namespace", namespace)
    wait_until(lambda: "default" in run("get", "serviceaccounts"))
    yield run
    run("delete", "namespace", namespace, "--wait=false")


def wait_until(holds: Callable[[], bool], *, timeout_s: float = 60) -> None:
    deadline = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.1)


def render_pod(name: str, script: str, **spec: object) -> str:
    container = {"name": "base", "image": local.PROBE_IMAGE, "command": ["bash", "-c", script]}
    container["imagePullPolicy"] = "Always"
    body = {"restartPolicy": "Never", "terminationGracePeriodSeconds": 0, "containers": [container], **spec}
    return json.dumps({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": body})


def pull_secret(cluster: local.LocalCluster) -> tuple[str, ...]:
    file = f".dockerconfigjson={cluster.docker_config}"
    return ("create", "secret", "generic", "pull", "--type=kubernetes.io/dockerconfigjson", f"--from-file={file}")


def find_daemon(options: local.LocalOptions, name: str) -> local.DaemonStatus:
    return next(daemon for daemon in local.read_status(options).daemons if daemon.name == name)


def test_everything_runs_and_no_secret_can_be_read(cluster, options):
    status = local.read_status(options)
    assert status.running
    assert not status.problem
    assert {daemon.state for daemon in status.daemons} == {"ready"}
    assert all(daemon.pid and Path(f"/proc/{daemon.pid}").exists() for daemon in status.daemons)
    assert [(node.name, node.ready) for node in status.nodes] == [("kpo-system", True)]
    assert local.read_cluster(options) == cluster
    for path in (cluster.kubeconfig, cluster.docker_config, options.home / "registry" / "htpasswd"):
        assert path.stat().st_mode & 0o777 == 0o600


def test_pod_with_the_secret_runs_and_finds_the_cluster_by_name(cluster, kubectl):
    kubectl(*pull_secret(cluster))
    # Bash speaks TCP by itself: a connection to the name and port of the API server's service.
    script = "exec 3<>/dev/tcp/kubernetes.default/443 && echo reached from $(hostname); sleep 600"
    kubectl("apply", "-f", "-", stdin=render_pod("probe", script, imagePullSecrets=[{"name": "pull"}]))
    kubectl("wait", "--for=condition=Ready", "--timeout=60s", "pod/probe")
    wait_until(lambda: "reached from probe" in kubectl("logs", "probe"))
    assert kubectl("exec", "probe", "--", "cat", "/etc/hostname") == "probe\n"
    assert "10.96.0.1" in kubectl("exec", "probe", "--", "nslookup", "kubernetes.default.svc.cluster.local")


def test_pod_without_the_secret_cannot_pull(kubectl):
    kubectl("apply", "-f", "-", stdin=render_pod("probe", "true"))
    reason = "jsonpath={.status.containerStatuses[0].state.waiting.reason}"
    wait_until(lambda: kubectl("get", "pod", "probe", "-o", reason) in ("ErrImagePull", "ImagePullBackOff"))
    assert "no basic auth credentials" in kubectl("describe", "pod", "probe")


def test_pool_is_a_node_of_its_own_that_comes_changes_and_goes(cluster, options, kubectl):
    assert local.ensure_pools(options, [POOL], SILENT) == ("node kpo-pool-big added",)
    assert local.ensure_pools(options, [POOL], SILENT) == ()
    kubectl(*pull_secret(cluster))
    pod = render_pod(
        "probe",
        "sleep 600",
        imagePullSecrets=[{"name": "pull"}],
        nodeSelector={"example.com/pool": "big"},
        tolerations=[{"key": "example.com/pool", "operator": "Exists"}],
    )
    kubectl("apply", "-f", "-", stdin=pod)
    kubectl("wait", "--for=condition=Ready", "--timeout=60s", "pod/probe")
    assert kubectl("get", "pod", "probe", "-o", "jsonpath={.spec.nodeName}") == "kpo-pool-big"

    changed = local.PoolNode(pool="big", labels={"example.com/class": "x"}, taints=())
    assert local.ensure_pools(options, [changed], SILENT) == ("labels and taints of node kpo-pool-big changed",)
    labels = json.loads(kubectl("get", "node", "kpo-pool-big", "-o", "jsonpath={.metadata.labels}"))
    assert labels["example.com/class"] == "x"
    assert "example.com/pool" not in labels

    assert local.ensure_pools(options, [], SILENT) == ("node kpo-pool-big removed",)
    assert "NotFound" in kubectl("get", "pod", "probe", check=False)
    assert [node.name for node in local.read_status(options).nodes] == ["kpo-system"]
    assert not cgroups.list_processes(f"{options.cgroup}/nodes/kpo-pool-big")


def test_daemon_that_was_killed_is_reported_and_comes_back_with_up(cluster, options):
    os.kill(find_daemon(options, "kube-scheduler").pid, signal.SIGKILL)
    wait_until(lambda: find_daemon(options, "kube-scheduler").state == "ended")
    assert "kube-scheduler: killed by SIGKILL" in local.read_status(options).problem
    local.up(options, SILENT)
    assert find_daemon(options, "kube-scheduler").state == "ready"


def test_killed_supervisor_takes_all_with_it_and_up_brings_back_what_was_there(cluster, options, kubectl):
    kubectl("create", "configmap", "kept")
    os.kill(find_eldest(options), signal.SIGKILL)
    wait_until(lambda: not cgroups.list_processes(options.cgroup))
    assert not local.read_status(options).running
    assert local.read_cluster(options) is None
    local.up(options, SILENT)
    assert "kept" in kubectl("get", "configmaps")


def find_eldest(options: local.LocalOptions) -> int:
    """Return the process from which all others of the cluster descend."""
    processes = set(cgroups.list_processes(options.cgroup))
    (eldest,) = (pid for pid in processes if find_parent(pid) not in processes)
    return eldest


def find_parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


@pytest.mark.parametrize("after_s", [0.6, 2.0])
def test_up_that_was_killed_is_finished_by_the_next(options, after_s):
    local.down(options, SILENT)
    with subprocess.Popen([sys.executable, "-c", _UP], env=environment_of(options)) as process:
        time.sleep(after_s)
        process.kill()
    local.up(options, SILENT)
    assert not local.read_status(options).problem


def test_two_ups_at_once_make_one_cluster(options):
    local.down(options, SILENT)
    processes = [subprocess.Popen([sys.executable, "-c", _UP], env=environment_of(options)) for _ in range(2)]
    assert [process.wait() for process in processes] == [0, 0]
    assert not local.read_status(options).problem


def test_running_cluster_is_not_moved_to_another_port(cluster, options):
    other = local.LocalOptions(
        home=options.home, cache=options.cache, api_port=free_port(), registry_port=options.registry_port
    )
    with pytest.raises(errors.LocalClusterError, match=f"runs already, at port {options.api_port}"):
        local.up(other, SILENT)


def test_port_in_use_is_named_with_its_holder_and_nothing_is_started(options):
    local.down(options, SILENT)
    with socket.create_server(("127.0.0.1", options.registry_port)):
        with pytest.raises(
            errors.LocalClusterError, match=rf"port {options.registry_port} .* \(process {os.getpid()}\)"
        ):
            local.up(options, SILENT)
    assert not cgroups.list_processes(options.cgroup)


def test_down_leaves_nothing_behind(cluster, options):
    assert cgroups.list_processes(options.cgroup)
    local.down(options, SILENT)
    assert not cgroups.list_processes(options.cgroup)
    assert not list(cgroups.ROOT.glob(f"**/{options.cgroup}"))
    assert str(options.home) not in Path("/proc/self/mountinfo").read_text()
    interfaces = subprocess.run(["ip", "-brief", "address"], capture_output=True, text=True, check=True).stdout
    assert "10.88.0." not in interfaces
    tables = subprocess.run(["nft", "list", "tables"], capture_output=True, text=True, check=True).stdout
    assert "kube-proxy" not in tables
    assert "kpo" not in tables
    assert (options.home / "etcd").exists()
    local.down(options, SILENT, purge=True)
    assert not options.home.exists()
