"""One test host: systemd and sshd in containers of their own, on a tree that it shares and writes above."""

import contextlib
import os
import shutil
import signal
import stat
import subprocess
import time
import uuid
from pathlib import Path

SHOWN = ("containerd", "containerd-shim-runc-v2", "ctr", "kubeadm", "kubectl", "kubelet")
KINDS = ("ecdsa", "ed25519", "rsa")
PLUGINS = ("host-local", "loopback", "ptp")
NODE_FILES = (
    "etc/systemd/system/containerd.service",
    "etc/systemd/system/kubelet.service",
    "etc/systemd/system/kubelet.service.d",
    "usr/sbin/runc",
)
"""What a tree has that makes a node of a host, and a bare one lacks."""
_BOOTED_WITHIN_S = 60
# What the kernel of a small virtual machine needs for a container that is a machine of its own.
_NSPAWN = {
    "SYSTEMD_SECCOMP": "0",
    "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "0",
    "SYSTEMD_NSPAWN_API_VFS_WRITABLE": "1",
}


class Host:
    """A machine that can be reached over SSH from the network namespace of its site, and only there.

    One that is ``bare`` has nothing yet that makes a node of it.
    """

    def __init__(self, site, name, index, *, bare=False):
        self.site, self.name, self.index, self.bare = site, name, index, bare
        self.address = f"10.89.0.{11 + index}"
        self.pods = f"10.244.{220 + index}.0/24"
        self.folder = site.folder / name
        self.process = None

    @property
    def upper(self) -> Path:
        """What the host has written above the tree: a picture of all that differs from it."""
        return self.folder / "upper"

    def start(self):
        if not self.folder.exists():
            self._prepare()
        root = self.folder / "root"
        layers = f"lowerdir={self.site.tree},upperdir={self.upper},workdir={self.folder}/work"
        mount = f"mount -t overlay host -o {layers} {root}"
        shown = [f"--bind-ro={self.site.programs[name]}:/usr/local/bin/{name}" for name in SHOWN]
        shown += [f"--bind-ro={self.site.programs[name]}:/opt/cni/bin/{name}" for name in PLUGINS]
        shown = [] if self.bare else shown
        # Layers of images cannot lie on an overlay.
        own = [f"--bind={self.folder}/{name}:/var/lib/{name}" for name in ("containerd", "kubelet")]
        argv = ["systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--boot", "--console=read-only"]
        argv += [f"--directory={root}", f"--machine={self.name}", f"--network-bridge={self.site.bridge}"]
        argv += ["--capability=all", "--bind=/dev/kmsg", *shown, *own]
        inside = f"{mount} && exec nsenter --net=/proc/{self.site.pid}/ns/net {' '.join(argv)}"
        with (self.folder / "console.log").open("ab") as log:
            self.process = subprocess.Popen(
                ["unshare", "--mount", "--propagation=private", "--", "sh", "-c", inside],
                env={**os.environ, **_NSPAWN},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._set_up()

    def stop(self):
        """Pull the plug."""
        if self.process is not None:
            # With its first process all others of the host end at once; to find them one by one takes a moment.
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.leader or self.process.pid, signal.SIGKILL)
            end_hosts(self.folder)
            self.process.wait()
            self.process = None
            # The kernel takes its time to remove the link of a network that is gone, and no other may have its name.
            self.site.run("ip", "link", "delete", f"vb-{self.name}", check=False)

    def run(self, command, *, check=True, text=None):
        """Run a command as root, without SSH."""
        done = subprocess.run(
            ["nsenter", "-t", str(self.leader), "-m", "-u", "-i", "-n", "-p", "-C", "--", "bash", "-c", command],
            input=text.encode() if isinstance(text, str) else text,
            capture_output=True,
            check=False,
            env={"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root"},
        )
        done.stdout, done.stderr = done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")
        assert done.returncode == 0 or not check, f"{command}: {done.stdout}{done.stderr}"
        return done

    def write(self, path, content):
        self.run(f"mkdir -p $(dirname {path}) && cat >{path}", text=content)

    def public_key(self, kind):
        return (self.upper / f"etc/ssh/ssh_host_{kind}_key.pub").read_text().rpartition(" ")[0]

    def wait_until_tidy(self):
        """Wait until the leftovers of Terraform's own are taken away, some seconds after its last word."""
        deadline = time.monotonic() + 60
        while self.run("ls -A /home/ops | grep kpo-provision", check=False).stdout:
            assert time.monotonic() < deadline
            time.sleep(0.5)

    def files(self):
        """Return every file and folder that is not as in the tree, by what it is; what lives in memory is no part."""
        found = {}
        for path in sorted(self.upper.rglob("*")):
            place = path.relative_to(self.upper)
            below = self.site.tree / place
            is_same = path.is_dir() and below.is_dir() and _describe(path) == _describe(below)
            if not str(place).startswith(_ALIVE) and not is_same:
                found[str(place)] = _describe(path)
        # What containerd has pulled stays its own.
        return found | {"var/lib/kubelet": sorted(path.name for path in (self.folder / "kubelet").iterdir())}

    def _prepare(self):
        for name in ("root", "upper/etc/ssh", "upper/etc/cni/net.d", "work", "containerd", "kubelet"):
            (self.folder / name).mkdir(parents=True)
        etc = self.upper / "etc"
        for kind in KINDS:
            shutil.copy2(self.site.key(self.name, kind), etc / f"ssh/ssh_host_{kind}_key")
            shutil.copy2(f"{self.site.key(self.name, kind)}.pub", etc / f"ssh/ssh_host_{kind}_key.pub")
        etc.joinpath("hosts").write_text(f"127.0.0.1 localhost\n{self.address} {self.name}\n10.88.0.1 registry.local\n")
        # A name server that does not answer yet would keep a kubelet from registering in time.
        etc.joinpath("resolv.conf").write_text("")
        etc.joinpath("hostname").write_text(f"{self.name}\n")
        etc.joinpath("machine-id").write_text(f"{uuid.uuid5(uuid.NAMESPACE_DNS, str(self.folder)).hex}\n")
        etc.joinpath("cni/net.d/10-site.conflist").write_text(_CNI % self.pods)
        for home, owner in (("home/ops", 1000), ("root", 0)):
            ssh = self.upper / home / ".ssh"
            ssh.mkdir(parents=True, mode=0o700)
            ssh.joinpath("authorized_keys").write_text(self.site.identity.with_suffix(".pub").read_text())
            for path in (self.upper / home, ssh, ssh / "authorized_keys"):
                os.chown(path, owner, owner)
        (self.upper / "root").chmod(0o700)
        for name in NODE_FILES if self.bare else ():
            gone = self.upper / name
            gone.parent.mkdir(parents=True, exist_ok=True)
            # What an overlay takes for a hole.
            os.mknod(gone, stat.S_IFCHR, os.makedev(0, 0))

    def _set_up(self):
        deadline = time.monotonic() + _BOOTED_WITHIN_S
        while not self.leader:
            assert time.monotonic() < deadline, self._console()
            assert self.process.poll() is None, self._console()
            time.sleep(0.05)
        network = (
            f"ip link set lo up; ip address add {self.address}/24 dev host0; ip link set host0 up; "
            "ip route add default via 10.89.0.1"
        )
        subprocess.run(["nsenter", "-t", str(self.leader), "-n", "sh", "-c", network], check=True)
        self.site.run("ip", "route", "replace", self.pods, "via", self.address)
        ready = "systemctl is-active -q ssh && for c in /sys/fs/cgroup/*/; do mount -o remount,bind,rw $c || true; done"
        while self.run(ready, check=False).returncode:
            assert time.monotonic() < deadline, self._console()
            time.sleep(0.1)
        if self.bare:
            return
        # No network here leads to where Kubernetes has its own.
        archive = self.site.options.layout.images / "pause.tar"
        self.run("cat >/tmp/pause.tar", text=archive.read_bytes())
        self.run("systemctl start containerd && ctr -n k8s.io images import /tmp/pause.tar && rm /tmp/pause.tar")

    @property
    def leader(self):
        """The PID of the host's own systemd, seen from here."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        for child in children.read_text().split() if children.exists() else ():
            try:
                # The first process of another PID namespace, once it is systemd.
                if Path(f"/proc/{child}/comm").read_text().strip() == "systemd":
                    return int(child)
            except OSError:
                continue
        return 0

    def _console(self):
        return (self.folder / "console.log").read_text(errors="replace")[-1500:]


def end_hosts(folder: Path) -> None:
    """End every process of the hosts whose files are in ``folder``, however they were started."""
    mark = f"upperdir={folder}/"
    for mounts in Path("/proc").glob("[0-9]*/mountinfo"):
        with contextlib.suppress(OSError):  # it has ended
            if mark in mounts.read_text():
                os.kill(int(mounts.parent.name), signal.SIGKILL)


_ALIVE = ("run", "tmp", "var/log", "var/tmp", "var/lib/systemd", "var/lib/dbus", "etc/.updated", "var/.updated")
_CNI = """\
{
  "cniVersion": "1.0.0",
  "name": "site",
  "plugins": [
    {
      "type": "ptp",
      "ipMasq": false,
      "ipam": {"type": "host-local", "ranges": [[{"subnet": "%s"}]], "routes": [{"dst": "0.0.0.0/0"}]}
    }
  ]
}
"""


def _describe(path):
    found = path.lstat()
    if path.is_symlink():
        return f"link to {path.readlink()}"
    if path.is_dir():
        return f"folder {found.st_mode & 0o7777:o}"
    if not path.is_file():
        return f"device {found.st_rdev}"  # how an overlay says that something is gone
    return f"file {found.st_mode & 0o7777:o} {path.read_bytes().hex() if found.st_size < 256 else found.st_size}"
