"""Checks, before anything is started, that the kernel will hand out the inotify instances that a cluster needs.

The limit counts per user over the whole machine. When it is reached, daemons fail one by one with "too many open
files", which helps nobody.
"""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

from kpo_provision import errors

CONTROL_PLANE_INSTANCES = 10
NODE_INSTANCES = 9
_LIMIT = Path("/proc/sys/fs/inotify/max_user_instances")


def check_inotify(instances: int) -> None:
    """Open that many instances and close them again; refuse to go on when they cannot be had."""
    libc = ctypes.CDLL(None, use_errno=True)
    opened: list[int] = []
    try:
        while len(opened) < instances:
            descriptor = libc.inotify_init1(os.O_CLOEXEC)
            if descriptor < 0:
                raise _limit_error(instances, len(opened))
            opened.append(descriptor)
    finally:
        for descriptor in opened:
            os.close(descriptor)


def _limit_error(wanted: int, available: int) -> errors.LocalClusterError:
    limit = int(_LIMIT.read_text(encoding="ascii"))
    return errors.LocalClusterError(
        f"the local cluster needs {wanted} more inotify instances, but of the {limit} that this machine allows a user "
        f"only {available} are left",
        hint=f"sysctl -w fs.inotify.max_user_instances={max(512, 2 * limit)}, or stop other clusters on this machine",
    )
