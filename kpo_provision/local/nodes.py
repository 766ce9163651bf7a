"""Real nodes: what a containerd and kubelet pair needs on disk, and how the two are started.

This is the one place that knows what a node of the local cluster is made of. ``prepare_node`` runs outside and writes
files; ``node_daemons`` runs in the supervisor and says what to start from them.
"""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from kpo_provision import errors
from kpo_provision.local import images
from kpo_provision.local.daemons import Daemon
from kpo_provision.local.netpol import gate
from kpo_provision.local.options import INSIDE, NETPOL_SOCKET, STATE, Layout
from kpo_provision.local.private_files import write_private

SYSTEM_NODE = "kpo-system"
POOL_PREFIX = "kpo-pool-"
POD_RANGE = "10.244.0.0/16"
CLUSTER_DNS = "10.96.0.10"
REGISTRY_SERVER = "registry.local:5000"
_MOST_NODES = 200
_GATE_TIMEOUT_S = 10
"""After so long a pod's start fails, with the reason in an event, and is tried again."""

Taint = tuple[str, str, str]
"""Key, value, effect."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeRecord:
    """One node, as it is kept on disk: whoever starts the cluster next starts it again."""

    name: str
    index: int
    pool: str = ""
    labels: Mapping[str, str]
    taints: tuple[Taint, ...] = ()

    @property
    def address(self) -> str:
        """The node's own address."""
        return f"10.88.0.{11 + self.index}"

    @property
    def pod_range(self) -> str:
        """Where its pods get their addresses from."""
        return f"10.244.{self.index}.0/24"

    @property
    def group(self) -> str:
        """Its control group below the cluster's."""
        return f"nodes/{self.name}"

    @property
    def state(self) -> Path:
        """What must be gone when the node stops."""
        return STATE / self.name


def load_records(layout: Layout) -> tuple[NodeRecord, ...]:
    """Load all nodes that belong to the cluster, in the order they were made."""
    records = []
    for path in layout.nodes.glob("*/node.json"):
        fields = json.loads(path.read_text(encoding="utf-8"))
        fields["taints"] = tuple(map(tuple, fields["taints"]))
        records.append(NodeRecord(**fields))
    return tuple(sorted(records, key=lambda record: record.index))


def write_record(layout: Layout, record: NodeRecord) -> None:
    """Make the node part of the cluster; this comes after everything else that it needs on disk."""
    write_private(layout.nodes / record.name / "node.json", json.dumps(asdict(record), indent=2) + "\n")


def find_free_index(records: Sequence[NodeRecord]) -> int:
    """Choose the lowest index that no node has: it decides the node's addresses."""
    taken = {record.index for record in records}
    for index in range(_MOST_NODES):
        if index not in taken:
            return index
    raise errors.LocalClusterError(
        f"the local cluster has {len(taken)} nodes, and no address for one more", hint="use fewer pools"
    )


def prepare_node(
    layout: Layout, record: NodeRecord, *, cgroup: str, has_sys_resource: bool, runc: Path, cni: Path
) -> None:
    """Write the configuration of both daemons and of the pod network."""
    folder = layout.nodes / record.name
    write_private(folder / "containerd.toml", _render_containerd(record, has_sys_resource, runc, cni))
    write_private(folder / "kubelet.json", _render_kubelet(record, cgroup))
    write_private(folder / "cni" / "10-ptp.conflist", _render_cni(record))
    _write_gate(folder / "cni-bin" / gate.NAME)
    authority = INSIDE.pki / "ca.crt"
    hosts = f'server = "https://{REGISTRY_SERVER}"\n[host."https://{REGISTRY_SERVER}"]\nca = "{authority}"\n'
    write_private(folder / "certs.d" / REGISTRY_SERVER / "hosts.toml", hosts)


def node_daemons(record: NodeRecord, programs: Mapping[str, str], archives: Sequence[str]) -> tuple[Daemon, ...]:
    """List what to start for the node: containerd, the import of ``archives``, kubelet."""
    folder = INSIDE.nodes / record.name
    socket = record.state / "containerd.sock"
    group = f"{record.group}/daemons"
    labels = ",".join(f"{key}={value}" for key, value in record.labels.items() if _may_kubelet_set(key))
    imports = [
        Daemon(
            name=f"import-{Path(archive).stem}-{record.name}",
            argv=(programs["ctr"], "--address", str(socket), "-n", "k8s.io", "images", "import", archive),
            after=(f"containerd-{record.name}",),
            ready="exit",
            group=group,
        )
        for archive in archives
    ]
    containerd = Daemon(
        name=f"containerd-{record.name}",
        argv=(programs["containerd"], "--config", str(folder / "containerd.toml"), "--log-level", "warn"),
        ready=f"unix:{socket}",
        group=group,
    )
    kubelet = Daemon(
        name=f"kubelet-{record.name}",
        argv=(
            programs["kubelet"],
            f"--config={folder / 'kubelet.json'}",
            f"--kubeconfig={folder / 'kubelet.kubeconfig'}",
            f"--root-dir={folder / 'kubelet'}",
            f"--cert-dir={folder}",
            f"--hostname-override={record.name}",
            f"--node-ip={record.address}",
            f"--node-labels={labels}",
        ),
        after=("kube-apiserver", *(daemon.name for daemon in imports)),
        group=group,
    )
    return (containerd, *imports, kubelet)


