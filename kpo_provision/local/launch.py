"""Starts supervisors, the real one in namespaces of its own, and ends them with everything below them."""

from __future__ import annotations

import errno
import json
import os
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import kpo_provision
from kpo_provision import errors
from kpo_provision.local import cgroups
from kpo_provision.local.options import API_PORT_VARIABLE, REGISTRY_PORT_VARIABLE, Layout, LocalOptions
from kpo_provision.local.private_files import write_private
from kpo_provision.local.simulated import processes


def start_supervisor(options: LocalOptions, settings: Mapping[str, Any]) -> None:
    """Start the supervisor, detached from this process, with the ports that the machine's users connect to."""
    sockets: list[socket.socket] = []
    try:
        for port, variable in (
            (options.api_port, API_PORT_VARIABLE),
            (options.registry_port, REGISTRY_PORT_VARIABLE),
        ):
            sockets.append(listen(port, variable))
        cgroups.create_group(f"{options.cgroup}/control-plane")
        argv = ["unshare", "--fork", "--kill-child", "--pid", "--mount-proc", "--mount", "--net"]
        argv += [sys.executable, "-m", "kpo_provision.local.supervisor", str(options.home)]
        descriptors = [one.fileno() for one in sockets]
        argv += map(str, descriptors)
        pid = start_detached(argv, options.layout, settings, descriptors=descriptors)
        cgroups.enter_group(f"{options.cgroup}/control-plane", pid)
    finally:
        for one in sockets:
            one.close()


def start_detached(
    argv: Sequence[str],
    layout: Layout,
    settings: Mapping[str, Any],
    *,
    directory: Path = Path("/"),
    descriptors: Sequence[int] = (),
) -> int:
    """Start a supervisor that finds ``settings`` in its home and outlives this process; return its pid."""
    layout.logs.mkdir(exist_ok=True)
    write_private(layout.settings, json.dumps(settings, indent=2) + "\n")
    with (layout.logs / "supervisor.log").open("wb") as log:
        process = subprocess.Popen(
            argv,
            cwd=directory,
            env={"PATH": os.environ.get("PATH", ""), "PYTHONPATH": settings["python_path"]},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=descriptors,
            start_new_session=True,
        )
    # It is meant to outlive this process, which therefore never waits for it.
    process.returncode = 0
    return process.pid


def stop_supervisor(options: LocalOptions) -> bool:
    """End every process of the cluster and remove its control groups; return whether there was anything to end."""
    found = bool(list_processes(options))
    processes.end_processes(options.layout)
    cgroups.kill_group(options.cgroup)
    cgroups.remove_group(options.cgroup)
    options.layout.control.unlink(missing_ok=True)
    return found


def list_processes(options: LocalOptions) -> tuple[int, ...]:
    """List the processes of the cluster, whichever way it was started."""
    return (*cgroups.list_processes(options.cgroup), *processes.list_processes(options.layout))


def python_path() -> str:
    """Where the supervisor finds this package: where this process found it."""
    return str(Path(kpo_provision.__file__).absolute().parents[1])


def find_listener(port: int, *, proc: Path = Path("/proc")) -> str:
    """Name the process that listens on ``port``, if it can be found."""
    inodes = set()
    for table in ("tcp", "tcp6"):
        for line in _read_lines(proc / "net" / table)[1:]:
            fields = line.split()
            if fields[3] == "0A" and int(fields[1].rpartition(":")[2], 16) == port:
                inodes.add(f"socket:[{fields[9]}]")
    for descriptors in proc.glob("[0-9]*/fd"):
        if inodes & _read_links(descriptors):
            name = "".join(_read_lines(descriptors.parent / "comm")[:1])
            return f"{name} (process {descriptors.parent.name})"
    return ""


def listen(port: int, variable: str) -> socket.socket:
    """Take ``port`` of 127.0.0.1; when it is in use, say by whom."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
        listener.listen(1024)
    except OSError as e:
        listener.close()
        if e.errno != errno.EADDRINUSE:
            raise errors.LocalClusterError(
                f"port {port} of 127.0.0.1 cannot be opened: {e.strerror}", hint=f"choose another with {variable}"
            ) from e
        holder = find_listener(port)
        raise errors.LocalClusterError(
            f"port {port} of 127.0.0.1 is in use" + (f" by {holder}" if holder else ""),
            hint=f"stop what uses it, or choose another port with {variable}",
        ) from e
    return listener


def _read_lines(path: Path) -> Sequence[str]:
    try:
        return path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ()


def _read_links(folder: Path) -> set[str]:
    links = set()
    try:
        for entry in folder.iterdir():
            links.add(str(entry.readlink()))
    except OSError:
        return links  # the process ended meanwhile
    return links
