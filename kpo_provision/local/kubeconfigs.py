"""The kubeconfigs of the cluster's own parts, and the one for its administrator outside."""

from __future__ import annotations

import base64
import json
from pathlib import Path

from kpo_provision.local.options import API_SERVER, INSIDE, Layout
from kpo_provision.local.private_files import write_private

CONTEXT = "kpo-local"


def write_component_kubeconfig(
    user: str, *, target: Path, certificate: Path, server: str = API_SERVER, authority: Path = INSIDE.pki / "ca.crt"
) -> None:
    """Write the kubeconfig of one of the cluster's own parts.

    ``certificate`` and ``authority`` are paths as that part sees them; the certificate's key lies beside it.
    """
    content = _render(
        server=server,
        authority={"certificate-authority": str(authority)},
        user=user,
        credentials={
            "client-certificate": str(certificate),
            "client-key": str(certificate.with_suffix(".key")),
        },
    )
    write_private(target, content)


def write_admin_kubeconfig(layout: Layout, *, api_port: int) -> None:
    """Write the kubeconfig that users, kubectl and our own commands take: complete in itself, for 127.0.0.1."""
    content = _render(
        server=f"https://127.0.0.1:{api_port}",
        authority={"certificate-authority-data": _encode(layout.pki / "ca.crt")},
        user="kpo-local-admin",
        credentials={
            "client-certificate-data": _encode(layout.pki / "admin.crt"),
            "client-key-data": _encode(layout.pki / "admin.key"),
        },
    )
    write_private(layout.kubeconfig, content)


def _render(*, server: str, authority: dict[str, str], user: str, credentials: dict[str, str]) -> str:
    # JSON is YAML, and needs no library to be written correctly.
    return (
        json.dumps(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "current-context": CONTEXT,
                "clusters": [{"name": CONTEXT, "cluster": {"server": server, **authority}}],
                "users": [{"name": user, "user": credentials}],
                "contexts": [{"name": CONTEXT, "context": {"cluster": CONTEXT, "user": user}}],
            },
            indent=2,
        )
        + "\n"
    )


def _encode(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode("ascii")
