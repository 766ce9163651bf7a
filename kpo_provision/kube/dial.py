"""Opens one HTTP connection to an API server, and says in plain words why that did not work."""

from __future__ import annotations

import http.client
import socket
import ssl
from base64 import b64encode
from urllib.parse import unquote, urlsplit

from kpo_provision import errors
from kpo_provision.kube.connection import Connection

CONNECT_TIMEOUT_S = 10.0
_HOSTNAME_MISMATCH = frozenset({62, 64})
_NOT_IN_FORCE = {9: "is not valid yet", 10: "has expired"}
"""OpenSSL's X509_V_ERR_* numbers, as ``ssl.SSLCertVerificationError.verify_code`` gives them."""


def dial(connection: Connection) -> http.client.HTTPConnection:
    """Connect, through the proxy if there is one.

    Raises:
        OSError: It did not work; ``unreachable`` puts it into words.
    """
    server = urlsplit(connection.server)
    host = server.hostname or ""
    port = server.port or (443 if server.scheme == "https" else 80)
    proxy = urlsplit(connection.proxy) if connection.proxy else None
    address = (proxy.hostname or "", proxy.port or 3128) if proxy else (host, port)
    opened = (
        http.client.HTTPSConnection(*address, timeout=CONNECT_TIMEOUT_S, context=connection.tls)
        if connection.tls
        else http.client.HTTPConnection(*address, timeout=CONNECT_TIMEOUT_S)
    )
    if proxy:
        opened.set_tunnel(host, port, headers=_proxy_login(proxy.username, proxy.password))
    try:
        # Not HTTPSConnection's own connect, which knows no other name for the certificate than the address.
        http.client.HTTPConnection.connect(opened)
        if connection.tls:
            opened.sock = connection.tls.wrap_socket(opened.sock, server_hostname=connection.tls_server_name or host)
    except BaseException:
        opened.close()
        raise
    return opened


def base_path(connection: Connection) -> str:
    """Return the path under which the server's API is found; not empty behind Rancher and other front doors."""
    return urlsplit(connection.server).path.rstrip("/")


def unreachable(connection: Connection, error: Exception) -> errors.ClusterError:
    """Say why a server could not be reached or trusted, and what to do."""
    place = f"the API server {connection.server} (context {connection.context})"
    if isinstance(error, ssl.SSLCertVerificationError):
        return _untrusted(place, error)
    if isinstance(error, socket.gaierror):
        host = urlsplit(connection.server).hostname
        return errors.ClusterError(
            f"{place} cannot be found: the name {host} does not resolve",
            hint="check the server in the kubeconfig, the VPN and DNS",
        )
    if isinstance(error, ConnectionRefusedError):
        return errors.ClusterError(
            f"{place} refuses connections", hint="is the cluster running, and is its address still this one?"
        )
    if isinstance(error, TimeoutError):
        return errors.ClusterError(
            f"{place} did not answer in time", hint="check VPN, firewall and authorized networks; is it overloaded?"
        )
    if isinstance(error, ssl.SSLError) and error.reason in {
        "WRONG_VERSION_NUMBER",
        "HTTP_REQUEST",
        "RECORD_LAYER_FAILURE",
    }:
        return errors.ClusterError(
            f"{place} does not speak TLS", hint="its URL in the kubeconfig should begin with http:, or has a wrong port"
        )
    problem = errors.clip(str(error) or type(error).__name__)
    return errors.ClusterError(
        f"{place} cannot be reached: {problem}", hint="check network, proxy and VPN, then try again"
    )


def _untrusted(place: str, error: ssl.SSLCertVerificationError) -> errors.ClusterError:
    problem = errors.clip(error.verify_message)
    if error.verify_code in _HOSTNAME_MISMATCH:
        return errors.ClusterError(
            f"the certificate of {place} is for another name: {problem}",
            hint="use an address that is in the certificate, or set tls-server-name of the cluster in the kubeconfig",
        )
    if error.verify_code in _NOT_IN_FORCE:
        return errors.ClusterError(
            f"the certificate of {place} {_NOT_IN_FORCE[error.verify_code]}",
            hint="check this machine's clock; else the cluster's certificates have to be renewed",
        )
    return errors.ClusterError(
        f"the certificate of {place} is not trusted: {problem}",
        hint="certificate-authority-data in the kubeconfig must be the cluster's own CA; "
        "was the cluster made anew, or is a proxy in between?",
    )


def _proxy_login(username: str | None, password: str | None) -> dict[str, str]:
    if username is None:
        return {}
    pair = f"{unquote(username)}:{unquote(password or '')}"
    return {"Proxy-Authorization": "Basic " + b64encode(pair.encode()).decode()}
