"""What a spec may say: the one description of it, from which validation, the JSON Schema and docs/spec.md are made.

Everything here is frozen, strict (``true`` is no number, ``"3"`` is no integer) and refuses unknown keys; what is
about nodes is in ``nodes``. Rules that need more than one field live in ``rules`` and ``node_rules``, so that they can
name the lines they are about.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from kpo_provision.spec.fields import (
    AccountName,
    Cidr,
    DnsLabel,
    FilePath,
    HostPort,
    ImagePath,
    ImageRef,
    Username,
    VariableName,
)
from kpo_provision.spec.gke import GkeTarget
from kpo_provision.spec.kubeconfig import KubeconfigTarget
from kpo_provision.spec.nodes import NodePool, Sizing
from kpo_provision.spec.part import OneOf, SpecModel
from kpo_provision.spec.self_hosted import SelfHostedTarget

Capacity = Annotated[int, Field(ge=0, le=100_000)]
"""An amount in AU; the bound is far above what one namespace can run."""
Port = Annotated[int, Field(ge=1, le=65535)]


class Metadata(SpecModel):
    """Who this installation is."""

    name: DnsLabel
    """Name of the installation; one spec, one cluster."""


class LocalTarget(SpecModel):
    """The real Kubernetes that `kpo-provision local up` builds and runs on this machine."""


class Target(OneOf):
    """Where to install: exactly one of these."""

    local: LocalTarget | None = None
    """The embedded local cluster."""
    kubeconfig: KubeconfigTarget | None = None
    """A cluster that exists already."""
    gke: GkeTarget | None = None
    """A GKE cluster whose node pools Terraform makes."""
    self_hosted: SelfHostedTarget | None = None
    """A cluster that exists already, and hosts that join it over SSH."""


class SecretSource(OneOf):
    """Where a secret value is read when `apply` runs: exactly one of these. It never stands in the spec."""

    env: VariableName | None = None
    """Name of an environment variable."""
    file: FilePath | None = None
    """Path of a file; its last line break is dropped."""


class UsernamePassword(SpecModel):
    """A registry account."""

    username: Username
    """User name."""
    password_from: SecretSource
    """Where the password is read."""


class LocalClusterCredentials(SpecModel):
    """The account that `local up` made for the registry of the local cluster."""


class Credentials(OneOf):
    """How to log in to a registry: exactly one of these."""

    docker_config: FilePath | None = None
    """Path of a Docker `config.json` that holds a login for the server."""
    username_password: UsernamePassword | None = None
    """User name, and where the password is read."""
    local_cluster: LocalClusterCredentials | None = None
    """For the registry of the local cluster."""


class Registry(SpecModel):
    """A private image registry."""

    server: HostPort
    """Host, with a port where it is not 443, as it stands in image names."""
    credentials: Credentials
    """How to log in."""
    probe_image: ImagePath | None = None
    """Image in this registry with a POSIX shell, `repository:tag`; `verify` pulls it with the tenant's secret."""


class EgressRule(SpecModel):
    """One destination that KPO pods may reach."""

    cidr: Cidr
    """Address range, such as `10.20.0.0/16`."""
    ports: list[Port] = []
    """TCP ports; all ports and protocols when empty."""


class Network(SpecModel):
    """What a tenant's KPO pods may reach besides DNS. Nothing may reach them."""

    internet: bool = True
    """Whether public addresses may be reached. Private, shared and link-local ranges stay closed."""
    egress: list[EgressRule] = []
    """Further destinations, private ones included."""


class Tenant(SpecModel):
    """One Airflow deployment and its namespace `<namespacePrefix>-<release>`."""

    extra_capacity: Capacity
    """What its KPO pods may use, in AU (0.1 CPU + 384 MiB + 1 pod). 10 is a good start; 0 turns KPO off."""
    base_capacity: Capacity = 0
    """What the deployment's own Airflow needs where it lives in the same namespace, in AU; added to the quota, never
    to what KPO pods may use of the pool. The accounts of worker and triggerer are then left to Airflow's chart."""
    pool: DnsLabel | None = None
    """Node pool of its KPO pods; may be left out where there is only one."""
    registries: list[DnsLabel] = []
    """Private registries that its pods may pull from."""
    pod_security: Literal["baseline", "restricted"] = "baseline"
    """Pod Security Standard that is enforced. `restricted` refuses images that run as root."""
    network: Network = Network()
    """What its KPO pods may reach."""
    worker_service_account: AccountName | None = None
    """Service account of the Airflow workers; `<release>-worker-serviceaccount` when absent."""
    triggerer_service_account: AccountName | None = None
    """Service account of the Airflow triggerer; `<release>-triggerer-serviceaccount` when absent."""


class Probe(SpecModel):
    """The pod that `verify` launches."""

    image: ImageRef | None = None
    """Image with a POSIX shell for tenants whose registries name no probe image."""


class Admission(SpecModel):
    """How far the cluster-wide pool guard reaches."""

    exempt_namespaces: list[DnsLabel] = ["kube-system"]
    """Namespaces of cluster infrastructure, whose pods may tolerate every taint and so run on the pools."""


class Installation(SpecModel):
    """One spec, one cluster."""

    model_config = ConfigDict(defer_build=False)

    api_version: Literal["kpo-provision.io/v1"]
    """Version of this format."""
    kind: Literal["Installation"]
    """Always `Installation`."""
    metadata: Metadata
    """Who this installation is."""
    namespace_prefix: DnsLabel
    """Prefix of every tenant's namespace."""
    target: Target
    """Where to install."""
    registries: dict[DnsLabel, Registry] = {}
    """Private registries, by a name of your choice."""
    node_pools: dict[DnsLabel, NodePool] = {}
    """Node pools for KPO pods, by name."""
    sizing: Sizing = Sizing()
    """What `size` needs to know of the nodes."""
    tenants: dict[DnsLabel, Tenant]
    """Tenants, by Airflow release name."""
    probe: Probe = Probe()
    """The pod that `verify` launches."""
    admission: Admission = Admission()
    """How far the cluster-wide pool guard reaches."""
