"""Hosts that a test run made itself, and an administrator who has them join the run's own cluster."""

import os
import tempfile
from pathlib import Path

import pytest

from kpo_provision import local, progress
from kpo_provision.kube.api import Api
from kpo_provision.kube.connection import connect
from tests.conftest import free_port
from tests.hosts.administrator import Administrator
from tests.hosts.site import Site


@pytest.fixture(scope="session")
def options():
    """A local cluster of the hosts' own: what other tests do to theirs is not to be mistaken for it.

    It is where the guardian looks, who ends what a run that was killed has left.
    """
    ports = [free_port(), free_port()]
    kept = local.LocalOptions.from_environment(os.environ)
    home = Path(tempfile.mkdtemp(prefix="hosts-")) / "home"
    options = local.LocalOptions(home=home, cache=kept.cache, api_port=ports[0], registry_port=ports[1])
    local.up(options, progress.Silent())
    yield options
    local.down(options, progress.Silent(), purge=True)


@pytest.fixture(scope="session")
def api(options):
    with Api(connect(kubeconfig=options.layout.kubeconfig, context=None)) as api:
        yield api


@pytest.fixture(scope="module")
def site(options):
    """A site without a host yet."""
    with Site(Path(tempfile.mkdtemp(prefix="site-")), options) as site:
        yield site


@pytest.fixture
def admin(site, tmp_path):
    """Who applies ``examples/self-hosted.yaml``."""
    return Administrator(site, tmp_path)
