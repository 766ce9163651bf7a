"""Process 1 of the cluster's own PID namespace: starts every daemon in order, buries the dead, answers questions.

When it ends, however it ends, the kernel ends every process of the cluster and takes mounts, interfaces and firewall
rules with it. It restarts nothing by itself: a daemon that ended stays ended, and is reported, until ``up`` asks.
"""

from __future__ import annotations

import dataclasses
import fcntl
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kpo_provision import errors
from kpo_provision.local import cgroups, control, namespace
from kpo_provision.local.control_plane import control_plane_daemons
from kpo_provision.local.daemons import FIRST_DESCRIPTOR, Daemon
from kpo_provision.local.nodes import SYSTEM_NODE, NodeRecord, load_records, node_daemons
from kpo_provision.local.options import INSIDE
from kpo_provision.local.readiness import is_ready

_TICK_S = 0.03
_ASK_S = 5


@dataclass(slots=True, kw_only=True)
class _Supervised:
    """A daemon and what became of it."""

    daemon: Daemon
    pid: int = 0
    state: str = "waiting"
    detail: str = ""
    started_at: float = field(default=0.0)
    ready_after_s: float = 0.0

    def describe(self) -> dict[str, Any]:
        state = control.DaemonState(
            name=self.daemon.name,
            state=self.state,
            pid=self.pid,
            detail=self.detail,
            started_at=self.started_at,
            ready_after_s=round(self.ready_after_s, 2),
        )
        return dataclasses.asdict(state)


