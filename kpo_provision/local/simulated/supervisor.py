"""Supervises the daemons of a simulated cluster, as a process of an ordinary user.

Nothing but the kernel can be relied on to end what it started: each daemon asks for its own death by the supervisor's,
however that comes about. It ends itself when its home is gone.
"""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from kpo_provision.local.daemons import Daemon
from kpo_provision.local.options import Layout
from kpo_provision.local.simulated import processes
from kpo_provision.local.simulated.control_plane import CONTROL, simulated_daemons
from kpo_provision.local.supervision import Supervision, clean_environment, serve

_PR_SET_PDEATHSIG = 1
_HOME_PERIOD_S = 2.0


class SimulatedSupervisor(Supervision):
    """All daemons of one cluster with simulated nodes."""

    idle_s = _HOME_PERIOD_S

    def __init__(self, settings: dict[str, Any], *, layout: Layout) -> None:
        daemons = simulated_daemons(settings["programs"], layout, api_port=int(settings["api_port"]))
        super().__init__(settings, daemons, layout=layout)
        self._home = layout.root
        self._environment = clean_environment(settings, home=str(layout.root))

    def spawn(self, daemon: Daemon, log: Path) -> int:
        """Start ``daemon`` so that it dies with this process."""
        with log.open("ab") as sink:
            process = subprocess.Popen(
                daemon.argv,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=sink,
                preexec_fn=_die_with(os.getpid()),  # noqa: PLW1509  this process has one thread
            )
        # Its end is seen by waiting for every child at once.
        process.returncode = 0
        return process.pid

    def adopt(self, daemon: Daemon, pid: int) -> None:  # noqa: ARG002
        """Write it down among the cluster's processes."""
        others = [one.pid for one in self.supervised.values() if one.state in ("starting", "ready")]
        processes.write_processes(self._layout, (os.getpid(), *others, pid))

    def is_wanted(self) -> bool:
        """Whether the home is still there."""
        return self._home.exists()


def _die_with(parent: int) -> Callable[[], None]:
    # Loaded here: between fork and exec as little as possible may happen.
    libc = ctypes.CDLL(None, use_errno=True)

    def arrange() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)

    return arrange


def main(arguments: Sequence[str]) -> None:
    """Start in the folder that is the cluster's home."""
    (home,) = arguments
    layout = Layout(root=Path(home))
    settings = json.loads(layout.settings.read_text(encoding="utf-8"))
    with (layout.root / "supervisor.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            sys.exit("another supervisor has this home")
        processes.write_processes(layout, (os.getpid(),))
        serve(SimulatedSupervisor(settings, layout=layout), CONTROL)


if __name__ == "__main__":
    main(sys.argv[1:])
