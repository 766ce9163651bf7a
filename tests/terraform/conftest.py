"""What tests of the modules ask for: a Google that is played, and a workspace in which Terraform talks to it."""

import shutil

import pytest

from tests.fakes.gke import Simulator, World
from tests.fakes.gke.clusters import describe
from tests.terraform.workspace import Workspace, copy_root

PARENT = "projects/acme-data/locations/europe-west1"
CLUSTER = f"{PARENT}/clusters/airflow"


@pytest.fixture(scope="session")
def initialised(tmp_path_factory, mirror):
    """The root and its modules after ``terraform init``, to be copied."""
    folder = tmp_path_factory.mktemp("root")
    copy_root(folder)
    Workspace(folder, mirror).run("init", "-input=false")
    return folder


@pytest.fixture
def google():
    """A Google with a cluster that pools can be added to."""
    world = World(operation_s=0)
    with Simulator(world) as simulator:
        with world.lock:
            world.create_cluster(PARENT, {"cluster": describe("airflow", project="acme-data")})
            world.settle()
        world.operations.duration_s = 0.2
        yield simulator


@pytest.fixture
def workspace(tmp_path, initialised, mirror, google):
    folder = tmp_path / "workspace"
    shutil.copytree(initialised, folder, symlinks=True)
    return Workspace(folder, mirror, google=google)
