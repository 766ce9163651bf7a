"""What hosts have to know of the cluster that they join, asked of itself over a connection that is trusted."""

from __future__ import annotations

import hashlib
import urllib.parse
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import yaml

from kpo_provision import errors
from kpo_provision.render.node_files import ClusterFacts
from kpo_provision.spec.self_hosted import SelfHostedTarget

if TYPE_CHECKING:
    from kpo_provision.kube.api import Api

_LOOPBACK = ("127.0.0.1", "localhost", "[::1]", "0.0.0.0")  # noqa: S104


def read_cluster(api: Api, wanted: SelfHostedTarget, *, version: str) -> ClusterFacts:
    """Read address, CA pins and address ranges.

    Raises:
        errors.ClusterError: It was not made with kubeadm, or its API server is not one that hosts can reach.
    """
    try:
        api.read("ConfigMap", "cluster-info", "kube-public")
        authority = api.read("ConfigMap", "kube-root-ca.crt", "kube-system")["data"]["ca.crt"]
        kubeadm = api.read("ConfigMap", "kubeadm-config", "kube-system")["data"]["ClusterConfiguration"]
    except errors.ApiError as error:
        if not error.is_not_found:
            raise
        raise errors.ClusterError(
            f"the cluster was not made with kubeadm: {error.target} is not there, which hosts join by",
            hint="on a control plane: kubeadm init phase upload-config all; kubeadm init phase bootstrap-token",
        ) from error
    return ClusterFacts(
        api_server=wanted.api_server or _find_address(api),
        ca_pins=tuple(pin_authorities(authority)),
        version=version,
        ranges=tuple(_list_ranges(kubeadm)),
    )


def pin_authorities(bundle: str) -> Iterator[str]:
    """Give the pin of each certificate in a PEM bundle: SHA-256 of its DER SubjectPublicKeyInfo, as kubeadm has it."""
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    for certificate in x509.load_pem_x509_certificates(bundle.encode()):
        key = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        yield f"sha256:{hashlib.sha256(key).hexdigest()}"


def _find_address(api: Api) -> str:
    parts = urllib.parse.urlsplit(api.connection.server)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
    if host in _LOOPBACK:
        raise errors.UsageError(
            f"the kubeconfig reaches the API server at {api.connection.server}, where no host can",
            hint="set target.selfHosted.apiServer to host:port as the hosts reach it",
        )
    return f"{host}:{parts.port or 443}"


def _list_ranges(text: str) -> Iterator[str]:
    configuration: dict[str, Any] = yaml.safe_load(text) or {}
    networking = configuration.get("networking") or {}
    for key in ("podSubnet", "serviceSubnet"):
        yield from (part.strip() for part in str(networking.get(key) or "").split(",") if part.strip())
