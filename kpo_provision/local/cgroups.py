"""The control groups of a local cluster: the one thing that its namespaces cannot hide from the machine.

Every process of the cluster is born below one group, so the group also says, without any pid file that could go
stale, which processes there are to end.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from kpo_provision import errors

ROOT = Path("/sys/fs/cgroup")
_V2_CONTROLLERS = ("cpu", "cpuset", "hugetlb", "io", "memory", "pids")


def create_group(group: str, *, root: Path = ROOT) -> None:
    """Create ``group`` in every hierarchy of this machine."""
    for hierarchy in _list_hierarchies(root):
        try:
            _create_in(hierarchy, group)
        except OSError as e:
            raise errors.LocalClusterError(
                f"control group {hierarchy / group} cannot be made: {e.strerror}",
                hint="run as root on a machine whose /sys/fs/cgroup is writable",
            ) from e


def enter_group(group: str, pid: int, *, root: Path = ROOT) -> None:
    """Move a process into ``group``; its children are born there. Pid 0 is the caller."""
    try:
        (_process_hierarchy(root) / group / "cgroup.procs").write_text(str(pid), encoding="ascii")
    except ProcessLookupError:
        return  # it ended already, which whoever waits for it will see


def list_processes(group: str, *, root: Path = ROOT) -> tuple[int, ...]:
    """List the processes of ``group`` and of all groups below it."""
    pids: set[int] = set()
    for listing in (_process_hierarchy(root) / group).rglob("cgroup.procs"):
        try:
            pids.update(map(int, listing.read_text(encoding="ascii").split()))
        except OSError:
            continue  # the group went away between listing and reading
    return tuple(sorted(pids - {0}))


def kill_group(
    group: str, *, timeout_s: float = 20, reap: Callable[[], None] = lambda: None, root: Path = ROOT
) -> None:
    """Kill every process in ``group`` and below it, and wait until none is left."""
    deadline = time.monotonic() + timeout_s
    while pids := list_processes(group, root=root):
        if time.monotonic() > deadline:
            raise errors.LocalClusterError(
                f"{len(pids)} processes of the local cluster do not end, the first is {pids[0]}",
                hint=f"see what holds it with: cat /proc/{pids[0]}/stack; then run kpo-provision local down again",
            )
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        reap()
        time.sleep(0.02)


def remove_group(group: str, *, root: Path = ROOT, timeout_s: float = 5) -> None:
    """Remove ``group`` and all groups below it from every hierarchy."""
    deadline = time.monotonic() + timeout_s
    for hierarchy in _list_hierarchies(root):
        for directory in _list_deepest_first(hierarchy / group):
            _remove_directory(directory, deadline)


def _remove_directory(directory: Path, deadline: float) -> None:
    while True:
        try:
            directory.rmdir()
        except FileNotFoundError:
            return
        except OSError as e:
            # The kernel frees a group a moment after its last process is gone.
            if time.monotonic() > deadline:
                raise errors.LocalClusterError(
                    f"control group {directory} cannot be removed: {e.strerror}",
                    hint=f"cat {directory}/cgroup.procs shows what is left in it; run kpo-provision local down again",
                ) from e
            time.sleep(0.02)
        else:
            return


def _list_deepest_first(directory: Path) -> Iterator[Path]:
    if directory.is_dir():
        for path, _, _ in os.walk(directory, topdown=False):
            yield Path(path)


def _list_hierarchies(root: Path) -> tuple[Path, ...]:
    """The unified hierarchy, or each mounted one: those of version 1, and a unified one beside them."""
    if (root / "cgroup.controllers").exists():
        return (root,)
    return tuple(path for path in sorted(root.iterdir()) if not path.is_symlink() and (path / "cgroup.procs").exists())


def _process_hierarchy(root: Path) -> Path:
    return root if (root / "cgroup.controllers").exists() else root / "pids"


def _create_in(hierarchy: Path, group: str) -> None:
    directory = hierarchy
    for part in Path(group).parts:
        if (directory / "cgroup.subtree_control").exists():
            _delegate_controllers(directory)
        directory = directory / part
        directory.mkdir(exist_ok=True)
        if (directory / "cpuset.cpus").exists() and not (directory / "cgroup.controllers").exists():
            # A version 1 cpuset starts empty, and an empty one takes no process.
            for name in ("cpuset.cpus", "cpuset.mems"):
                (directory / name).write_text((directory.parent / name).read_text(encoding="ascii"), encoding="ascii")


def _delegate_controllers(directory: Path) -> None:
    offered = (directory / "cgroup.controllers").read_text(encoding="ascii").split()
    wanted = " ".join(f"+{name}" for name in _V2_CONTROLLERS if name in offered)
    if wanted:
        (directory / "cgroup.subtree_control").write_text(wanted, encoding="ascii")
