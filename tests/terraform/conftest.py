"""What tests of the modules ask for: a Google that is played, and a workspace in which Terraform talks to it."""

import shutil

import pytest

from tests.fakes.gke.stage import play_google
from tests.terraform.workspace import Workspace, copy_root


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
    with play_google() as simulator:
        yield simulator


@pytest.fixture
def workspace(tmp_path, initialised, mirror, google):
    folder = tmp_path / "workspace"
    shutil.copytree(initialised, folder, symlinks=True)
    return Workspace(folder, mirror, google=google)
