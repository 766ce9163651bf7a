"""Starts the daemons of one cluster in order, buries the dead, answers questions.

It restarts nothing by itself: a daemon that ended stays ended, and is reported, until ``up`` asks. What a cluster's
processes are born into, and what ends them with the supervisor, is for subclasses to say.
"""

from __future__ import annotations

import dataclasses
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
from kpo_provision.local import control
from kpo_provision.local.daemons import Daemon
from kpo_provision.local.options import Layout
from kpo_provision.local.readiness import is_ready

_TICK_S = 0.03
_ASK_S = 5


@dataclass(slots=True, kw_only=True)
class Supervised:
    """A daemon and what became of it."""

    daemon: Daemon
    pid: int = 0
    state: str = "waiting"
    detail: str = ""
    started_at: float = field(default=0.0)
    ready_after_s: float = 0.0

    def describe(self) -> dict[str, Any]:
        """Describe it to those who ask from outside."""
        state = control.DaemonState(
            name=self.daemon.name,
            state=self.state,
            pid=self.pid,
            detail=self.detail,
            started_at=self.started_at,
            ready_after_s=round(self.ready_after_s, 2),
        )
        return dataclasses.asdict(state)


class Supervision:
    """All daemons of one cluster."""

    idle_s: float | None = None
    """How often to look around while nothing happens; None is never."""

    def __init__(self, settings: dict[str, Any], daemons: Sequence[Daemon], *, layout: Layout) -> None:
        self.settings = settings
        self.supervised = {daemon.name: Supervised(daemon=daemon) for daemon in daemons}
        self._layout = layout
        self._born_at = time.monotonic()

    def spawn(self, daemon: Daemon, log: Path) -> int:
        """Start ``daemon`` with its output to ``log``; return its pid."""
        raise NotImplementedError

    def adopt(self, daemon: Daemon, pid: int) -> None:
        """Make the process that was started for ``daemon`` part of the cluster."""
        raise NotImplementedError

    def sync(self) -> None:
        """Make the daemons be those that what is on disk asks for."""

    def is_wanted(self) -> bool:
        """Whether to go on."""
        return True

    def run(self, listener: socket.socket, wakeup: socket.socket) -> None:
        """Serve until killed, or not wanted any more."""
        with selectors.DefaultSelector() as selector:
            selector.register(listener, selectors.EVENT_READ)
            selector.register(wakeup, selectors.EVENT_READ)
            self.sync()
            while self.is_wanted():
                self.reap()
                self._start_what_can_start()
                for key, _ in selector.select(_TICK_S if self._is_busy() else self.idle_s):
                    if key.fileobj is wakeup:
                        wakeup.recv(4096)
                    else:
                        self._answer(listener)

    def reap(self) -> None:
        """Take note of every daemon that ended."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            for supervised in self.supervised.values():
                if supervised.pid == pid:
                    self._bury(supervised, os.waitstatus_to_exitcode(status))

    def _is_busy(self) -> bool:
        return any(supervised.state in ("waiting", "starting") for supervised in self.supervised.values())

    def _start_what_can_start(self) -> None:
        for supervised in self.supervised.values():
            if supervised.state == "waiting" and all(self._serves(name) for name in supervised.daemon.after):
                self._start(supervised)
            elif supervised.state == "starting" and self._has_come_up(supervised.daemon):
                supervised.state = "ready"
                supervised.ready_after_s = time.monotonic() - self._born_at

    def _serves(self, name: str) -> bool:
        return self.supervised[name].state in ("ready", "done")

    def _has_come_up(self, daemon: Daemon) -> bool:
        return daemon.ready != "exit" and is_ready(daemon.ready, authority=self._layout.pki / "ca.crt")

    def _start(self, supervised: Supervised) -> None:
        daemon = supervised.daemon
        log = self._layout.logs / f"{daemon.name}.log"
        if log.exists():
            log.replace(log.with_suffix(".previous.log"))
        try:
            supervised.pid = self.spawn(daemon, log)
        except OSError as e:
            supervised.state, supervised.detail = "ended", f"not startable: {e}"
            return
        self.adopt(daemon, supervised.pid)
        supervised.started_at = time.time()
        supervised.detail = ""
        supervised.state = "starting" if daemon.ready else "ready"
        supervised.ready_after_s = time.monotonic() - self._born_at

    def _bury(self, supervised: Supervised, code: int) -> None:
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
                self.sync()
            elif request == control.REVIVE:
                self._revive()
        except (OSError, subprocess.CalledProcessError, errors.LocalClusterError) as e:
            return str(e)
        return ""

    def _describe(self, problem: str) -> dict[str, Any]:
        return {
            "problem": problem,
            "daemons": [supervised.describe() for supervised in self.supervised.values()],
            "settings": self.settings,
        }

    def _revive(self) -> None:
        for supervised in self.supervised.values():
            if supervised.state == "ended":
                supervised.state = "waiting"


def serve(supervision: Supervision, path: Path) -> None:
    """Run ``supervision`` in this process, and answer at the socket ``path``."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    signal.signal(signal.SIGCHLD, lambda *_: None)
    asleep, awake = socket.socketpair()
    for end in (asleep, awake):
        end.settimeout(0)
    signal.set_wakeup_fd(awake.fileno(), warn_on_full_buffer=False)
    path.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        path.chmod(0o600)
        listener.listen(64)
        supervision.run(listener, asleep)


def clean_environment(settings: dict[str, Any], *, home: str) -> dict[str, str]:
    """Return the environment of every daemon.

    Nothing of the user's is in it: a proxy setting would lead the cluster's parts away from one another.
    """
    programs = {str(Path(program).parent) for program in settings["programs"].values()}
    return {
        "HOME": home,
        # The machine is short of cores, not of memory: collecting garbage less often saves the API server a third of
        # its CPU under load (measured 2026-11-23), for 0.5 GiB more.
        "GOGC": "400",
        "OTEL_TRACES_EXPORTER": "none",
        "PATH": ":".join(
            [*sorted(programs), "/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"]
        ),
        "PYTHONPATH": settings["python_path"],
    }
