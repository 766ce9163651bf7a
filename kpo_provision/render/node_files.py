"""The files that a node of one's own is given, and what its scripts are to expect; the same for hosts and instances.

Nothing in it is secret: a token is made when nodes join, and reaches them past Terraform's state.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from kpo_provision.plan import INSTALLATION_KEY, PoolPlan
from kpo_provision.render.environment import render_text
from kpo_provision.sizing.node import NodeShape
from kpo_provision.spec.nodes import NodePool
from kpo_provision.spec.self_hosted import HostRegistry, Proxy, SelfHostedTarget

JOIN_FILE = "/etc/kubernetes/kpo-provision/join.yaml"
_CERTIFICATES = "/etc/containerd/certs.d"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterFacts:
    """What hosts have to know of the cluster that they join.

    ``api_server`` is host and port, ``ca_pins`` are SHA-256 pins as kubeadm writes them, ``version`` is the API
    server's. ``ranges`` are the addresses of pods and services, as far as the cluster says them.
    """

    api_server: str
    ca_pins: tuple[str, ...]
    version: str
    ranges: tuple[str, ...] = ()

    @property
    def minor(self) -> int:
        """The minor version of its API server."""
        return int(self.version.removeprefix("v").split(".")[1])


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleFacts:
    """The bundle that hosts get what they lack from: where it is, and what it says of itself."""

    path: str
    sha256: str
    kubernetes: str
    containerd: str
    programs: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Which node it is. A ``provider_id`` is what a cloud calls the machine; None for one that is in no cloud."""

    node: str
    address: str
    provider_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeFiles:
    """What all nodes of an installation have in common. ``authorities`` are the CAs of registries, by server."""

    target: SelfHostedTarget
    installation: str
    cluster: ClusterFacts
    authorities: Mapping[str, str]

    def render_containerd(self) -> dict[str, str]:
        """Return containerd's configuration for 1.x (``v2``) and for 2.x (``v3``)."""
        image = self.target.sandbox_image
        return {
            schema: render_text(f"nodes/containerd-{schema}.toml", sandbox_image=image).rstrip("\n")
            for schema in ("v2", "v3")
        }

    def render_files(self, identity: Identity, pool: PoolPlan, shape: NodeShape) -> dict[str, dict[str, str]]:
        """Return content and mode of every file, by its path."""
        return dict(sorted(self._render_files(identity, pool, shape)))

    def _render_files(
        self, identity: Identity, pool: PoolPlan, shape: NodeShape
    ) -> Iterator[tuple[str, dict[str, str]]]:
        yield JOIN_FILE, {"content": self._render_join(identity, pool), "mode": "0600"}
        yield "/etc/kubernetes/patches/kubeletconfiguration0+strategic.yaml", _file(self._render_kubelet(shape))
        yield "/etc/modules-load.d/kpo-provision.conf", _file(render_text("nodes/modules.conf"))
        yield "/etc/sysctl.d/90-kpo-provision.conf", _file(render_text("nodes/sysctl.conf"))
        if self.target.proxy is not None:
            text = self._render_proxy(self.target.proxy)
            yield "/etc/systemd/system/containerd.service.d/20-kpo-provision.conf", _file(text)
        for server, registry in self.target.registries.items():
            yield from self._render_registry(server, registry)

    def list_labels(self, pool: PoolPlan) -> dict[str, str]:
        """Return the labels that nodes of a pool have from the start."""
        return {**pool.labels, INSTALLATION_KEY: self.installation}

    def _render_join(self, identity: Identity, pool: PoolPlan) -> str:
        labels = self.list_labels(pool)
        return render_text(
            "nodes/join.yaml",
            api_server=self.cluster.api_server,
            ca_pins=list(self.cluster.ca_pins),
            ignored_errors=self._list_ignored(),
            labels=",".join(f"{key}={value}" for key, value in sorted(labels.items())),
            minor=self.cluster.minor,
            node=identity.node,
            node_address=identity.address,
            provider_id=identity.provider_id,
            taints=[{"key": taint.key, "value": taint.value, "effect": taint.effect} for taint in pool.taints],
        )

    def _list_ignored(self) -> list[str]:
        # Version 1 of control groups is one of the things that kubeadm calls by this name.
        system = ["SystemVerification"] if self.target.allow_cgroup_v1 else []
        return sorted({*system, *self.target.ignored_preflight_errors})

    def _render_kubelet(self, shape: NodeShape) -> str:
        held = shape.held_back
        return render_text(
            "nodes/kubelet.yaml",
            allow_cgroup_v1=self.target.allow_cgroup_v1,
            eviction_memory=f"{held.eviction_memory_ki}Ki",
            kube={
                "cpu": f"{held.kube_cpu_milli}m",
                "memory": f"{held.kube_memory_ki}Ki",
                "ephemeral": str(held.kube_ephemeral_bytes),
            },
            max_pods=shape.max_pods,
            serving_certificates=self.target.serving_certificates,
            system={"cpu": f"{held.system_cpu_milli}m", "memory": f"{held.system_memory_ki}Ki"},
        )

    def _render_proxy(self, proxy: Proxy) -> str:
        return render_text("nodes/proxy.conf", proxy=proxy.https, no_proxy=list_near(proxy, self.cluster))

    def _render_registry(self, server: str, registry: HostRegistry) -> Iterator[tuple[str, dict[str, str]]]:
        folder = f"{_CERTIFICATES}/{server}"
        authority = self.authorities.get(server)
        if authority is not None:
            yield f"{folder}/ca.crt", _file(authority)
        text = render_text(
            "nodes/hosts.toml",
            server=server,
            mirror=registry.mirror,
            mirror_has_path=registry.mirror_has_path,
            ca_file=f"{folder}/ca.crt" if authority is not None else None,
        )
        yield f"{folder}/hosts.toml", _file(text)


