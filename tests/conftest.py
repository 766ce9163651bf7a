"""What every test may ask for: golden files that can be written anew, Terraform's provider, and a local cluster of the
test run's own.

The cluster is started for the first test with the marker ``cluster``, in a home and on ports of its own, so that it
stands beside a cluster in use and beside those of other test processes; commands that tests start find it through the
environment. ``KPO_TEST_KUBECONFIG`` names another cluster to use instead, which is then neither started nor stopped.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from kpo_provision import local, progress
from tests.terraform.provider.mirror import choose_provider

OWN_CLUSTER = pytest.StashKey[local.LocalOptions]()
GUARDIAN = pytest.StashKey[subprocess.Popen[bytes]]()

INOTIFY_INSTANCES = 1024

# How long an example takes depends on what else the machine does.
hypothesis.settings.register_profile("tests", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("tests")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write golden files anew instead of comparing them")


def pytest_configure(config: pytest.Config) -> None:
    """Choose the home and the ports before tests are imported, so that all of them see the same."""
    if config.getoption("numprocesses"):
        return  # the worker processes do all this, each for itself
    # A shell that runs the tests in the background has them ignore Ctrl-C, and the commands that they start inherit it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    scratch = tempfile.mkdtemp(prefix="kpo-test-")
    # Tests run commands as other users in it.
    Path(scratch).chmod(0o755)
    os.environ["TMPDIR"] = tempfile.tempdir = scratch
    config.stash[GUARDIAN] = subprocess.Popen(
        [sys.executable, "-m", "tests.guardian", scratch],
        cwd=config.rootpath,
        stdin=subprocess.PIPE,
        start_new_session=True,
    )
    if os.environ.get("KPO_TEST_KUBECONFIG"):
        return
    _allow_many_clusters()
    os.environ["KPO_PROVISION_HOME"] = f"{scratch}/home"
    for name in ("KPO_PROVISION_API_PORT", "KPO_PROVISION_REGISTRY_PORT"):
        os.environ[name] = str(free_port())
    options = local.LocalOptions.from_environment(os.environ)
    os.environ["KPO_TEST_KUBECONFIG"] = str(options.layout.kubeconfig)
    config.stash[OWN_CLUSTER] = options


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes long, so that the short tests fill the time until the last long one has ended."""
    items.sort(key=lambda item: not any(item.get_closest_marker(name) for name in ("airflow", "cluster", "machine")))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Start the cluster before the first test that needs it."""
    options = item.config.stash.get(OWN_CLUSTER, None)
    if options is None or item.get_closest_marker("cluster") is None or options.layout.kubeconfig.exists():
        return
    if hasattr(item.config, "workerinput"):
        local.up(options, progress.Silent())
        return
    # Building the cluster's programs takes minutes the first time: whoever waits is told.
    capture = item.config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        local.up(options, _Announced())


@pytest.fixture(scope="session")
def mirror(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give Terraform's CLI configuration, with the provider that the tests run with."""
    return choose_provider(tmp_path_factory.mktemp("mirror"))


def pytest_unconfigure(config: pytest.Config) -> None:
    guardian = config.stash.get(GUARDIAN, None)
    if guardian is not None:
        guardian.communicate()


def _allow_many_clusters() -> None:
    """Raise how many inotify instances the kernel hands out: a run's clusters take about 120, and 128 are usual.

    It stays so afterwards, for another run beside this one may live on it by then.
    """
    limit = Path("/proc/sys/fs/inotify/max_user_instances")
    with contextlib.suppress(OSError):  # then a cluster that lacks some says how to get them
        if int(limit.read_text()) < INOTIFY_INSTANCES:
            limit.write_text(str(INOTIFY_INSTANCES))


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


class _Announced(progress.Silent):
    """Names each step to whoever waits for the tests."""

    @contextlib.contextmanager
    def step(self, title: str, *, total: int | None = None) -> Iterator[progress.Step]:
        sys.stderr.write(f"{title} ...\n")
        with super().step(title, total=total) as step:
            yield step
