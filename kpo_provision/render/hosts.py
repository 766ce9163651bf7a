"""From a spec and its sized pools to the values of the module for hosts: what each is given, and how it is reached.

Nothing in it is secret: a token is made when hosts join, and reaches them past Terraform's state.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from kpo_provision.plan import INSTALLATION_KEY, Plan, PoolPlan
from kpo_provision.render.environment import render_text
from kpo_provision.sizing.node import NodeShape
from kpo_provision.sizing.pools import InstallationSize
from kpo_provision.spec import model
from kpo_provision.spec.hosts import Host
from kpo_provision.spec.self_hosted import HostRegistry, Proxy, SelfHostedTarget

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
class Site:
    """What is read from files beside the spec: the public keys of hosts by address, the CAs of registries by server."""

    host_keys: Mapping[str, str]
    authorities: Mapping[str, str]
    identity_file: str | None = None
    bastion_identity_file: str | None = None


def render_hosts_tfvars(
    spec: model.Installation, plan: Plan, size: InstallationSize, *, cluster: ClusterFacts, site: Site
) -> dict[str, Any]:
    """Render the variables of ``modules/self-hosted-node-pool`` for a spec whose target is selfHosted."""
    target = spec.target.self_hosted
    assert target is not None  # noqa: S101  the caller's own target
    rendering = _Rendering(target=target, installation=plan.installation, cluster=cluster, site=site)
    shapes = {pool.demand.name: pool.shape for pool in size.pools}
    hosts: dict[str, Any] = {}
    for pool in plan.pools:
        wanted, shape = spec.node_pools[pool.name], shapes[pool.name]
        for name, host in wanted.hosts.items():
            told = {
                "containerd_config": rendering.render_containerd(),
                "files": dict(sorted(rendering.render_files(name, host, pool, shape))),
            }
            hosts[name] = {
                **rendering.render_expectations(shape),
                **rendering.render_reach(host),
                **told,
                "architecture": wanted.architecture,
                "fingerprint": hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest(),
                "node_address": _address_node(host),
                "pool": pool.name,
            }
    return {
        "cluster": {
            "api_server": cluster.api_server,
            "ca_pins": list(cluster.ca_pins),
            "version": f"1.{cluster.minor}",
        },
        "drain_timeout_seconds": target.drain_timeout,
        "hosts": hosts,
        "min_disk_mib": target.min_free_disk,
        "ready_timeout_seconds": target.ready_timeout,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rendering:
    """What all hosts of an installation have in common."""

    target: SelfHostedTarget
    installation: str
    cluster: ClusterFacts
    site: Site

    def render_containerd(self) -> dict[str, str]:
        image = self.target.sandbox_image
        return {
            schema: render_text(f"nodes/containerd-{schema}.toml", sandbox_image=image).rstrip("\n")
            for schema in ("v2", "v3")
        }

    def render_expectations(self, shape: NodeShape) -> dict[str, Any]:
        proxy = self.target.proxy
        by = {"proxy": {"exceptions": list_near(proxy, self.cluster), "url": proxy.https}} if proxy else {}
        return {
            **by,
            "allow_cgroup_v1": self.target.allow_cgroup_v1,
            "cpus": shape.machine.vcpu,
            "memory_ki": shape.capacity_memory_ki,
            "registries": list_registries(self.target),
            "sandbox_image": self.target.sandbox_image,
        }

    def render_reach(self, host: Host) -> dict[str, Any]:
        ssh, site = self.target.ssh, self.site
        reach: dict[str, Any] = {
            "address": host.address,
            "host_key": site.host_keys[host.address],
            "identity_file": site.identity_file,
            "port": host.port or ssh.port,
            "user": ssh.user,
        }
        if ssh.bastion is not None:
            reach["bastion"] = {
                "address": ssh.bastion.address,
                "host_key": site.host_keys[ssh.bastion.address],
                "identity_file": site.bastion_identity_file or site.identity_file,
                "port": ssh.bastion.port,
                "user": ssh.bastion.user or ssh.user,
            }
        return reach

    def render_files(
        self, name: str, host: Host, pool: PoolPlan, shape: NodeShape
    ) -> Iterator[tuple[str, dict[str, str]]]:
        join = self._render_join(name, host, pool)
        yield "/etc/kubernetes/kpo-provision/join.yaml", {"content": join, "mode": "0600"}
        yield "/etc/kubernetes/patches/kubeletconfiguration0+strategic.yaml", _file(self._render_kubelet(shape))
        yield "/etc/modules-load.d/kpo-provision.conf", _file(render_text("nodes/modules.conf"))
        yield "/etc/sysctl.d/90-kpo-provision.conf", _file(render_text("nodes/sysctl.conf"))
        if self.target.proxy is not None:
            text = self._render_proxy(self.target.proxy)
            yield "/etc/systemd/system/containerd.service.d/20-kpo-provision.conf", _file(text)
        for server, registry in self.target.registries.items():
            yield from self._render_registry(server, registry)

    def _render_join(self, name: str, host: Host, pool: PoolPlan) -> str:
        labels = {**pool.labels, INSTALLATION_KEY: self.installation}
        return render_text(
            "nodes/join.yaml",
            api_server=self.cluster.api_server,
            ca_pins=list(self.cluster.ca_pins),
            ignored_errors=self._list_ignored(),
            labels=",".join(f"{key}={value}" for key, value in sorted(labels.items())),
            minor=self.cluster.minor,
            node=name,
            node_address=_address_node(host),
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
        authority = self.site.authorities.get(server)
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


def _address_node(host: Host) -> str:
    return host.node_address or host.address


def _file(content: str) -> dict[str, str]:
    return {"content": content, "mode": "0644"}