def _may_kubelet_set(label: str) -> bool:
    # A kubelet refuses to start with labels of Kubernetes' own domains; an administrator may set those later.
    domain = label.partition("/")[0] if "/" in label else ""
    return not domain.endswith(("kubernetes.io", "k8s.io"))


def _render_kubelet(record: NodeRecord, cgroup: str) -> str:
    folder = INSIDE.nodes / record.name
    configuration = {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": record.address,
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(INSIDE.pki / "ca.crt")},
        },
        "authorization": {"mode": "Webhook"},
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{cgroup}/{record.group}",
        "clusterDNS": [CLUSTER_DNS],
        "clusterDomain": "cluster.local",
        "containerRuntimeEndpoint": f"unix://{record.state / 'containerd.sock'}",
        "enforceNodeAllocatable": [],
        # The machine's disk is not this cluster's to police, and its images come from nowhere else.
        "evictionHard": {
            "imagefs.available": "0%",
            "memory.available": "100Mi",
            "nodefs.available": "0%",
            "nodefs.inodesFree": "0%",
        },
        "imageGCHighThresholdPercent": 100,
        "failCgroupV1": False,
        "failSwapOn": False,
        "healthzPort": 0,
        "podLogsDir": str(folder / "pod-logs"),
        "readOnlyPort": 0,
        "registerWithTaints": [{"key": key, "value": value, "effect": effect} for key, value, effect in record.taints],
        "resolvConf": "",
        "rotateCertificates": False,
        "serializeImagePulls": False,
        "tlsCertFile": str(folder / "kubelet.crt"),
        "tlsPrivateKeyFile": str(folder / "kubelet.key"),
        "volumePluginDir": str(folder / "volume-plugins"),
    }
    return json.dumps(configuration, indent=2) + "\n"


def _render_containerd(record: NodeRecord, has_sys_resource: bool, runc: Path, cni: Path) -> str:  # noqa: FBT001
    folder = INSIDE.nodes / record.name
    # Without CAP_SYS_RESOURCE no sandbox starts unless containerd leaves OOM scores above its own. An AppArmor profile
    # would be loaded into the whole machine's kernel, and stay there.
    restrict = "false" if has_sys_resource else "true"
    return f"""\
version = 3
root = "{folder / "containerd"}"
state = "{record.state / "containerd"}"
disabled_plugins = ["io.containerd.internal.v1.opt", "io.containerd.nri.v1.nri"]

[grpc]
address = "{record.state / "containerd.sock"}"

[ttrpc]
address = "{record.state / "containerd.sock.ttrpc"}"

[plugins."io.containerd.cri.v1.images".pinned_images]
sandbox = "{images.PAUSE_IMAGE}"

[plugins."io.containerd.cri.v1.images".registry]
config_path = "{folder / "certs.d"}"

[plugins."io.containerd.cri.v1.runtime"]
restrict_oom_score_adj = {restrict}
disable_apparmor = true
netns_mounts_under_state_dir = true

[plugins."io.containerd.cri.v1.runtime".cni]
bin_dirs = ["{cni}", "{folder / "cni-bin"}"]
conf_dir = "{folder / "cni"}"

[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"

[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc.options]
BinaryName = "{runc}"
SystemdCgroup = false
"""


def _render_cni(record: NodeRecord) -> str:
    # ptp, not bridge: every packet of a pod is routed, so that network policies see it where packets are forwarded.
    link = {
        "type": "ptp",
        "ipMasq": False,
        "ipam": {
            "type": "host-local",
            "ranges": [[{"subnet": record.pod_range}]],
            "routes": [{"dst": "0.0.0.0/0"}],
            "dataDir": str(record.state / "addresses"),
        },
    }
    hold = {"type": gate.NAME, "socket": str(NETPOL_SOCKET), "timeoutSeconds": _GATE_TIMEOUT_S}
    configuration = {"cniVersion": "1.0.0", "name": "kpo-local", "plugins": [link, hold]}
    return json.dumps(configuration, indent=2) + "\n"


def _write_gate(path: Path) -> None:
    # Not a #! line with the interpreter: that must be short and without blanks. -I and -S: it starts for every pod.
    argv = (sys.executable, "-I", "-S", str(Path(gate.__file__).absolute()))
    partial = path.with_name(f".{path.name}")
    write_private(partial, f"#!/bin/sh\nexec {shlex.join(argv)}\n")
    partial.chmod(0o700)
    partial.replace(path)
