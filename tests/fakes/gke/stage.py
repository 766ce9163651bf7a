"""What it takes to play GKE whole: a control plane whose nodes kwok plays, and a Google in front of it."""

import os
import socket
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

from kpo_provision import local, progress
from tests.fakes.gke.clusters import describe
from tests.fakes.gke.plane import Plane
from tests.fakes.gke.server import Simulator
from tests.fakes.gke.world import World

PROJECT = "acme-data"
PARENT = f"projects/{PROJECT}/locations/europe-west1"
CLUSTER = f"{PARENT}/clusters/airflow"


@contextmanager
def run_control_plane():
    """Start a simulated local cluster in a home of its own; gives its kubeconfig."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    kept = local.LocalOptions.from_environment(os.environ)
    with tempfile.TemporaryDirectory() as home:
        options = local.LocalOptions(home=Path(home) / "local", cache=kept.cache, api_port=port, simulated=True)
        local.up(options, progress.Silent())
        try:
            yield options.layout.kubeconfig
        finally:
            local.down(options, progress.Silent())


@contextmanager
def play_google(kubeconfig=None, *, operation_s=0.2):
    """Play a Google that has one cluster, ``CLUSTER``, without a pool of ours.

    With a control plane behind it, pools have nodes there, and it is left empty; without one they are only described.
    """
    world = World(operation_s=0)
    plane = Plane(kubeconfig, idle_s=600) if kubeconfig else None
    with Simulator(world, plane=plane) as simulator:
        with world.lock:
            world.create_cluster(PARENT, {"cluster": describe("airflow", project=PROJECT)})
        wait_for(lambda: not world.operations.running())
        world.operations.duration_s = operation_s
        yield simulator
        if plane:
            _take_down(simulator)
    if plane:
        plane.close()


def _take_down(simulator):
    world = simulator.world
    simulator.faults.pending.clear()
    world.failures.clear()
    world.operations.duration_s = 0
    wait_for(lambda: not world.operations.running())
    for path in list(world.clusters):
        world.delete_cluster(path)
    wait_for(lambda: not world.clusters)


def wait_for(is_so, timeout_s=180.0):
    """Wait until something has come about."""
    deadline = time.monotonic() + timeout_s
    while not is_so():
        assert time.monotonic() < deadline, "what was waited for did not come about"
        time.sleep(0.05)
