"""A Google that is played, before a real control plane whose nodes kwok plays, and our command line before both."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from kpo_provision.kube.api import Api
from kpo_provision.kube.connection import connect
from tests import commands
from tests.fakes.gke.stage import CLUSTER, PARENT, play_google, run_control_plane
from tests.terraform.workspace import make_environment

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def kubeconfig():
    with run_control_plane() as kubeconfig:
        yield kubeconfig


@pytest.fixture(scope="session")
def api(kubeconfig):
    with Api(connect(kubeconfig=kubeconfig, context=None)) as api:
        yield api


@pytest.fixture
def google(kubeconfig):
    """A Google with one cluster, which is the control plane that runs here."""
    with play_google(kubeconfig) as simulator:
        yield simulator


@pytest.fixture
def site(tmp_path, mirror, google):
    """The folder of a user who applies ``examples/gke.yaml``."""
    site = Site(tmp_path, mirror, google)
    site.edit(lambda text: text)
    return site


@pytest.fixture
def empty(site):
    """The same with two pools that have no node, which are made in no time."""
    site.edit(lambda text: text.replace("    minNodes: 1 ", "    # minNodes: 1 "))
    return site


@pytest.fixture
def made(empty):
    """The same, for a cluster that the spec has made, with service accounts of its own."""
    lines = empty.spec.read_text().replace("cluster: airflow", "cluster: made\n    create: true").splitlines()
    empty.spec.write_text("".join(f"{line}\n" for line in lines if "nodeServiceAccount" not in line))
    empty.cluster = f"{PARENT}/clusters/made"
    return empty


class Run:
    """How a command ended."""

    def __init__(self, done):
        self.code, self.out, self.err = done.returncode, done.stdout, done.stderr

    @property
    def document(self):
        return json.loads(self.out)


class Site:
    """Commands are run as a user does; ``environ`` may be changed before."""

    def __init__(self, folder, mirror, google):
        self.folder, self.google = folder, google
        self.cluster = CLUSTER
        self.spec = folder / "gke.yaml"
        self.environ = make_environment(folder, mirror, google=google)

    def edit(self, change):
        """Write the example's spec, changed."""
        self.spec.write_text(change((ROOT / "examples" / "gke.yaml").read_text()))

    def run(self, *arguments):
        return Run(commands.run(*_arguments(arguments, self.spec), cwd=self.folder, environ=self.environ))

    def start(self, *arguments):
        return subprocess.Popen(
            [sys.executable, "-m", "kpo_provision", *_arguments(arguments, self.spec)],
            cwd=self.folder,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def succeed(self, *arguments, code=0):
        run = self.run(*arguments)
        assert run.code == code, run.out + run.err
        return run

    def lose_state(self):
        self.folder.joinpath(".kpo-provision", "acme", "terraform.tfstate").unlink()

    def pools(self):
        """Return what Google has, by name, without the pool that the cluster began with."""
        with self.google.world.lock:
            if self.cluster not in self.google.world.clusters:
                return {}
            found = self.google.world.list_pools(self.cluster)
        return {pool["name"]: pool for pool in found if pool["name"] not in ("default-pool", "system")}

    def names(self):
        """Return the pools' names in the spec, sorted: two of a kind show."""
        return sorted(name.rpartition("-")[0] for name in self.pools())


def _arguments(arguments, spec):
    name, *options = arguments
    return [name, str(spec), *options]