def list_registries(target: SelfHostedTarget) -> list[str]:
    """List the URLs, without a path, of whom a host asks for images: mirrors instead of what they mirror."""
    urls = (registry.mirror or f"https://{server}" for server, registry in target.registries.items())
    return sorted({"/".join(url.split("/")[:3]) for url in urls})


def list_near(proxy: Proxy, cluster: ClusterFacts) -> list[str]:
    """List what is reached without the proxy: the cluster, and what the spec says."""
    own = ["localhost", "127.0.0.1", "::1", cluster.api_server.rpartition(":")[0], *cluster.ranges]
    return list(dict.fromkeys([*own, ".svc", ".cluster.local", *proxy.no_proxy]))


def render_settings(
    target: SelfHostedTarget,
    wanted: NodePool,
    shape: NodeShape,
    cluster: ClusterFacts,
    *,
    bundle: BundleFacts | None = None,
) -> dict[str, str]:
    """Return what the scripts are to expect of any node of a pool, by the names of their variables."""
    return {
        "ALLOW_CGROUP_V1": str(target.allow_cgroup_v1).lower(),
        "API_SERVER": cluster.api_server,
        "ARCHITECTURE": wanted.architecture,
        "BUNDLE_CONTAINERD": bundle.containerd if bundle else "",
        "BUNDLE_KUBERNETES": bundle.kubernetes if bundle else "",
        "BUNDLE_PROGRAMS": " ".join(bundle.programs) if bundle else "",
        "CA_PINS": " ".join(cluster.ca_pins),
        "CPUS": str(shape.machine.vcpu),
        "IMAGE_NO_PROXY": ",".join(list_near(target.proxy, cluster)) if target.proxy else "",
        "IMAGE_PROXY": target.proxy.https if target.proxy else "",
        "MEMORY_KI": str(shape.capacity_memory_ki),
        "MIN_DISK_MIB": str(target.min_free_disk),
        "MINOR": str(cluster.minor),
        "REGISTRIES": " ".join(list_registries(target)),
        "SANDBOX_IMAGE": target.sandbox_image or "",
        "SERVER_MINOR": str(cluster.minor),
    }


def _file(content: str) -> dict[str, str]:
    return {"content": content, "mode": "0644"}
