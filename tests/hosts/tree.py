"""The root of a test host: a Debian with systemd, sshd and what a node needs, made once and kept in the cache.

The programs that are ours to choose are shown to each host from the cache of the local cluster, and are no part of it.
"""

import fcntl
import hashlib
import json
import shutil
import subprocess
from pathlib import Path

SUITE = "bookworm"
PACKAGES = (
    "ca-certificates",
    "conntrack",
    "curl",
    "dbus",
    "ethtool",
    "iproute2",
    "iptables",
    "kmod",
    "openssh-server",
    "openssl",
    "procps",
    "python3",
    "runc",
    "socat",
    "sudo",
    "systemd",
    "systemd-sysv",
)
USER = "ops"

_KUBELET_UNIT = """\
[Unit]
Description=kubelet
After=containerd.service

[Service]
ExecStart=/usr/local/bin/kubelet
Restart=always
RestartSec=2

[Install]
WantedBy=multi-user.target
"""
_KUBEADM_DROP_IN = """\
[Service]
Environment="BOOTSTRAP_ARGS=--bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf"
Environment="KUBECONFIG_ARGS=--kubeconfig=/etc/kubernetes/kubelet.conf"
Environment="CONFIG_ARGS=--config=/var/lib/kubelet/config.yaml"
EnvironmentFile=-/var/lib/kubelet/kubeadm-flags.env
ExecStart=
ExecStart=/usr/local/bin/kubelet $BOOTSTRAP_ARGS $KUBECONFIG_ARGS $CONFIG_ARGS $KUBELET_KUBEADM_ARGS
"""
_CONTAINERD_UNIT = """\
[Unit]
Description=containerd
After=network.target dbus.service

[Service]
ExecStart=/usr/local/bin/containerd
Type=notify
Delegate=yes
KillMode=process
Restart=always
RestartSec=2
LimitNOFILE=1048576

[Install]
WantedBy=multi-user.target
"""
# A site's own drop-in, which is to survive: here what a machine without CAP_SYS_RESOURCE needs.
_SITE_DROP_IN = """\
version = 3

[plugins."io.containerd.cri.v1.runtime"]
restrict_oom_score_adj = true
disable_apparmor = true
"""
FILES = {
    "etc/systemd/system/kubelet.service": _KUBELET_UNIT,
    "etc/systemd/system/kubelet.service.d/10-kubeadm.conf": _KUBEADM_DROP_IN,
    "etc/systemd/system/containerd.service": _CONTAINERD_UNIT,
    "etc/containerd/conf.d/10-site.toml": _SITE_DROP_IN,
    f"etc/sudoers.d/{USER}": f"{USER} ALL=(ALL) NOPASSWD:ALL\n",
    "etc/resolv.conf": "nameserver 10.96.0.10\noptions timeout:1 attempts:1\n",
}


def ensure_tree(cache: Path) -> Path:
    """Make the tree, once; two test processes at a time make one."""
    recipe = json.dumps([SUITE, PACKAGES, FILES], sort_keys=True)
    tree = cache / "test-hosts" / f"{SUITE}-{hashlib.sha256(recipe.encode()).hexdigest()[:12]}"
    tree.parent.mkdir(parents=True, exist_ok=True)
    with tree.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not tree.exists():
            for old in tree.parent.glob(f"{SUITE}-*"):
                if old.is_dir():
                    shutil.rmtree(old)
            _make_tree(tree)
    return tree


def _make_tree(tree: Path) -> None:
    partial = tree.with_name(f".partial-{tree.name}")
    shutil.rmtree(partial, ignore_errors=True)
    log = tree.with_suffix(".log")
    argv = ["debootstrap", "--variant=minbase", f"--include={','.join(PACKAGES)}", SUITE, str(partial)]
    with log.open("w") as out:
        done = subprocess.run(argv, stdout=out, stderr=out, check=False)
    assert done.returncode == 0, log.read_text()[-2000:]
    for name, content in FILES.items():
        path = partial / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        path.write_text(content)
    partial.joinpath(f"etc/sudoers.d/{USER}").chmod(0o440)
    subprocess.run(["useradd", "--root", str(partial), "--create-home", "--shell", "/bin/bash", USER], check=True)
    for leftover in ("var/cache/apt", "var/lib/apt/lists"):
        shutil.rmtree(partial / leftover, ignore_errors=True)
    partial.rename(tree)
