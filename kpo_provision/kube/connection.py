"""Which API server to talk to, whom it trusts and who is asking: decided once, from a kubeconfig.

Makes no request but the one for the server's version, and never shows a credential.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from kpo_provision import errors
from kpo_provision.kube import kubeconfig as kubeconfigs

_POD_MUTATION_SINCE = (1, 36)
"""MutatingAdmissionPolicy is GA from here on (KEP-3962); a plan for it cannot be applied to an older server."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """An API server and an identity. Its credentials are in no ``repr``."""

    server: str
    context: str
    tls: ssl.SSLContext | None = field(default=None, repr=False)
    """Trust and client certificate; None for plain HTTP."""
    tls_without_identity: ssl.SSLContext | None = field(default=None, repr=False)
    """The same trust without the client certificate."""
    tls_server_name: str | None = None
    proxy: str | None = field(default=None, repr=False)
    authorize: Callable[[], str | None] = field(default=lambda: None, repr=False)
    """Gives the Authorization header, refreshed when it has expired."""

    def as_bearer(self, token: str) -> Connection:
        """Return a connection to the same server, trusted alike, that has ``token`` and nothing else to show."""
        return replace(self, tls=self.tls_without_identity, authorize=lambda: f"Bearer {token}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerVersion:
    """The API server's version."""

    release: tuple[int, int]
    text: str


class TellsVersion(Protocol):
    """What ``require_version`` needs of ``api.Api``."""

    def server_version(self) -> ServerVersion:
        """Ask the server for its version."""
        ...


def connect(*, kubeconfig: Path | None, context: str | None) -> Connection:
    """Read a kubeconfig (by default $KUBECONFIG or ~/.kube/config) and say how its context's server is reached.

    Raises:
        errors.ClusterError: The file is missing or wrong, the context unknown, or its login gives no credentials.
    """
    return connect_as(kubeconfigs.load_login(kubeconfig, context))


def connect_as(login: kubeconfigs.Login) -> Connection:
    """Say how the server of a login is reached.

    Raises:
        errors.ClusterError: A certificate or key file cannot be used.
    """
    return Connection(
        server=login.server,
        context=login.context,
        tls=kubeconfigs.tls_context(login, with_identity=True),
        tls_without_identity=kubeconfigs.tls_context(login, with_identity=False),
        tls_server_name=login.tls_server_name,
        proxy=login.proxy,
        authorize=login.authorize,
    )


def require_version(
    api: TellsVersion, *, minimum: tuple[int, int] = (1, 30), declared: tuple[int, int] | None = None
) -> str:
    """Return the server's version, or refuse a server that lacks what the plan relies on.

    Raises:
        errors.ClusterError: It is older than ``minimum``, or than the ``declared`` version in a way that matters.
    """
    version = api.server_version()
    if version.release < minimum:
        raise errors.ClusterError(
            f"the cluster runs Kubernetes {version.text}; kpo-provision needs {_dotted(minimum)} or newer",
            hint="upgrade the cluster's control plane: ValidatingAdmissionPolicy, which guards the pools, "
            "is served from 1.30 on",
        )
    if declared is not None and declared >= _POD_MUTATION_SINCE > version.release:
        raise errors.ClusterError(
            f"the spec is for Kubernetes {_dotted(declared)}, and the cluster runs {version.text}",
            hint=f'set target.kubeconfig.version to "{_dotted(version.release)}": before '
            f"{_dotted(_POD_MUTATION_SINCE)} the API server cannot place KPO's pods by itself",
        )
    return version.text


def _dotted(release: tuple[int, int]) -> str:
    return f"{release[0]}.{release[1]}"
