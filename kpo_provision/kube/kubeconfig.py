"""Reads a kubeconfig through the official client, which knows exec plugins, token files and embedded certificates.

The client is imported when it is needed: that takes a third of a second, which ``--help`` need not pay.
"""

from __future__ import annotations

import difflib
import logging.handlers
import os
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit
from urllib.request import proxy_bypass

from kpo_provision import errors

DEFAULT_PATH = "~/.kube/config"
_LOADING = threading.Lock()
"""The client hands a thread a certificate's file that another has yet to fill, and logs to the root logger."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """What one context of a kubeconfig comes to."""

    server: str
    context: str
    ca_file: str | None
    cert_file: str | None
    key_file: str | None
    ca_data: str | None = field(default=None, repr=False)
    """The authority itself as PEM, where it is in no file."""
    verifies_server: bool = True
    tls_server_name: str | None = None
    proxy: str | None = field(default=None, repr=False)
    authorize: Callable[[], str | None] = field(default=lambda: None, repr=False)


class _Configuration(Protocol):
    """What is read of the official client's ``Configuration``."""

    host: str
    ssl_ca_cert: str | None
    cert_file: str | None
    key_file: str | None
    verify_ssl: bool
    tls_server_name: str | None
    proxy: str | None
    no_proxy: str | None

    def auth_settings(self) -> dict[str, dict[str, str]]: ...


def load_login(path: Path | None, context: str | None) -> Login:
    """Read ``path`` (by default $KUBECONFIG or ~/.kube/config) and log in with ``context`` or the current one.

    Raises:
        errors.ClusterError: The file is missing or wrong, the context unknown, or its login gives no credentials.
    """
    place = str(path) if path else os.environ.get("KUBECONFIG") or DEFAULT_PATH
    _require_file(place)
    chosen = _choose_context(place, context)
    configuration, complaints = _load_configuration(place, chosen["name"])
    if chosen["context"].get("user") and not (configuration.cert_file or configuration.auth_settings()):
        raise errors.ClusterError(
            f"context {chosen['name']} of {place} has no usable credentials: "
            + errors.clip("; ".join(complaints) or "its user has neither token, certificate nor password"),
            hint=f"log in again, then try `kubectl --context {chosen['name']} version`",
        )
    return Login(
        server=configuration.host.rstrip("/"),
        context=chosen["name"],
        ca_file=configuration.ssl_ca_cert,
        cert_file=configuration.cert_file,
        key_file=configuration.key_file,
        verifies_server=configuration.verify_ssl,
        tls_server_name=configuration.tls_server_name,
        proxy=_proxy_for(configuration),
        authorize=_authorization(configuration),
    )


def tls_context(login: Login, *, with_identity: bool) -> ssl.SSLContext | None:
    """Return how TLS to the server is done, or None for plain HTTP.

    Raises:
        errors.ClusterError: A certificate or key file cannot be used.
    """
    if not login.server.startswith("https:"):
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if not login.verifies_server:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    try:
        if login.ca_file or login.ca_data:
            context.load_verify_locations(cafile=login.ca_file, cadata=login.ca_data)
        else:
            context.load_default_certs()
        if with_identity and login.cert_file:
            context.load_cert_chain(login.cert_file, login.key_file)
    except OSError as error:
        raise errors.ClusterError(
            f"the certificates of context {login.context} cannot be used: {error}",
            hint="log in again, or have the kubeconfig issued anew",
        ) from error
    return context


def _require_file(place: str) -> None:
    paths = [Path(part).expanduser() for part in place.split(os.pathsep) if part]
    if not any(path.is_file() for path in paths):
        raise errors.ClusterError(
            f"there is no kubeconfig at {place}",
            hint="set target.kubeconfig.path in the spec, or KUBECONFIG; "
            "without a cluster of your own use `target: {local: {}}`",
        )


def _choose_context(place: str, wanted: str | None) -> dict[str, Any]:
    from kubernetes import config

    with _translated(place):
        if wanted is None:
            current: dict[str, Any] = config.list_kube_config_contexts(place)[1]
            return current
        merged = config.kube_config.KubeConfigMerger(place).config
        contexts: list[dict[str, Any]] = [entry.value for entry in merged["contexts"]]
    by_name = {entry["name"]: entry for entry in contexts}
    if wanted not in by_name:
        near = difflib.get_close_matches(wanted, by_name, n=1)
        known = ", ".join(sorted(by_name)) or "none"
        raise errors.ClusterError(
            f"the kubeconfig {place} has no context {wanted}",
            hint=f"did you mean {near[0]}?" if near else f"its contexts are: {errors.clip(known)}",
        )
    return by_name[wanted]


def _load_configuration(place: str, context: str) -> tuple[_Configuration, list[str]]:
    from kubernetes import client, config

    configuration: _Configuration = client.Configuration()
    with _LOADING, _translated(place), _logged_complaints() as complaints:
        config.load_kube_config(place, context, client_configuration=configuration, persist_config=False)
    return configuration, complaints


@contextmanager
def _translated(place: str) -> Iterator[None]:
    import yaml
    from kubernetes.config import ConfigException

    try:
        yield
    except (ConfigException, yaml.YAMLError, OSError, ValueError, TypeError, KeyError) as error:
        raise errors.ClusterError(
            f"the kubeconfig {place} cannot be used: {errors.clip(str(error))}",
            hint="`kubectl config view` shows what is in it; have it issued anew if it is broken",
        ) from error


@contextmanager
def _logged_complaints() -> Iterator[list[str]]:
    """Catch why a login program failed: the client logs that to the root logger and goes on without credentials."""
    collector = logging.handlers.BufferingHandler(capacity=100)
    collector.setLevel(logging.ERROR)
    complaints: list[str] = []
    root = logging.getLogger()
    root.addHandler(collector)
    try:
        yield complaints
    finally:
        root.removeHandler(collector)
        complaints += [record.getMessage() for record in collector.buffer]


def _authorization(configuration: _Configuration) -> Callable[[], str | None]:
    lock = threading.Lock()

    def authorize() -> str | None:
        with lock:  # an expired login runs its program once, not once a thread
            settings = configuration.auth_settings()
        return settings["BearerToken"]["value"] if settings else None

    return authorize


def _proxy_for(configuration: _Configuration) -> str | None:
    host = urlsplit(configuration.host).hostname or ""
    if configuration.proxy and not proxy_bypass(host, {"no": configuration.no_proxy or ""}):
        return configuration.proxy
    return None
