"""Process 1 of the cluster's own PID namespace: supervises its daemons, and makes nodes come and go.

When it ends, however it ends, the kernel ends every process of the cluster and takes mounts, interfaces and firewall
rules with it.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from kpo_provision.local import cgroups, namespace
from kpo_provision.local.control_plane import control_plane_daemons
from kpo_provision.local.daemons import FIRST_DESCRIPTOR, Daemon
from kpo_provision.local.nodes import SYSTEM_NODE, NodeRecord, load_records, node_daemons
from kpo_provision.local.options import INSIDE
from kpo_provision.local.supervision import Supervised, Supervision, clean_environment, serve

_FIRST_FREE_DESCRIPTOR = 64


class Supervisor(Supervision):
    """All daemons of one cluster with real nodes."""

    def __init__(self, settings: dict[str, Any], *, gateway_sockets: tuple[int, ...]) -> None:
        daemons = control_plane_daemons(settings["programs"], gateway_sockets)
        super().__init__(settings, daemons, layout=INSIDE)
        self._nodes: dict[str, NodeRecord] = {}
        self._environment = clean_environment(settings, home="/root")

    def spawn(self, daemon: Daemon, log: Path) -> int:
        """Start ``daemon`` in a session of its own, with the descriptors that it inherits."""
        targets = range(FIRST_DESCRIPTOR, FIRST_DESCRIPTOR + len(daemon.descriptors))
        return os.posix_spawn(
            daemon.argv[0],
            daemon.argv,
            self._environment,
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, str(log), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600),
                (os.POSIX_SPAWN_DUP2, 1, 2),
                *(
                    (os.POSIX_SPAWN_DUP2, source, target)
                    for source, target in zip(daemon.descriptors, targets, strict=True)
                ),
            ],
            setsid=True,
            setsigdef=[signal.SIGPIPE],
        )

    def adopt(self, daemon: Daemon, pid: int) -> None:
        """Move it into its control group."""
        cgroups.enter_group(f"{self.settings['cgroup']}/{daemon.group}", pid)

    def sync(self) -> None:
        """Start the nodes on disk that are new, and stop those that are gone."""
        wanted = {record.name: record for record in load_records(INSIDE)}
        for name in self._nodes.keys() - wanted.keys():
            self._stop_node(self._nodes.pop(name))
        for name, record in wanted.items():
            if name not in self._nodes:
                self._nodes[name] = record
                self._add_node(record)

    def _add_node(self, record: NodeRecord) -> None:
        for group in (record.group, f"{record.group}/daemons"):
            cgroups.create_group(f"{self.settings['cgroup']}/{group}")
        record.state.mkdir(parents=True, mode=0o711)
        namespace.add_address(record.address)
        archives = self.settings["archives"]
        chosen = archives if record.name == SYSTEM_NODE else archives[:1]
        for daemon in node_daemons(record, self.settings["programs"], chosen):
            self.supervised[daemon.name] = Supervised(daemon=daemon)

    def _stop_node(self, record: NodeRecord) -> None:
        gone = [name for name, one in self.supervised.items() if one.daemon.group.startswith(f"{record.group}/")]
        group = f"{self.settings['cgroup']}/{record.group}"
        cgroups.kill_group(group, reap=self.reap)
        for name in gone:
            del self.supervised[name]
        namespace.unmount_below(record.state, INSIDE.nodes / record.name)
        namespace.remove_address(record.address)
        cgroups.remove_group(group)
        subprocess.run(["rm", "-rf", str(record.state)], check=True)  # noqa: S607  PATH is ours


def move_descriptors(inherited: Iterable[int]) -> tuple[int, ...]:
    """Give inherited descriptors numbers above those that daemons get, and keep them from daemons that should not.

    Whoever starts the cluster may have them at those very numbers: one would then overwrite the other on the way.
    """
    moved = []
    for descriptor in inherited:
        moved.append(fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, _FIRST_FREE_DESCRIPTOR))
        os.close(descriptor)
    return tuple(moved)


def main(arguments: Sequence[str]) -> None:
    """Start as process 1: ``HOME`` and the descriptors of the gateway's sockets."""
    home, *descriptors = arguments
    settings = json.loads((Path(home) / "supervisor.json").read_text(encoding="utf-8"))
    os.environ["PATH"] = clean_environment(settings, home="/root")["PATH"]
    cgroups.enter_group(f"{settings['cgroup']}/control-plane", 0)
    sockets = move_descriptors(map(int, descriptors))
    namespace.prepare_namespace(Path(home))
    serve(Supervisor(settings, gateway_sockets=sockets), INSIDE.control)


if __name__ == "__main__":
    main(sys.argv[1:])
