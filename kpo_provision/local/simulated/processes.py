"""Which processes belong to a cluster that no kernel namespace holds together, written down in its home.

A pid alone may have become another process's since: each is kept with the moment at which it started, and the boot in
which that was. Nothing is ever ended whose moment differs.
"""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterable
from pathlib import Path

from kpo_provision import errors
from kpo_provision.local.options import Layout
from kpo_provision.local.private_files import write_private

_PROC = Path("/proc")
_FILE = "processes.json"
_TIMEOUT_S = 20
_INTERVAL_S = 0.02


def write_processes(layout: Layout, pids: Iterable[int], *, proc: Path = _PROC) -> None:
    """Write down which processes the cluster has now; the supervisor goes first."""
    started = {pid: _read_start(pid, proc) for pid in pids}
    record = {"boot": _read_boot(proc), "started": {str(pid): start for pid, start in started.items() if start}}
    write_private(layout.root / _FILE, json.dumps(record, indent=2) + "\n")


def list_processes(layout: Layout, *, proc: Path = _PROC) -> tuple[int, ...]:
    """List those that still run, in the order in which they were written down."""
    try:
        record = json.loads((layout.root / _FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return ()
    if record["boot"] != _read_boot(proc):
        return ()
    return tuple(int(pid) for pid, start in record["started"].items() if _read_start(int(pid), proc) == start)


def end_processes(layout: Layout) -> None:
    """Kill every process of the cluster, and wait until none is left."""
    deadline = time.monotonic() + _TIMEOUT_S
    while pids := list_processes(layout):
        if time.monotonic() > deadline:
            raise errors.LocalClusterError(
                f"{len(pids)} processes of the local cluster do not end, the first is {pids[0]}",
                hint=f"see what it waits for with: ps -o pid,stat,wchan,args {pids[0]}; then run "
                "kpo-provision local down again",
            )
        for pid in pids:
            _kill(pid)
        time.sleep(_INTERVAL_S)


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    except PermissionError as e:
        raise errors.LocalClusterError(
            f"process {pid} of the local cluster belongs to another user", hint="run it again as that user"
        ) from e


def _read_start(pid: int, proc: Path) -> int:
    """Read when a process started, in ticks since the boot; 0 when it is gone, or dead and only not yet buried.

    A process whose first thread is dead still has its ports and files for as long as others of its threads live.
    """
    try:
        text = (proc / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return 0
    # The second field is the program's name in parentheses, which may hold anything.
    state, *fields = text.rpartition(") ")[2].split()
    thread_count, started = int(fields[16]), int(fields[18])
    return 0 if state in ("Z", "X") and thread_count < 2 else started


def _read_boot(proc: Path) -> str:
    return (proc / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
