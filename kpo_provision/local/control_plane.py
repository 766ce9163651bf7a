"""The control plane's daemons: which programs, with which arguments, in which order.

Pure: it runs in the supervisor, from files that were written before.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass

from kpo_provision.local.daemons import Daemon
from kpo_provision.local.nodes import POD_RANGE, SYSTEM_NODE
from kpo_provision.local.options import API_SERVER, CONTROL_PLANE_ADDRESS, INSIDE, NETPOL_SOCKET, Layout
from kpo_provision.local.private_files import write_private

SERVICE_RANGE = "10.96.0.0/16"
REGISTRY_PORT = 5000
_API = "kube-apiserver"
_NETPOL = "kpo_provision.local.netpol"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a control plane runs: the files that it sees, and where its parts listen."""

    layout: Layout
    address: str
    """What the API server binds to."""
    api_server: str
    """Its URL to the other parts."""
    etcd: str
    """etcd's URL to its clients."""
    etcd_peer: str
    """The one that it would have to other members."""
    etcd_ready: str
    """How to see that it serves, as ``Daemon.ready`` says it."""


_INSIDE = Place(
    layout=INSIDE,
    address="0.0.0.0",  # noqa: S104  pods come from every side of the cluster's own network namespace
    api_server=API_SERVER,
    etcd="http://127.0.0.1:2379",
    etcd_peer="http://127.0.0.1:2380",
    etcd_ready="tcp:127.0.0.1:2379",
)


def write_proxy_configuration(layout: Layout) -> None:
    """Write kube-proxy's configuration."""
    configuration = {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "nftables",
        "bindAddress": CONTROL_PLANE_ADDRESS,
        "hostnameOverride": SYSTEM_NODE,
        "clusterCIDR": POD_RANGE,
        "clientConnection": {"kubeconfig": str(INSIDE.pki / "proxy.kubeconfig")},
        "healthzBindAddress": "127.0.0.1:10256",
        "metricsBindAddress": "127.0.0.1:10249",
        # These limits belong to the whole machine, and may only be set outside of the cluster's namespaces.
        "conntrack": {"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
    }
    write_private(layout.root / "kube-proxy.json", json.dumps(configuration, indent=2) + "\n")


def control_plane_daemons(programs: Mapping[str, str], gateway_sockets: tuple[int, ...]) -> tuple[Daemon, ...]:
    """List everything that runs beside the nodes."""
    return (
        Daemon(
            name="gateway",
            argv=(
                sys.executable,
                "-m",
                "kpo_provision.local.gateway",
                f"{CONTROL_PLANE_ADDRESS}:6443",
                f"{CONTROL_PLANE_ADDRESS}:{REGISTRY_PORT}",
            ),
            descriptors=gateway_sockets,
        ),
        *core_daemons(programs, _INSIDE),
        Daemon(
            name="kube-proxy",
            argv=(programs["kube-proxy"], f"--config={INSIDE.root / 'kube-proxy.json'}"),
            after=(_API,),
        ),
        Daemon(
            name="registry",
            argv=(programs["registry"], "serve", str(INSIDE.registry / "registry.json")),
            ready=f"tcp:{CONTROL_PLANE_ADDRESS}:{REGISTRY_PORT}",
        ),
        _network_policies(),
    )


def core_daemons(programs: Mapping[str, str], place: Place) -> tuple[Daemon, ...]:
    """List what makes an API server whose objects come to life."""
    return (
        _etcd(programs["etcd"], place),
        _api_server(programs["kube-apiserver"], place),
        _controller_manager(programs["kube-controller-manager"], place),
        _scheduler(programs["kube-scheduler"], place),
    )


def _etcd(program: str, place: Place) -> Daemon:
    return Daemon(
        name="etcd",
        argv=(
            program,
            "--name=kpo-local",
            f"--data-dir={place.layout.etcd}",
            f"--listen-client-urls={place.etcd}",
            f"--advertise-client-urls={place.etcd}",
            f"--listen-peer-urls={place.etcd_peer}",
            f"--initial-advertise-peer-urls={place.etcd_peer}",
            f"--initial-cluster=kpo-local={place.etcd_peer}",
            # What the machine loses in a power cut is a test cluster.
            "--unsafe-no-fsync",
            "--log-level=warn",
        ),
        ready=place.etcd_ready,
    )


def _api_server(program: str, place: Place) -> Daemon:
    pki = place.layout.pki
    port = place.api_server.rpartition(":")[2]
    return Daemon(
        name=_API,
        argv=(
            program,
            # Not 127.0.0.1, which Kubernetes refuses as the endpoint of a service.
            f"--advertise-address={CONTROL_PLANE_ADDRESS}",
            f"--bind-address={place.address}",
            f"--secure-port={port}",
            f"--etcd-servers={place.etcd}",
            f"--service-cluster-ip-range={SERVICE_RANGE}",
            "--authorization-mode=Node,RBAC",
            # With these and the controllers below, hosts can join with kubeadm.
            "--enable-bootstrap-token-auth",
            "--enable-admission-plugins=NodeRestriction",
            "--allow-privileged",
            f"--client-ca-file={pki / 'ca.crt'}",
            f"--tls-cert-file={pki / 'apiserver.crt'}",
            f"--tls-private-key-file={pki / 'apiserver.key'}",
            f"--kubelet-certificate-authority={pki / 'ca.crt'}",
            f"--kubelet-client-certificate={pki / 'apiserver-kubelet-client.crt'}",
            f"--kubelet-client-key={pki / 'apiserver-kubelet-client.key'}",
            # Nothing here resolves the names of nodes.
            "--kubelet-preferred-address-types=InternalIP",
            "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
            f"--service-account-key-file={pki / 'sa.pub'}",
            f"--service-account-signing-key-file={pki / 'sa.key'}",
            "--profiling=false",
        ),
        after=("etcd",),
        ready=f"{place.api_server}/readyz",
    )


def _controller_manager(program: str, place: Place) -> Daemon:
    pki = place.layout.pki
    return Daemon(
        name="kube-controller-manager",
        argv=(
            program,
            f"--kubeconfig={pki / 'controller-manager.kubeconfig'}",
            # It has nothing to say to anybody, and then needs no port.
            "--secure-port=0",
            "--leader-elect=false",
            "--controllers=*,bootstrap-signer-controller,token-cleaner-controller",
            "--allocate-node-cidrs=false",
            f"--root-ca-file={pki / 'ca.crt'}",
            f"--service-account-private-key-file={pki / 'sa.key'}",
            f"--cluster-signing-cert-file={pki / 'ca.crt'}",
            f"--cluster-signing-key-file={pki / 'ca.key'}",
            "--use-service-account-credentials",
            "--kube-api-qps=500",
            "--kube-api-burst=1000",
        ),
        after=(_API,),
    )


def _scheduler(program: str, place: Place) -> Daemon:
    return Daemon(
        name="kube-scheduler",
        argv=(
            program,
            f"--kubeconfig={place.layout.pki / 'scheduler.kubeconfig'}",
            "--secure-port=0",
            "--leader-elect=false",
            "--kube-api-qps=500",
            "--kube-api-burst=1000",
        ),
        after=(_API,),
    )


def _network_policies() -> Daemon:
    argv = (sys.executable, "-m", _NETPOL, "--kubeconfig", str(INSIDE.pki / "netpol.kubeconfig"))
    return Daemon(name="netpol", argv=argv, after=(_API,), ready=f"unix:{NETPOL_SOCKET}")
