"""The local cluster without root: started, used, broken and stopped as the user nobody, in a home of its own.

Of root's rights these commands keep that of reading files, because the interpreter and the built programs may lie where
nobody else looks; they may write nowhere but in their home, and have no other right.
"""

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
from kpo_provision.kube.api import Api
from kpo_provision.kube.connection import connect
from kpo_provision.local import programs, recipes
from kpo_provision.local.simulated import processes

pytestmark = pytest.mark.machine

ROOT = Path(__file__).parents[2]
USER = 65534
SILENT = progress.Silent()
UP = ("local", "up", "--simulated")
NEVER_RUN = {"probe-image", "probe-events", "probe-log", "probe-xcom", "network-dns", "network-isolation"}


class User:
    """Somebody without root who has kpo-provision."""

    def __init__(self, base: Path) -> None:
        # A home whose sockets would have longer names than the kernel allows.
        home = base / ("home" * 30)
        home.mkdir(mode=0o700)
        os.chown(home, USER, USER)
        kept = local.LocalOptions.from_environment(os.environ)
        self.options = local.LocalOptions(
            home=home / ".local" / "state" / "kpo-provision" / "local", cache=kept.cache, api_port=free_port()
        )
        self.layout = self.options.layout
        self._environment = {
            "HOME": str(home),
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "PYTHONDONTWRITEBYTECODE": "1",
            "KPO_PROVISION_CACHE": str(kept.cache),
            "KPO_PROVISION_API_PORT": str(self.options.api_port),
        }

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        right = "--{}=-all,+dac_read_search"
        argv = ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups"]
        argv += [right.format("bounding-set"), right.format("inh-caps"), "--ambient-caps=+dac_read_search"]
        return subprocess.Popen(
            [*argv, sys.executable, "-m", "kpo_provision", *arguments],
            env=self._environment,
            cwd=self._environment["HOME"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        with self.start(*arguments) as process:
            out, err = process.communicate()
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def ask(self, *arguments: str) -> dict:
        answer = self.run(*arguments, "-q", "-o", "json")
        assert answer.returncode == 0, answer.stdout + answer.stderr
        return json.loads(answer.stdout)

    def processes(self) -> tuple[int, ...]:
        return processes.list_processes(self.layout)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def wait_until(holds: Callable[[], bool], *, timeout_s: float = 60) -> None:
    deadline = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.05)


@pytest.fixture(scope="module")
def user():
    """A user whose cluster is down, and will be down and forgotten afterwards."""
    base = Path(tempfile.mkdtemp(prefix="kpo-simulated-"))
    base.chmod(0o755)
    somebody = User(base)
    programs.ensure_programs(somebody.options.cache, SILENT, components=recipes.SIMULATED_COMPONENTS)
    yield somebody
    processes.end_processes(somebody.layout)
    shutil.rmtree(base)


@pytest.fixture
def cluster(user):
    """The cluster, up."""
    return user.ask(*UP)


@pytest.fixture
def api(cluster, user):
    """The cluster's API as its administrator, with nodes for no pool and nothing but what the test makes."""
    with Api(connect(kubeconfig=user.layout.kubeconfig, context=None)) as opened:
        wait_until(lambda: any(a["metadata"]["name"] == "default" for a in opened.list("ServiceAccount", "default")))
        yield opened
        for pod in opened.list("Pod", "default"):
            opened.delete("Pod", pod["metadata"]["name"], "default", grace_s=0)


@pytest.fixture
def spec(user):
    """The spec of the quick start, in the user's home."""
    path = user.options.home.parents[3] / "quickstart.yaml"
    path.write_text((ROOT / "examples" / "quickstart.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    path.chmod(0o644)
    return path


def render_pod(name: str, **spec: object) -> dict:
    container = {"name": "base", "image": "registry.invalid/none", **spec}
    metadata = {"name": name, "namespace": "default"}
    body = {"restartPolicy": "Never", "containers": [container]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": body}


def test_without_root_nothing_is_simulated_unless_asked_for(user, spec):
    for arguments in (("local", "up"), ("apply", str(spec))):
        answer = user.run(*arguments)
        assert answer.returncode == errors.ExitCode.CLUSTER
        assert "need root" in answer.stderr
        assert "sudo" in answer.stderr
        assert "local up --simulated" in answer.stderr
    assert not user.options.home.exists()


def test_cluster_runs_as_the_user_and_says_that_it_is_simulated(cluster, user):
    assert cluster["simulated"]
    assert cluster["kubeconfig"] == str(user.layout.kubeconfig)
    status = user.ask("local", "status")
    assert (status["running"], status["simulated"], status["problem"]) == (True, True, "")
    assert {daemon["state"] for daemon in status["daemons"]} == {"ready"}
    assert [(node["name"], node["ready"]) for node in status["nodes"]] == [("kpo-system", True)]
    assert "simulated" in user.run("local", "status").stdout
    running = {daemon["pid"] for daemon in status["daemons"]}
    assert running < set(user.processes())
    assert {Path(f"/proc/{pid}").stat().st_uid for pid in user.processes()} == {USER}


def test_no_secret_can_be_read_by_others_and_one_port_is_open(cluster, user):
    assert user.options.home.stat().st_mode & 0o777 == 0o700
    for path in (user.layout.kubeconfig, user.layout.docker_config, *user.layout.pki.iterdir()):
        assert path.stat().st_mode & 0o777 == 0o600
    rows = [line.split() for table in ("tcp", "tcp6") for line in Path(f"/proc/net/{table}").read_text().splitlines()]
    listening = {row[1] for row in rows if row[3] == "0A" and int(row[7]) == USER}
    assert listening == {f"0100007F:{user.options.api_port:04X}"}
    held = {str(link.readlink()) for pid in user.processes() for link in Path(f"/proc/{pid}/fd").iterdir()}
    names = [line.split() for line in Path("/proc/net/unix").read_text().splitlines()[1:]]
    bound = {row[7] for row in names if len(row) == 8 and f"socket:[{row[6]}]" in held}
    assert bound == {"control.sock", "etcd.sock", "etcd-peer.sock"}


def test_what_a_simulated_node_cannot_prove_is_not_proven(cluster, user, spec):
    report = user.ask("apply", str(spec))
    assert report["simulated"]
    checks = [check for check in report["checks"] if check["tenant"] in {"", "frigid-vacuum-0996"}]
    outcomes = {check["id"]: (check["outcome"], check["simulated"]) for check in checks}
    assert {check for check, (outcome, _) in outcomes.items() if outcome == "skip"} == NEVER_RUN
    assert {check for check, (_, simulated) in outcomes.items() if simulated} == {
        *NEVER_RUN,
        "pool-nodes",
        "probe-scheduled",
    }
    assert outcomes["probe-scheduled"] == ("pass", True)
    assert {outcome for outcome, simulated in outcomes.values() if not simulated} == {"pass"}
    closed = next(check for check in report["checks"] if check["id"] == "tenant-closed")
    assert (closed["outcome"], closed["simulated"]) == ("pass", False)
    assert user.ask("local", "status")["nodes"][1]["name"] == "kpo-pool-standard"

    again = user.ask("apply", str(spec))
    assert again["changes"]["objects"] == []
    text = user.run("verify", str(spec))
    assert text.returncode == 0
    assert "verified on simulated nodes" in text.stdout
    assert "simulated node: nothing was run: probe-image" in text.stdout
    assert user.run("destroy", str(spec), "--yes").returncode == 0


def test_pod_is_placed_for_real_and_runs_in_name_only(api):
    api.create(render_pod("task"))
    api.create(render_pod("giant", resources={"requests": {"cpu": "100000"}}))
    wait_until(lambda: api.read("Pod", "task", "default")["status"]["phase"] == "Succeeded")
    status = api.read("Pod", "task", "default")["status"]
    assert status["message"] == "simulated node: nothing was run"
    assert "podIP" not in status
    giant = api.read("Pod", "giant", "default")
    assert "nodeName" not in giant["spec"]
    assert "Insufficient cpu" in giant["status"]["conditions"][0]["message"]


def test_nobody_makes_up_a_log(api):
    api.create(render_pod("task"))
    wait_until(lambda: api.read("Pod", "task", "default")["status"]["phase"] == "Succeeded")
    with pytest.raises(errors.ApiError, match="no preferred addresses found"):
        list(api.stream_log("task", "default", "base"))


def test_daemon_that_was_killed_is_reported_and_comes_back_with_up(cluster, user):
    scheduler = next(one for one in user.ask("local", "status")["daemons"] if one["name"] == "kube-scheduler")
    os.kill(scheduler["pid"], signal.SIGKILL)
    wait_until(lambda: "kube-scheduler: killed by SIGKILL" in user.run("local", "status").stdout)
    assert user.run("local", "status").returncode == errors.ExitCode.CLUSTER
    user.ask(*UP)
    revived = next(one for one in user.ask("local", "status")["daemons"] if one["name"] == "kube-scheduler")
    assert revived["state"] == "ready"
    assert revived["pid"] in user.processes()


def test_killed_supervisor_takes_all_with_it_and_up_brings_back_what_was_there(cluster, user, api):
    api.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "kept"}})
    supervisor, *daemons = user.processes()
    assert len(daemons) == 5
    os.kill(supervisor, signal.SIGKILL)
    wait_until(lambda: not user.processes())
    status = user.run("local", "status")
    assert (status.returncode, "simulated local cluster does not run" in status.stdout) == (6, True)
    user.ask(*UP)
    assert api.read("Namespace", "kept")


@pytest.mark.parametrize("after_s", [0.3, 0.6, 2.0])
def test_up_that_was_killed_is_finished_by_the_next(user, after_s):
    user.run("local", "down")
    with user.start(*UP) as process:
        time.sleep(after_s)
        process.kill()
        process.communicate()
    user.ask(*UP)
    status = user.ask("local", "status")
    assert (status["problem"], len(user.processes())) == ("", 6)


def test_cluster_of_one_kind_is_not_started_as_the_other(cluster, user):
    asked = local.LocalOptions(home=user.options.home, cache=user.options.cache, simulated=False)
    with pytest.raises(errors.LocalClusterError, match="holds a simulated cluster") as caught:
        local.up(asked, SILENT)
    assert "down --purge" in caught.value.hint
    assert local.read_cluster(user.options).simulated


def test_port_in_use_is_named_and_nothing_is_started(user):
    user.run("local", "down")
    with socket.create_server(("127.0.0.1", user.options.api_port)):
        answer = user.run(*UP)
    assert answer.returncode == errors.ExitCode.CLUSTER
    assert f"port {user.options.api_port} of 127.0.0.1 is in use" in answer.stderr
    assert not user.processes()
    assert user.run("local", "down").returncode == 0


def test_down_leaves_nothing_behind(cluster, user):
    running = user.processes()
    assert user.run("local", "down").returncode == 0
    assert not user.processes()
    assert all(user.options.home.name not in read_arguments(pid) for pid in running)
    assert user.layout.etcd.exists()
    for _ in range(2):
        assert user.run("local", "down", "--purge").returncode == 0
        assert not user.options.home.exists()


def test_home_that_is_deleted_takes_the_cluster_with_it(cluster, user):
    running = user.processes()
    shutil.rmtree(user.options.home)
    wait_until(lambda: not any(read_arguments(pid) for pid in running))


def read_arguments(pid: int) -> str:
    """Read how a process was started; nothing when it is gone, or dead and not yet buried."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""
