"""Ctrl-C, SIGTERM and kill -9 in each phase: what is said, what is left, and that the next ``apply`` finishes."""

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

from kpo_provision import local, plan, progress
from kpo_provision.kube.api import Api
from kpo_provision.kube.connection import connect
from kpo_provision.local import cgroups, programs
from kpo_provision.local.recipes import COMPONENTS
from kpo_provision.verify.pod import MARKS

pytestmark = pytest.mark.cluster

UNBUILT = "cni-plugins"
"""The component that is quickest to build."""
NAME = f"stop-{os.getpid()}"
NEW_TENANTS = 20
"""By so many a spec grows before it is applied and interrupted."""
MARK = "KPO_TEST_INTERRUPTION"
"""Environment variable that tells every process that a command of ours has started."""

SIGNALS = {"Ctrl-C": signal.SIGINT, "SIGTERM": signal.SIGTERM, "kill -9": signal.SIGKILL}
every_signal = pytest.mark.parametrize("number", SIGNALS.values(), ids=SIGNALS)
polite_signals = pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])


class Command:
    """A command of kpo-provision that runs in a process group of its own, as in a terminal."""

    def __init__(self, *arguments: str, cwd: Path, **environ: str) -> None:
        self._mark = f"{os.getpid()}-{time.monotonic_ns()}"
        self._process = subprocess.Popen(
            [sys.executable, "-m", "kpo_provision", *arguments],
            cwd=cwd,
            env={**os.environ, **environ, MARK: self._mark},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def interrupt_when(self, is_reached: Callable[[], object], number: signal.Signals) -> tuple[str, str]:
        """Send a signal as soon as a phase is reached; return stdout and stderr."""
        try:
            wait_until(lambda: is_reached() or self._process.poll() is not None)
            assert self._process.poll() is None, "it ended before the phase was seen"
            if number is signal.SIGINT:
                os.killpg(self._process.pid, number)  # a terminal tells the whole group
            else:
                self._process.send_signal(number)
            return self._process.communicate(timeout=60)
        finally:
            self._process.kill()
            self._process.wait()

    def finish(self) -> tuple[int, str, str]:
        """Let it come to its end; return exit code, stdout and stderr."""
        stdout, stderr = self._process.communicate(timeout=300)
        return self._process.returncode, stdout, stderr

    def expect_interruption(self, stderr: str, *, said: str) -> None:
        """Check how it ended, what it said, and that no process of it is left."""
        assert self._process.returncode == 130, stderr
        before, _, last_words = stderr.partition("\ninterrupted; nothing is left half open\n")
        assert said in last_words
        assert "  next: kpo-provision " in last_words
        assert "Traceback" not in before + last_words
        wait_until(lambda: not self.list_left())

    def list_left(self) -> list[str]:
        """List the processes that it has started and that still run."""
        needle = f"{MARK}={self._mark}".encode()
        return [entry.parent.name for entry in Path("/proc").glob("[0-9]*/environ") if needle in read_bytes(entry)]


def read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""  # the process ended meanwhile


def wait_until(holds: Callable[[], object], *, timeout_s: float = 120) -> None:
    deadline = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.01)


def apply(folder: Path, *arguments: str, **environ: str) -> None:
    code, stdout, stderr = Command("apply", "spec.yaml", *arguments, cwd=folder, **environ).finish()
    assert code == 0, stdout + stderr


def write_spec(folder: Path, *, tenants: int, target: object, **registries: object) -> None:
    spec = {
        "apiVersion": "kpo-provision.io/v1",
        "kind": "Installation",
        "metadata": {"name": NAME},
        "namespacePrefix": NAME,
        "target": target,
        "registries": registries,
        "nodePools": {"standard": {"largestPod": {"cpu": "1500m", "memory": "4Gi"}}},
        "tenants": {f"t{index:02}": {"extraCapacity": 5, "registries": list(registries)} for index in range(tenants)},
    }
    (folder / "spec.yaml").write_text(json.dumps(spec))


