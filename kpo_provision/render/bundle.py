"""What a plan is rendered to: parsed manifests in the order in which they are applied, and the secrets left open.

A bundle never holds a secret. Where one belongs there is a ``SecretGap``, which ``apply`` fills on the cluster.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from kpo_provision import plan

Manifest = dict[str, Any]
"""One Kubernetes object, as its YAML reads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretGap:
    """A registry secret that must exist under this name and is not rendered."""

    namespace: str
    name: str
    registry: str
    server: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantBundle:
    """Everything in one tenant's namespace, the namespace first and the role bindings last."""

    plan: plan.TenantPlan
    manifests: tuple[Manifest, ...]
    secrets: tuple[SecretGap, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """Everything that one installation puts on a cluster."""

    shared: tuple[Manifest, ...]
    tenants: tuple[TenantBundle, ...]

    @property
    def secrets(self) -> Iterator[SecretGap]:
        """The gaps of all tenants."""
        return (gap for tenant in self.tenants for gap in tenant.secrets)
