"""A site with hosts of its own: a local cluster that they can join, a bridge in its network, and who administers it."""

import contextlib
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Self

import yaml

from kpo_provision import local, progress
from kpo_provision.kube.api import Api
from kpo_provision.kube.connection import connect
from kpo_provision.kube.transport import HttpTransport
from kpo_provision.local.programs import ensure_programs
from kpo_provision.local.recipes import COMPONENTS, JOIN_COMPONENTS, KUBERNETES_VERSION
from kpo_provision.plan import POOL_KEY
from kpo_provision.tenants import destroy_tenants
from tests.hosts.approver import Approver
from tests.hosts.host import KINDS, Host
from tests.hosts.tree import ensure_tree

INSTALLATION = "acme-hosts"
"""The installation of every spec: a cluster has one."""
API_SERVER = "10.88.0.1:6443"
_CONFIGURATION = [
    {
        "apiVersion": "kubeadm.k8s.io/v1beta4",
        "kind": "InitConfiguration",
        "localAPIEndpoint": {"advertiseAddress": API_SERVER.partition(":")[0]},
    },
    {
        "apiVersion": "kubeadm.k8s.io/v1beta4",
        "kind": "ClusterConfiguration",
        "kubernetesVersion": f"v{KUBERNETES_VERSION}",
        "controlPlaneEndpoint": API_SERVER,
        "networking": {"podSubnet": "10.244.0.0/16", "serviceSubnet": "10.96.0.0/16"},
    },
    {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "authentication": {"x509": {"clientCAFile": "/etc/kubernetes/pki/ca.crt"}},
        "clusterDNS": ["10.96.0.10"],
        "clusterDomain": "cluster.local",
        "failSwapOn": True,
    },
]


class Site:
    """Everything of a site is below ``folder``; its cluster is the one of ``options``, which runs."""

    bridge = "kpohosts"

    def __init__(self, folder: Path, options: local.LocalOptions) -> None:
        self.folder, self.options = folder, options
        self.programs = {}
        for components in (COMPONENTS, JOIN_COMPONENTS):
            self.programs |= ensure_programs(options.cache, progress.Silent(), components=components)
        self.tree = ensure_tree(options.cache)
        self.pid = find_namespace(options)
        self.identity = folder / "id_ed25519"
        self.kubeconfig = folder / "kubeconfig"
        self.hosts = {}
        self._make_key(self.identity, "ed25519")
        self._write_kubeconfig()
        self._make_network()
        self._prepare_cluster()
        self._approver = Approver(HttpTransport(connect(kubeconfig=options.layout.kubeconfig, context=None)))

    def add_host(self, name: str, *, bare: bool = False) -> Host:
        """Start one more host."""
        host = self.hosts[name] = Host(self, name, len(self.hosts), bare=bare)
        host.start()
        return host

    @property
    def storage_ki(self) -> int:
        """How large the file system is that the hosts keep pods and images on."""
        found = os.statvfs(self.folder)
        return found.f_blocks * found.f_frsize // 1024

    def write_access(self, folder: Path) -> None:
        """Write what an administrator has beside the spec: known hosts, the registry's CA, its login."""
        lines = [f"{host.address} {host.public_key(kind)}" for host in self.hosts.values() for kind in KINDS]
        folder.joinpath("known_hosts").write_text("".join(f"{line}\n" for line in lines))
        layout = self.options.layout
        shutil.copy(layout.pki / "ca.crt", folder / "registry-ca.crt")
        shutil.copy(layout.docker_config, folder / "config.json")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Do away with every host and tenant, so that the next site finds a cluster without them."""
        self._approver.close()
        self.clear()
        with Api(connect(kubeconfig=self.options.layout.kubeconfig, context=None)) as api:
            assert destroy_tenants(api, INSTALLATION, progress=progress.Silent()).failures == ()

    def clear(self) -> None:
        """Do away with all hosts and their nodes; hosts of the same names are new ones, with the same keys."""
        for host in self.hosts.values():
            host.stop()
            shutil.rmtree(host.folder)
        self.hosts = {}
        with Api(connect(kubeconfig=self.options.layout.kubeconfig, context=None)) as api:
            for node in api.list("Node", label_selector=POOL_KEY):
                api.delete("Node", node["metadata"]["name"])

    def run(self, *argv, check=True, environ=None, text=None, cwd=None):
        """Run a program where the administrator sits: in the network of the cluster."""
        return subprocess.run(
            [*self.enter(), *map(str, argv)],
            env={**os.environ, **(environ or {})},
            input=text,
            cwd=cwd,
            capture_output=True,
            text=True,
            check=check,
        )

    def start(self, *argv, cwd):
        """Start a program there; what it says, on either stream, is its standard output."""
        return subprocess.Popen(
            [*self.enter(), *map(str, argv)],
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def enter(self):
        """Return what, before a command, has it run in the network of the cluster."""
        return ["nsenter", f"--net=/proc/{self.pid}/ns/net", "--"]

    def key(self, name: str, kind: str) -> Path:
        """Return a host's private key, made once: a host keeps its keys when it is made anew."""
        path = self.folder / f"{name}_{kind}"
        if not path.exists():
            self._make_key(path, kind)
        return path

    def _make_key(self, path: Path, kind: str) -> None:
        subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-C", path.name, "-f", str(path)], check=True)

    def _write_kubeconfig(self) -> None:
        document = yaml.safe_load(self.options.layout.kubeconfig.read_text())
        document["clusters"][0]["cluster"]["server"] = f"https://{API_SERVER}"
        self.kubeconfig.write_text(json.dumps(document))

    def _make_network(self) -> None:
        self.run("ip", "link", "add", self.bridge, "type", "bridge", check=False)
        self.run("ip", "address", "replace", "10.89.0.1/24", "dev", self.bridge)
        self.run("ip", "link", "set", self.bridge, "up")

    def _prepare_cluster(self) -> None:
        """Do what `kubeadm init` does last, so that hosts can join."""
        file = self.folder / "kubeadm.yaml"
        file.write_text("---\n".join(yaml.safe_dump(part) for part in _CONFIGURATION))
        for phase in (("upload-config", "all"), ("bootstrap-token",)):
            argv = [self.programs["kubeadm"], "init", "phase", *phase, "--config", file]
            done = self.run(*argv, "--kubeconfig", self.kubeconfig, check=False)
            assert done.returncode == 0, done.stdout + done.stderr


def find_namespace(options: local.LocalOptions) -> int:
    """Find a process in the network of a local cluster."""
    own = Path("/proc/self/ns/net").readlink()
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has ended
            line = (folder / "cmdline").read_bytes().decode().split("\0")
            is_supervisor = "kpo_provision.local.supervisor" in line and str(options.home) in line
            if is_supervisor and folder.joinpath("ns/net").readlink() != own:
                return int(folder.name)
    raise AssertionError(f"no local cluster runs in {options.home}")
