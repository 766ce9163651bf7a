"""Turns fresh mount, network and PID namespaces into the small machine that the cluster runs on.

Runs in the supervisor before any daemon. Nothing done here can be seen outside, and all of it ends with the
supervisor.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from kpo_provision.local.control_plane import SERVICE_RANGE
from kpo_provision.local.options import CONTROL_PLANE_ADDRESS, INSIDE, STATE

# Kubernetes and containerd write below these whatever they are told. They see them as they are; what they write there
# goes to memory, and with them.
_SHIELDED = ("/etc", "/opt", "/var/lib")
_EMPTIED = ("/run", "/var/log")

# What a kubelet insists on. Shown to it as files, because the real ones are the whole machine's.
_KERNEL_SETTINGS = {
    "kernel/keys/root_maxbytes": "25000000",
    "kernel/keys/root_maxkeys": "1000000",
    "kernel/panic": "10",
    "kernel/panic_on_oops": "1",
    "vm/overcommit_memory": "1",
    "vm/panic_on_oom": "0",
}


def prepare_namespace(home: Path) -> None:
    """Mount what the cluster needs, hide what it must not touch, and set up addresses and routes."""
    _prepare_mounts(home)
    _prepare_network()


def add_address(address: str) -> None:
    """Give the cluster's machine one more address."""
    _run("ip", "address", "replace", f"{address}/32", "dev", "lo")


def remove_address(address: str) -> None:
    """Take an address away again."""
    _run("ip", "address", "del", f"{address}/32", "dev", "lo")


def unmount_below(*roots: Path) -> None:
    """Unmount everything at or below ``roots``, the last mounted first."""
    mounted = []
    for line in Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines():
        place = Path(line.split()[4].replace("\\040", " "))
        if any(place.is_relative_to(root) for root in roots):
            mounted.append(place)
    for place in reversed(mounted):
        _run("umount", "--lazy", str(place))


def _prepare_mounts(home: Path) -> None:
    # The home may itself lie below a folder that is hidden in a moment.
    descriptor = os.open(home, os.O_PATH)
    _run("mount", "--make-rshared", "/")
    for folder in _EMPTIED:
        _run("mount", "-t", "tmpfs", "-o", "mode=755", "kpo-local", folder)
    STATE.mkdir(mode=0o700)
    for folder in _SHIELDED:
        upper, work = (STATE / f"{use}{folder.replace('/', '_')}" for use in ("written", "work"))
        upper.mkdir()
        work.mkdir()
        options = f"lowerdir={folder},upperdir={upper},workdir={work}"
        _run("mount", "-t", "overlay", "-o", options, "kpo-local", folder)
    INSIDE.root.mkdir()
    # Through this process's own descriptor, for mount(8) is another process.
    _run("mount", "--no-canonicalize", "--bind", f"/proc/{os.getpid()}/fd/{descriptor}", str(INSIDE.root))
    os.close(descriptor)
    # Otherwise every volume that a kubelet mounts below one path would appear below the other as well.
    _run("mount", "--make-private", str(INSIDE.root))
    _run("mount", "--make-shared", str(INSIDE.root))
    settings = {f"/proc/sys/{name}": value for name, value in _KERNEL_SETTINGS.items()}
    files = {
        "/etc/hosts": f"127.0.0.1 localhost\n{CONTROL_PLANE_ADDRESS} registry.local\n",
        "/etc/resolv.conf": "",
        **settings,
    }
    for place, content in files.items():
        if Path(place).exists():
            source = STATE / place.replace("/", "_")
            source.write_text(f"{content}\n", encoding="ascii")
            source.chmod(0o644)
            _run("mount", "--bind", str(source), place)


def _prepare_network() -> None:
    _run("ip", "link", "set", "lo", "up")
    add_address(CONTROL_PLANE_ADDRESS)
    # Service addresses are nobody's: a route is all that a local process needs for kube-proxy to redirect it.
    _run("ip", "route", "replace", SERVICE_RANGE, "dev", "lo", "src", CONTROL_PLANE_ADDRESS)
    for name in ("ip_forward", "conf/all/forwarding"):
        Path(f"/proc/sys/net/ipv4/{name}").write_text("1", encoding="ascii")
    for name in ("all", "default"):
        Path(f"/proc/sys/net/ipv4/conf/{name}/rp_filter").write_text("0", encoding="ascii")


def _run(*argv: str) -> None:
    subprocess.run(argv, check=True, stdin=subprocess.DEVNULL)
