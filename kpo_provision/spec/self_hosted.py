"""What a spec may say about a cluster of one's own, whose node pools are hosts that join it, or EC2 instances."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from kpo_provision.spec.backend import Backend, LocalBackend
from kpo_provision.spec.ec2 import Ec2Site
from kpo_provision.spec.fields import (
    DnsLabel,
    FilePath,
    HostPort,
    HttpUrl,
    ImageRef,
    MinorVersion,
    ProgramName,
    Text,
)
from kpo_provision.spec.hosts import Ssh
from kpo_provision.spec.kubeconfig import KubeconfigTarget
from kpo_provision.spec.part import SpecModel

Seconds = Annotated[int, Field(ge=1, le=7 * 24 * 3600)]
Mebibytes = Annotated[int, Field(ge=0, le=100_000_000)]


ProxyException = Annotated[
    str,
    Text(
        pattern=r"[A-Za-z0-9.*:/_-]+",
        problem="must be a host, a domain or an address range",
        max_length=253,
        examples=(".acme.io", "10.0.0.0/8"),
    ),
]
Endpoint = Annotated[
    str,
    Text(
        pattern=r"([a-z0-9]([a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:]+\]):[0-9]{1,5}",
        problem="must be host:port",
        max_length=253,
        examples=("api.acme.io:6443",),
    ),
]


class HostRegistry(SpecModel):
    """How the hosts reach one registry."""

    ca: FilePath | None = None
    """Path of the CA that its certificate is signed by; that of the hosts' own store when absent."""
    mirror: HttpUrl | None = None
    """Where its images are pulled from instead; it is never asked itself then."""
    mirror_has_path: bool = False
    """Whether the mirror's URL is whole, `/v2/` and a path behind it included, as Artifactory and Nexus have them."""


class Proxy(SpecModel):
    """The HTTP proxy by which containerd pulls images. Nothing else goes through it."""

    https: HttpUrl
    """URL of the proxy; a password in it is refused, for it would be in Terraform's state."""
    no_proxy: list[ProxyException] = []
    """Hosts, domains and address ranges that are reached without it, beside the cluster's own."""


class SelfHostedTarget(KubeconfigTarget):
    """A cluster that exists already, made with kubeadm, and hosts that join it over SSH."""

    version: MinorVersion
    """Kubernetes minor version of the cluster, quoted. From 1.36 on the API server places KPO pods."""
    api_server: Endpoint | None = None
    """Host and port of the API server as the hosts reach it; those of the kubeconfig when absent."""
    ssh: Ssh = Ssh()
    """How hosts are reached."""
    sandbox_image: ImageRef | None = None
    """Image of every pod's sandbox (pause), in a registry that asks for no login; containerd's own when absent."""
    registries: dict[HostPort, HostRegistry] = {}
    """How the hosts reach registries, by their servers."""
    bundle: FilePath | None = None
    """Path of a bundle from which hosts that join get the programs, units and images that they lack; `kpo-provision
    bundle create` writes one."""
    node_registries: list[DnsLabel] = []
    """Registries whose logins the kubelets have, for pods that bring none, such as a network plugin's. Whatever runs on
    these hosts may pull with them."""
    proxy: Proxy | None = None
    """The HTTP proxy by which images are pulled."""
    ec2: Ec2Site | None = None
    """Where pools of EC2 instances are, for pools with `ec2`."""
    allow_cgroup_v1: bool = False
    """Whether hosts with version 1 of control groups are taken, which Kubernetes gives up."""
    serving_certificates: Literal["selfSigned", "cluster"] = "selfSigned"
    """Who signs the certificates that kubelets serve with; `cluster` needs somebody there who approves the requests."""
    ignored_preflight_errors: list[Annotated[str, Field(pattern=r"^[A-Za-z0-9-]+$", max_length=100)]] = []
    """Errors of kubeadm's own that do not matter here, by its names for them."""
    min_free_disk: Mebibytes = 20_480
    """MiB that have to be free below /var/lib."""
    ready_timeout: Seconds = 300
    """Seconds that a node may take to become ready."""
    drain_timeout: Seconds = 3600
    """Seconds that a host which leaves waits for the KPO pods on it."""
    backend: Backend = Backend(local=LocalBackend())
    """Where Terraform keeps its state."""
    terraform_bin: ProgramName = "terraform"
    """Program to run; `tofu` for OpenTofu."""
