"""How an object is told from others, whose it is, and which kinds a tenant is made of."""

from __future__ import annotations

from dataclasses import dataclass

from kpo_provision import plan
from kpo_provision.kube.kinds import Manifest
from kpo_provision.results import Action, Change

SHARED_KINDS = (
    "ClusterRole",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
    "MutatingAdmissionPolicy",
    "MutatingAdmissionPolicyBinding",
)
TENANT_KINDS = (
    "Namespace",
    "ResourceQuota",
    "LimitRange",
    "NetworkPolicy",
    "ServiceAccount",
    "Secret",
    "ConfigMap",
    "Role",
    "RoleBinding",
)
"""Every kind that is looked for by label, so that what a spec no longer asks for is found."""
BINDING_KINDS = frozenset({"RoleBinding"})
"""What lets somebody in: made last, removed first."""

ADOPTED_KEY = "kpo-provision.io/adopted"
"""Annotation on a namespace that others had made: it is never deleted, only what is ours in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectKey:
    """One object's place in a cluster."""

    kind: str
    namespace: str
    name: str

    @property
    def text(self) -> str:
        """Kind and place, for people."""
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"


def key_of(manifest: Manifest) -> ObjectKey:
    """Return an object's place."""
    metadata = manifest["metadata"]
    return ObjectKey(kind=manifest["kind"], namespace=metadata.get("namespace", ""), name=metadata["name"])


def selector(installation: str) -> str:
    """Return the label selector that finds everything of an installation."""
    return f"{plan.MANAGED_BY_KEY}={plan.FIELD_MANAGER},{plan.INSTALLATION_KEY}={installation}"


def labels_of(manifest: Manifest) -> dict[str, str]:
    """Return an object's labels, which a server leaves out when there are none."""
    return manifest["metadata"].get("labels") or {}


def is_ours(manifest: Manifest, installation: str) -> bool:
    """Tell whether an object carries the installation's labels."""
    labels = labels_of(manifest)
    return labels.get(plan.MANAGED_BY_KEY) == plan.FIELD_MANAGER and labels.get(plan.INSTALLATION_KEY) == installation


def is_adopted(namespace: Manifest) -> bool:
    """Tell whether a namespace had been made by others before it became a tenant's."""
    return ADOPTED_KEY in (namespace["metadata"].get("annotations") or {})


def owner_of(manifest: Manifest) -> str:
    """Say whose an object is that is not ours."""
    labels = labels_of(manifest)
    installation = labels.get(plan.INSTALLATION_KEY)
    manager = labels.get(plan.MANAGED_BY_KEY)
    if installation:
        return f"belongs to installation {installation}"
    return f"is managed by {manager}" if manager else "exists and was not made by kpo-provision"


def change(action: Action, key: ObjectKey, *, tenant: str = "", detail: str = "") -> Change:
    """Say what became of an object."""
    return Change(action=action, kind=key.kind, namespace=key.namespace, name=key.name, tenant=tenant, detail=detail)
