"""From a spec and its sized pools to the values of the module for hosts: what each is given, and how it is reached.

Nothing in it is secret: a token is made when hosts join, and reaches them past Terraform's state.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kpo_provision.plan import Plan
from kpo_provision.render.node_files import BundleFacts, ClusterFacts, Identity, NodeFiles, list_near, list_registries
from kpo_provision.sizing.node import NodeShape
from kpo_provision.sizing.pools import InstallationSize
from kpo_provision.spec import model
from kpo_provision.spec.hosts import Host
from kpo_provision.spec.self_hosted import SelfHostedTarget


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """What is read from files beside the spec: the public keys of hosts by address, the CAs of registries by server."""

    host_keys: Mapping[str, str]
    authorities: Mapping[str, str]
    identity_file: str | None = None
    bastion_identity_file: str | None = None
    bundle: BundleFacts | None = None


def render_hosts_tfvars(
    spec: model.Installation, plan: Plan, size: InstallationSize, *, cluster: ClusterFacts, site: Site
) -> dict[str, Any]:
    """Render the variables of ``modules/self-hosted-node-pool`` for a spec whose target is selfHosted."""
    target = spec.target.self_hosted
    assert target is not None  # noqa: S101  the caller's own target
    rendering = _Rendering(target=target, cluster=cluster, site=site)
    files = NodeFiles(target=target, installation=plan.installation, cluster=cluster, authorities=site.authorities)
    shapes = {pool.demand.name: pool.shape for pool in size.pools}
    logins = {"has_logins": True} if target.node_registries else {}
    hosts: dict[str, Any] = {}
    for pool in plan.pools:
        wanted, shape = spec.node_pools[pool.name], shapes[pool.name]
        for name, host in wanted.hosts.items():
            told = {
                "containerd_config": files.render_containerd(),
                "files": files.render_files(Identity(node=name, address=_address_node(host)), pool, shape),
                **logins,
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
        "bundle": _describe_bundle(site.bundle) if site.bundle else None,
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
    cluster: ClusterFacts
    site: Site

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


def _describe_bundle(bundle: BundleFacts) -> dict[str, Any]:
    """What the module knows of it: it has been sent by then."""
    return {
        "containerd": bundle.containerd,
        "kubernetes": bundle.kubernetes,
        "programs": list(bundle.programs),
        "sha256": bundle.sha256,
    }


def _address_node(host: Host) -> str:
    return host.node_address or host.address
