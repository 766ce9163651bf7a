"""Starts a simulator, prints its URL and serves on until it is interrupted: ``python -m tests.fakes.gke``.

With ``--environment google.env``, a shell that reads the file (``. ./google.env``) has Terraform and Google's clients
talk to the simulator.
"""

import argparse
import signal
import sys
import threading
from pathlib import Path

from tests.fakes.gke.clusters import describe
from tests.fakes.gke.environment import point_at, render_exports
from tests.fakes.gke.login import write_credentials
from tests.fakes.gke.server import Simulator
from tests.fakes.gke.world import World


def main():
    arguments = _parse_arguments()
    world = World(
        operation_s=arguments.operation_seconds,
        cpu_quota=arguments.cpu_quota,
        projects=arguments.project,
        file=arguments.state,
    )
    plane = _open_plane(arguments.kubeconfig)
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    with Simulator(world, port=arguments.port, plane=plane) as simulator:
        if arguments.cluster:
            parent, _, name = arguments.cluster.rpartition("/clusters/")
            with world.lock:
                if arguments.cluster not in world.clusters:
                    world.create_cluster(parent, {"cluster": describe(name, project=parent.split("/")[1])})
        login = arguments.credentials and write_credentials(arguments.credentials, simulator.url)
        if arguments.environment:
            arguments.environment.write_text(render_exports(point_at(simulator, credentials=login)))
        sys.stdout.write(f"{simulator.url}\n")
        sys.stdout.flush()
        stopping.wait()


def _open_plane(kubeconfig):
    if kubeconfig is None:
        return None
    from tests.fakes.gke.plane import Plane

    return Plane(kubeconfig)


def _parse_arguments():
    parser = argparse.ArgumentParser(prog="python -m tests.fakes.gke", description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--kubeconfig", type=Path, help="a control plane whose nodes kwok plays")
    parser.add_argument("--state", type=Path, help="a file that keeps everything over a restart")
    parser.add_argument("--operation-seconds", type=float, default=1.0)
    parser.add_argument("--cpu-quota", type=int)
    parser.add_argument("--project", action="append", default=[], help="one that exists; without any, all do")
    parser.add_argument("--cluster", help="projects/P/locations/L/clusters/C, to be there from the start")
    parser.add_argument("--credentials", type=Path, help="a folder to write application default credentials into")
    parser.add_argument("--environment", type=Path, help="a file to write, which points a shell here")
    return parser.parse_args()


if __name__ == "__main__":
    main()
