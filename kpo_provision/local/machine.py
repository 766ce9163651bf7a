"""What this machine must bring along before a local cluster can be started on it."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from kpo_provision import errors

_SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_CAP_SYS_RESOURCE = 24
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}

# Program -> the Debian or Ubuntu package that has it.
_PACKAGES = {
    "bash-static": "bash-static",
    "busybox": "busybox-static",
    "ip": "iproute2",
    "mount": "mount",
    "nft": "nftables",
    "runc": "runc",
    "umount": "mount",
    "unshare": "util-linux",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What was found of it."""

    programs: Mapping[str, Path]
    has_sys_resource: bool
    """Whether a process may get a lower OOM score than its parent; containers of some clouds may not."""


def check_machine() -> Machine:
    """Find the distribution's programs; refuse to go on without root or when one is missing."""
    check_root()
    read_architecture()
    found = {name: shutil.which(name, path=_SEARCH_PATH) for name in _PACKAGES}
    programs = {name: Path(path) for name, path in found.items() if path}
    missing = sorted(set(_PACKAGES) - set(programs))
    if "busybox" in programs and not is_static(programs["busybox"]):
        missing.append("busybox (linked statically)")
    if missing:
        packages = sorted({_PACKAGES[name.partition(" ")[0]] for name in missing})
        raise errors.LocalClusterError(
            f"the local cluster needs {', '.join(missing)}, which this machine does not have",
            hint=f"apt-get install -y {' '.join(packages)}",
        )
    return Machine(programs=programs, has_sys_resource=_has_capability(_CAP_SYS_RESOURCE))


def check_root() -> None:
    """Refuse to go on without root."""
    if os.geteuid() != 0:
        raise errors.LocalClusterError(
            "the local cluster runs real nodes, and those need root",
            hint="run it again with sudo; or, where a control plane with simulated nodes is enough, run "
            "`kpo-provision local up --simulated` first",
        )


def read_memory_bytes() -> int:
    """Read how much memory this machine has."""
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def read_architecture() -> str:
    """Name this machine's architecture as Go and container images do."""
    architecture = _ARCHITECTURES.get(platform.machine())
    if platform.system() != "Linux" or architecture is None:
        raise errors.LocalClusterError(
            f"the local cluster runs on Linux on amd64 or arm64, not on {platform.system()} on {platform.machine()}",
            hint="point the spec at another cluster (target: kubeconfig), for example Docker Desktop's or minikube's",
        )
    return architecture


def is_static(program: Path) -> bool:
    """Whether ``program`` runs in an image that has no libraries: its ELF header names no loader."""
    return b"/ld-" not in program.read_bytes()[:4096]


def _has_capability(number: int) -> bool:
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        name, _, value = line.partition(":")
        if name == "CapBnd":
            return bool(int(value, 16) >> number & 1)
    return False
