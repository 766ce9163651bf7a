"""Which connections have to be open: who connects to whom, on which port, and why. One row a connection."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from kpo_provision.enumeration import name_few
from kpo_provision.plan import EgressPlan
from kpo_provision.runbook.subject import Subject

_WORKSTATION = "the machine that installs"
_NODES = "nodes of the pools"
_GOOGLE = (
    ("container.googleapis.com", "makes and reads node pools"),
    ("compute.googleapis.com", "reads the cluster's zones and groups of machines"),
    ("iam.googleapis.com", "reads or makes the nodes' service account"),
    ("cloudresourcemanager.googleapis.com", "grants that account its roles, where it is made"),
    ("oauth2.googleapis.com", "logs in"),
)
_AWS = (
    ("autoscaling", "makes and reads groups of instances"),
    ("ec2", "finds images, makes launch templates"),
    ("iam", "makes the instances' role"),
    ("ssm", "puts the join token where instances read it"),
    ("sts", "says which account it is"),
)
_AWS_OF_INSTANCES = (
    ("ssm", "they read the join token"),
    ("autoscaling", "they say whether they have joined"),
)
_PROVIDERS = (
    (
        "registry.terraform.io",
        "names Terraform's provider for the cloud; a mirror in Terraform's own configuration takes its place",
    ),
    ("releases.hashicorp.com", "holds that provider"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """One connection that has to be open."""

    source: str
    destination: str
    port: str
    why: str


def list_connections(subject: Subject) -> tuple[Connection, ...]:
    """List every connection that this installation needs beside those that the cluster has anyway."""
    return (
        *_connect_workstation(subject),
        *_connect_hosts(subject),
        Connection(
            source="API server",
            destination=_NODES,
            port="10250/TCP",
            why="logs and exec, by which Airflow reads tasks and XCom",
        ),
        Connection(source=_NODES, destination="cluster DNS", port="53/TCP, 53/UDP", why="names, for every KPO pod"),
        *(
            Connection(
                source=_NODES,
                destination=registry.server.partition(":")[0],
                port=f"{registry.server.partition(':')[2] or '443'}/TCP",
                why=f"images of registry {name}",
            )
            for name, registry in sorted(subject.spec.registries.items())
        ),
        *_connect_pods(subject),
    )


def _connect_workstation(subject: Subject) -> Iterator[Connection]:
    if subject.kind == "local":
        return
    where = "API server of the cluster" if subject.kind == "gke" else f"API server of {subject.cluster}"
    port = "443/TCP" if subject.kind == "gke" else "the kubeconfig's port, mostly 6443/TCP"
    yield Connection(source=_WORKSTATION, destination=where, port=port, why="applies and proves tenants")
    if subject.kind == "gke":
        for host, why in (*_GOOGLE, *_PROVIDERS):
            yield Connection(source=_WORKSTATION, destination=host, port="443/TCP", why=why)
    yield from _connect_backend(subject)


def _connect_backend(subject: Subject) -> Iterator[Connection]:
    target = subject.spec.target.gke or subject.spec.target.self_hosted
    if target is None:
        return
    backend = target.backend
    host = ""
    if backend.gcs is not None:
        host = "storage.googleapis.com"
    elif backend.s3 is not None:
        host = f"s3.{backend.s3.region}.amazonaws.com"
    elif backend.remote is not None:
        host = backend.remote.hostname
    if host:
        yield Connection(source=_WORKSTATION, destination=host, port="443/TCP", why="Terraform's state")


def _connect_hosts(subject: Subject) -> Iterator[Connection]:
    target = subject.spec.target.self_hosted
    if target is None:
        return
    through = target.ssh.bastion if subject.has_hosts else None
    for name, pool in sorted(subject.spec.node_pools.items()):
        if not pool.hosts:
            continue
        addresses = [f"{host.address}:{host.port or target.ssh.port}" for _, host in sorted(pool.hosts.items())]
        yield Connection(
            source=through.address if through else _WORKSTATION,
            destination=f"hosts of pool {name}: {name_few(addresses, few=20)}",
            port="SSH",
            why="looks at hosts, and has them join",
        )
    if through is not None:
        yield Connection(
            source=_WORKSTATION, destination=through.address, port=f"{through.port}/TCP", why="the way to the hosts"
        )
    if target.ec2 is not None:
        yield from _connect_aws(target.ec2.region)
    sources = [
        name for name, is_there in (("hosts", subject.has_hosts), ("instances", subject.has_instances)) if is_there
    ]
    yield Connection(
        source=" and ".join(sources),
        destination=f"API server {target.api_server}"
        if target.api_server
        else "API server, as the kubeconfig names it",
        port=f"{target.api_server.rpartition(':')[2]}/TCP" if target.api_server else "mostly 6443/TCP",
        why="kubelets join and report",
    )


def _connect_aws(region: str) -> Iterator[Connection]:
    for service, why in _AWS:
        host = f"{service}.amazonaws.com" if service == "iam" else f"{service}.{region}.amazonaws.com"
        yield Connection(source=_WORKSTATION, destination=host, port="443/TCP", why=why)
    for host, why in _PROVIDERS:
        yield Connection(source=_WORKSTATION, destination=host, port="443/TCP", why=why)
    for service, why in _AWS_OF_INSTANCES:
        destination = f"{service}.{region}.amazonaws.com, or its VPC endpoint"
        yield Connection(source="instances", destination=destination, port="443/TCP", why=why)


def _connect_pods(subject: Subject) -> Iterator[Connection]:
    by_rule: dict[EgressPlan, list[str]] = {}
    for tenant in subject.launching:
        for rule in tenant.egress:
            by_rule.setdefault(rule, []).append(tenant.release)
    for rule, tenants in by_rule.items():
        if rule.except_cidrs:
            destination, why = f"public addresses ({rule.cidr})", "the tenants' network policy allows the Internet"
        else:
            destination, why = rule.cidr, "network.egress of the spec"
        yield Connection(
            source=f"KPO pods of {_count_of(tenants, len(subject.launching))}",
            destination=destination,
            port=", ".join(f"{port}/TCP" for port in rule.ports) or "all",
            why=why,
        )


def _count_of(tenants: list[str], all_launching: int) -> str:
    return "every tenant" if len(tenants) == all_launching and all_launching > 1 else name_few(tenants)