class Supervisor:
    """All daemons of one cluster."""

    def __init__(self, settings: dict[str, Any], *, gateway_sockets: tuple[int, ...]) -> None:
        self._settings = settings
        self._nodes: dict[str, NodeRecord] = {}
        self._born_at = time.monotonic()
        daemons = control_plane_daemons(settings["programs"], gateway_sockets)
        self._supervised = {daemon.name: _Supervised(daemon=daemon) for daemon in daemons}
        self._environment = _clean_environment(settings)

    def run(self, listener: socket.socket, wakeup: socket.socket) -> None:
        """Serve until killed."""
        with selectors.DefaultSelector() as selector:
            selector.register(listener, selectors.EVENT_READ)
            selector.register(wakeup, selectors.EVENT_READ)
            self._sync()
            while True:
                self._reap()
                self._start_what_can_start()
                for key, _ in selector.select(_TICK_S if self._is_busy() else None):
                    if key.fileobj is wakeup:
                        wakeup.recv(4096)
                    else:
                        self._answer(listener)

    def _is_busy(self) -> bool:
        return any(supervised.state in ("waiting", "starting") for supervised in self._supervised.values())

    def _start_what_can_start(self) -> None:
        for supervised in self._supervised.values():
            if supervised.state == "waiting" and all(self._serves(name) for name in supervised.daemon.after):
                self._start(supervised)
            elif supervised.state == "starting" and self._has_come_up(supervised.daemon):
                supervised.state = "ready"
                supervised.ready_after_s = time.monotonic() - self._born_at

    def _serves(self, name: str) -> bool:
        return self._supervised[name].state in ("ready", "done")

    def _has_come_up(self, daemon: Daemon) -> bool:
        return daemon.ready != "exit" and is_ready(daemon.ready, authority=INSIDE.pki / "ca.crt")

    def _start(self, supervised: _Supervised) -> None:
        daemon = supervised.daemon
        log = INSIDE.logs / f"{daemon.name}.log"
        if log.exists():
            log.replace(log.with_suffix(".previous.log"))
        try:
            supervised.pid = self._spawn(daemon, log)
        except OSError as e:
            supervised.state, supervised.detail = "ended", f"not startable: {e}"
            return
        cgroups.enter_group(f"{self._settings['cgroup']}/{daemon.group}", supervised.pid)
        supervised.started_at = time.time()
        supervised.detail = ""
        supervised.state = "starting" if daemon.ready else "ready"
        supervised.ready_after_s = time.monotonic() - self._born_at

    def _spawn(self, daemon: Daemon, log: Path) -> int:
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

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            for supervised in self._supervised.values():
                if supervised.pid == pid:
                    self._bury(supervised, os.waitstatus_to_exitcode(status))

    def _bury(self, supervised: _Supervised, code: int) -> None:
        if supervised.daemon.ready == "exit" and code == 0:
            supervised.state = "done"
            supervised.ready_after_s = time.monotonic() - self._born_at
            return
        lived_s = time.time() - supervised.started_at
        how = f"killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
        supervised.state = "ended"
        supervised.detail = f"{how} after {lived_s:.0f} s"

    def _answer(self, listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            connection.settimeout(_ASK_S)
            try:
                with connection.makefile("rb") as stream:
                    request = stream.readline().decode("ascii", "replace").strip()
                problem = self._obey(request)
                connection.sendall(f"{json.dumps(self._describe(problem))}\n".encode())
            except OSError:
                return  # whoever asked did not wait for the answer

    def _obey(self, request: str) -> str:
        """Do as asked; say what was in the way rather than take the whole cluster down with it."""
        try:
            if request == control.SYNC:
                self._sync()
            elif request == control.REVIVE:
                self._revive()
        except (OSError, subprocess.CalledProcessError, errors.LocalClusterError) as e:
            return str(e)
        return ""

    def _describe(self, problem: str) -> dict[str, Any]:
        return {
            "problem": problem,
            "daemons": [supervised.describe() for supervised in self._supervised.values()],
            "settings": self._settings,
        }

    def _revive(self) -> None:
        for supervised in self._supervised.values():
            if supervised.state == "ended":
                supervised.state = "waiting"

    def _sync(self) -> None:
        wanted = {record.name: record for record in load_records(INSIDE)}
        for name in self._nodes.keys() - wanted.keys():
            self._stop_node(self._nodes.pop(name))
        for name, record in wanted.items():
            if name not in self._nodes:
                self._nodes[name] = record
                self._add_node(record)

    def _add_node(self, record: NodeRecord) -> None:
        for group in (record.group, f"{record.group}/daemons"):
            cgroups.create_group(f"{self._settings['cgroup']}/{group}")
        record.state.mkdir(parents=True, mode=0o711)
        namespace.add_address(record.address)
        archives = self._settings["archives"]
        chosen = archives if record.name == SYSTEM_NODE else archives[:1]
        for daemon in node_daemons(record, self._settings["programs"], chosen):
            self._supervised[daemon.name] = _Supervised(daemon=daemon)

    def _stop_node(self, record: NodeRecord) -> None:
        gone = [name for name, one in self._supervised.items() if one.daemon.group.startswith(f"{record.group}/")]
        group = f"{self._settings['cgroup']}/{record.group}"
        cgroups.kill_group(group, reap=self._reap)
        for name in gone:
            del self._supervised[name]
        namespace.unmount_below(record.state, INSIDE.nodes / record.name)
        namespace.remove_address(record.address)
        cgroups.remove_group(group)
        subprocess.run(["rm", "-rf", str(record.state)], check=True)  # noqa: S607  PATH is ours


def main(arguments: Sequence[str]) -> None:
    """Start as process 1: ``HOME`` and the descriptors of the gateway's sockets."""
    home, *descriptors = arguments
    settings = json.loads((Path(home) / "supervisor.json").read_text(encoding="utf-8"))
    os.environ["PATH"] = _clean_environment(settings)["PATH"]
    cgroups.enter_group(f"{settings['cgroup']}/control-plane", 0)
    sockets = tuple(map(int, descriptors))
    for descriptor in sockets:
        fcntl.fcntl(descriptor, fcntl.F_SETFD, fcntl.FD_CLOEXEC)
    namespace.prepare_namespace(Path(home))
    supervisor = Supervisor(settings, gateway_sockets=sockets)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    signal.signal(signal.SIGCHLD, lambda *_: None)
    asleep, awake = socket.socketpair()
    for end in (asleep, awake):
        end.settimeout(0)
    signal.set_wakeup_fd(awake.fileno(), warn_on_full_buffer=False)
    INSIDE.control.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(INSIDE.control))
        INSIDE.control.chmod(0o600)
        listener.listen(64)
        supervisor.run(listener, asleep)


def _clean_environment(settings: dict[str, Any]) -> dict[str, str]:
    # Nothing of the user's: a proxy setting would lead the cluster's parts away from one another.
    programs = {str(Path(program).parent) for program in settings["programs"].values()}
    return {
        "HOME": "/root",
        "OTEL_TRACES_EXPORTER": "none",
        "PATH": ":".join(
            [*sorted(programs), "/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"]
        ),
        "PYTHONPATH": settings["python_path"],
    }


if __name__ == "__main__":
    main(sys.argv[1:])
