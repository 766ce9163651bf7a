"""Airflow's own operator as a tenant's worker runs it: its virtualenv, two applied tenants, and a worker's place.

A worker finds its credentials at a well-known path. Each run gets that path in a mount namespace of its own, so that
``in_cluster=True`` means what it says and the machine's own files stay as they are.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from kpo_provision.kube import api as kube_api
from kpo_provision.kube import connection
from tests import commands

HERE = Path(__file__).parent
PREFIX = "airflow-test"
POOL = "standard"
IMAGE = "registry.local:5000/kpo/probe:1"
SPEC = f"""\
apiVersion: kpo-provision.io/v1
kind: Installation
metadata: {{name: {PREFIX}}}
namespacePrefix: {PREFIX}
target: {{local: {{}}}}
registries:
  local: {{server: "registry.local:5000", credentials: {{localCluster: {{}}}}, probeImage: "kpo/probe:1"}}
nodePools:
  {POOL}: {{}}
tenants:
  frigid-vacuum-0996: {{extraCapacity: 10, pool: {POOL}, registries: [local]}}
  solar-orbit-4143: {{extraCapacity: 0}}
"""
LONGEST_RUN_S = 300
ENTER_POD_FILESYSTEM = 'mount --bind "$0" "$(readlink -f /var/run)" && exec "$@"'


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """What ``apply`` and ``render`` made of the spec."""

    api: kube_api.Api
    rendered: Path

    def namespace(self, release: str) -> str:
        return f"{PREFIX}-{release}"

    def connection(self, release: str) -> str:
        return (self.rendered / "airflow" / release / "connection.json").read_text()

    def token(self, release: str, account: str) -> str:
        return self.api.request_token(f"{release}-{account}-serviceaccount", self.namespace(release), seconds=600)


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorRun:
    """What one run of the operator printed: its result, and the log that Airflow would show."""

    result: dict[str, Any]
    log: str


def kubeconfig() -> Path:
    """Return the kubeconfig of the test run's cluster, which starts when all tests have been collected."""
    return Path(os.environ["KPO_TEST_KUBECONFIG"])


def kpo_provision(*arguments: str | Path) -> None:
    done = commands.run(*map(str, arguments), environ={**os.environ, "KPO_PROVISION_HOME": str(kubeconfig().parent)})
    assert done.returncode == 0, f"kpo-provision {arguments[0]}: exit {done.returncode}\n{done.stdout}\n{done.stderr}"


@pytest.fixture(scope="module")
def airflow_python() -> Path:
    installed = subprocess.run([HERE / "install.sh"], stdout=subprocess.PIPE, text=True, check=True)
    return Path(installed.stdout.strip()) / "bin" / "python"


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    folder = tmp_path_factory.mktemp("installation")
    spec = folder / "kpo-provision.yaml"
    spec.write_text(SPEC)
    kpo_provision("render", spec, "--out", folder / "rendered")
    try:
        kpo_provision("apply", spec, "--no-verify", "-o", "json")
        with kube_api.Api(connection.connect(kubeconfig=kubeconfig(), context=None)) as api:
            yield Installation(api=api, rendered=folder / "rendered")
    finally:
        kpo_provision("destroy", spec, "--yes")


@pytest.fixture(scope="module")
def run_operator(
    airflow_python: Path, installation: Installation, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., OperatorRun]]:
    """Run the founding example, with changed arguments, as a tenant's worker."""
    workers: dict[str, Worker] = {}
    with contextlib.ExitStack() as stack:

        def run(release: str, *, local_settings: str = "", **arguments: object) -> OperatorRun:
            if local_settings not in workers:
                started = Worker(airflow_python, tmp_path_factory.mktemp("worker"), local_settings)
                workers[local_settings] = stack.enter_context(contextlib.closing(started))
            worker = workers[local_settings]
            write_credentials(worker.account, installation, release)
            return worker.run(
                {"image": IMAGE, "startup_check_interval_seconds": 1} | arguments,
                environ=worker_environ(installation.connection(release)),
            )

        yield run


class Worker:
    """A process that has Airflow imported with certain local settings, in a pod's file system."""

    def __init__(self, python: Path, folder: Path, local_settings: str) -> None:
        settings = folder / "airflow/config/airflow_local_settings.py"
        settings.parent.mkdir(parents=True)
        settings.write_text(local_settings)
        pod_files = folder / "var-run"
        self.account = pod_files / "secrets/kubernetes.io/serviceaccount"
        self.account.mkdir(parents=True, mode=0o700)
        self._log = folder / "log"
        command = ["unshare", "--mount", "sh", "-c", ENTER_POD_FILESYSTEM, pod_files]
        with (folder / "worker.log").open("w") as log:
            self._process = subprocess.Popen(
                [*command, python, "-W", "ignore", HERE / "operator_run.py"],
                env={"PATH": os.environ["PATH"], "AIRFLOW_HOME": str(folder / "airflow")},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )

    def run(self, arguments: dict[str, object], *, environ: dict[str, str]) -> OperatorRun:
        """Have it run the operator."""
        self._log.touch()
        call = json.dumps({"arguments": arguments, "environ": environ, "log": str(self._log)})
        limit = threading.Timer(LONGEST_RUN_S, self._process.kill)
        limit.start()
        try:
            self._process.stdin.write(f"{call}\n")
            self._process.stdin.flush()
            answer = self._process.stdout.readline()
        finally:
            limit.cancel()
        log = self._log.read_text()
        assert answer.strip(), log + self._log.with_name("worker.log").read_text()
        return OperatorRun(result=json.loads(answer), log=log)

    def close(self) -> None:
        self._process.communicate()


def write_credentials(folder: Path, installation: Installation, release: str) -> None:
    """Write what the kubelet puts into a worker's pod, and beside it the triggerer's token for tasks that defer."""
    files = {
        "ca.crt": base64.b64decode(read_cluster()["certificate-authority-data"]),
        "namespace": installation.namespace(release).encode(),
        "token": installation.token(release, "worker").encode(),
        "triggerer-token": installation.token(release, "triggerer").encode(),
    }
    for name, content in files.items():
        (folder / name).touch(mode=0o600)
        (folder / name).write_bytes(content)


def worker_environ(kubernetes_connection: str) -> dict[str, str]:
    """Return a worker pod's environment: the API server's address, and the connection that the platform handed over."""
    server = urlsplit(read_cluster()["server"])
    return {
        "AIRFLOW_CONN_KUBERNETES_DEFAULT": kubernetes_connection,
        "KUBERNETES_SERVICE_HOST": str(server.hostname),
        "KUBERNETES_SERVICE_PORT": str(server.port),
    }


def read_cluster() -> dict[str, str]:
    return yaml.safe_load(kubeconfig().read_text())["clusters"][0]["cluster"]