LOCAL_REGISTRY = {
    "server": "registry.local:5000",
    "credentials": {"localCluster": {}},
    "probeImage": "kpo/probe:1",
}


class Cluster:
    """The cluster as its administrator sees it, and only what is of this installation."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def list_tenants(self) -> set[str]:
        selector = f"{plan.INSTALLATION_KEY}={NAME}"
        return {found["metadata"]["name"] for found in self._api.list("Namespace", label_selector=selector)}

    def list_probes(self) -> list[str]:
        selector = ",".join(f"{key}={value}" for key, value in MARKS.items())
        found = self._api.list("Pod", label_selector=selector)
        return [pod["metadata"]["name"] for pod in found if pod["metadata"]["namespace"] in self.list_tenants()]

    def list_open_without_quota(self) -> set[str]:
        """List the tenants whose workers may launch pods that no quota holds back yet."""
        selector = f"{plan.INSTALLATION_KEY}={NAME}"
        bindings = self._api.list("RoleBinding", label_selector=selector)
        quotas = self._api.list("ResourceQuota", label_selector=selector)
        held = {
            quota["metadata"]["namespace"]
            for quota in quotas
            if quota.get("status", {}).get("hard") == quota["spec"]["hard"]
        }
        return {binding["metadata"]["namespace"] for binding in bindings} - held


@pytest.fixture(scope="module")
def api():
    with Api(connect(kubeconfig=Path(os.environ["KPO_TEST_KUBECONFIG"]), context=None)) as opened:
        yield opened


@pytest.fixture
def cluster(api):
    return Cluster(api)


@pytest.fixture(scope="module")
def many(tmp_path_factory, api):
    """A folder whose spec gets more and more tenants."""
    folder = tmp_path_factory.mktemp("many")
    yield folder
    destroy(folder)
    assert Cluster(api).list_tenants() == set()


def destroy(folder: Path) -> None:
    code, _, stderr = Command("destroy", "spec.yaml", "--yes", cwd=folder).finish()
    assert code == 0, stderr


@every_signal
def test_tenants_half_applied_are_closed_and_the_next_apply_finishes(many, cluster, number):
    before = len(cluster.list_tenants())
    write_spec(many, tenants=before + NEW_TENANTS, target={"local": {}})
    command = Command("apply", "spec.yaml", "--no-verify", cwd=many)
    _, stderr = command.interrupt_when(lambda: len(cluster.list_tenants()) > before + NEW_TENANTS // 4, number)
    assert cluster.list_open_without_quota() == set()
    if number is not signal.SIGKILL:
        command.expect_interruption(stderr, said=f"/{before + NEW_TENANTS}\n")
    assert Command("plan", "spec.yaml", cwd=many).finish()[0] == 8
    apply(many, "--no-verify")
    assert Command("plan", "spec.yaml", cwd=many).finish()[0] == 0


def test_destroy_that_was_interrupted_is_finished_by_the_next(many, cluster):
    before = len(cluster.list_tenants())
    command = Command("destroy", "spec.yaml", "--yes", cwd=many)
    _, stderr = command.interrupt_when(lambda: len(cluster.list_tenants()) < before, signal.SIGINT)
    command.expect_interruption(stderr, said="  next: kpo-provision destroy spec.yaml --yes\n")
    assert cluster.list_open_without_quota() == set()


@pytest.fixture(scope="module")
def few(tmp_path_factory, api):
    """A folder with a spec of a few tenants that are applied."""
    folder = tmp_path_factory.mktemp("few")
    write_spec(folder, tenants=3, target={"local": {}}, acme=LOCAL_REGISTRY)
    apply(folder, "--no-verify")
    yield folder
    destroy(folder)


@every_signal
def test_probe_pods_do_not_outlive_a_verification_that_is_cut_short(few, cluster, number):
    command = Command("apply", "spec.yaml", cwd=few)
    _, stderr = command.interrupt_when(cluster.list_probes, number)
    if number is not signal.SIGKILL:
        command.expect_interruption(stderr, said="  done: Apply tenants\n")
        assert cluster.list_probes() == []
    apply(few)
    assert cluster.list_probes() == []


def kubeconfig(folder: Path, server: str) -> dict[str, object]:
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "slow",
        "clusters": [{"name": "slow", "cluster": {"server": server}}],
        "contexts": [{"name": "slow", "context": {"cluster": "slow", "user": "me"}}],
        "users": [{"name": "me", "user": {"token": "none"}}],
    }
    (folder / "kubeconfig").write_text(json.dumps(document))
    return {"kubeconfig": {"path": str(folder / "kubeconfig")}}


@polite_signals
def test_server_that_does_not_answer_holds_nobody_and_a_program_is_told_too(tmp_path, number):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(60)
        write_spec(tmp_path, tenants=1, target=kubeconfig(tmp_path, f"http://127.0.0.1:{silent.getsockname()[1]}"))
        command = Command("apply", "spec.yaml", "--take-over", "-o", "json", cwd=tmp_path)
        with silent.accept()[0] as asked:
            stdout, stderr = command.interrupt_when(lambda: asked.recv(1), number)
    command.expect_interruption(stderr, said="  next: kpo-provision apply spec.yaml --take-over -o json\n")
    error = json.loads(stdout)
    assert error["exitCode"] == 130
    assert error["hint"] == "go on with: kpo-provision apply spec.yaml --take-over -o json"


@pytest.fixture
def machine():
    """Environment of a local cluster of the test's own, whose cache lacks one component; it is purged afterwards."""
    root = Path(tempfile.mkdtemp(prefix="kpo-stop-"))
    full = local.LocalOptions.from_environment(os.environ).cache / "bin"
    binaries = root / "cache" / "bin"
    binaries.mkdir(parents=True)
    for found in [programs.folder(full, component) for component in COMPONENTS if component.name != UNBUILT]:
        (binaries / found.name).symlink_to(found)
    environ = {
        "KPO_PROVISION_HOME": str(root / "home"),
        "KPO_PROVISION_CACHE": str(root / "cache"),
        "KPO_PROVISION_API_PORT": str(free_port()),
        "KPO_PROVISION_REGISTRY_PORT": str(free_port()),
    }
    yield environ
    local.down(local.LocalOptions.from_environment(environ), progress.Silent(), purge=True)
    shutil.rmtree(root)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@pytest.mark.parametrize("is_rude", [False, True], ids=["Ctrl-C", "kill -9"])
def test_local_cluster_cut_short_while_it_is_built_and_while_it_starts_is_finished_by_the_next(
    tmp_path, machine, is_rude
):
    number = signal.SIGKILL if is_rude else signal.SIGINT
    options = local.LocalOptions.from_environment(machine)
    binaries = options.cache / "bin"
    write_spec(tmp_path, tenants=1, target={"local": {}}, acme=LOCAL_REGISTRY)

    command = Command("apply", "spec.yaml", cwd=tmp_path, **machine)
    _, stderr = command.interrupt_when(lambda: [*binaries.glob(".partial-*/*")], number)
    assert not options.home.exists()
    if not is_rude:
        command.expect_interruption(stderr, said="  next: kpo-provision apply spec.yaml\n")
        assert [*binaries.glob(".partial-*")] == []

    command = Command("apply", "spec.yaml", cwd=tmp_path, **machine)
    _, stderr = command.interrupt_when(options.layout.control.exists, number)
    if not is_rude:
        command.expect_interruption(stderr, said="  stopped: Start the control plane\n")
        assert cgroups.list_processes(options.cgroup) == ()

    apply(tmp_path, **machine)
    assert local.read_status(options).problem == ""
