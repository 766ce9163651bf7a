"""The kinds that are read or written, and where the API server serves them. No discovery: it costs requests.

Adding a kind is adding a line here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

Manifest = dict[str, Any]
"""A Kubernetes object as the API server's JSON has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One resource of the API."""

    name: str
    api_version: str
    plural: str
    namespaced: bool

    def path(self, namespace: str | None = None, name: str | None = None, *, subresource: str = "") -> str:
        """Return the path of a collection, of one object, or of an object's subresource."""
        root = "/api/" if "/" not in self.api_version else "/apis/"
        parts = [root + self.api_version]
        if self.namespaced and namespace:
            parts += ["namespaces", quote(namespace, safe="")]
        parts.append(self.plural)
        parts += [quote(part, safe="") for part in (name, subresource) if part]
        return "/".join(parts)


_CORE, _RBAC, _ADMISSION = "v1", "rbac.authorization.k8s.io/v1", "admissionregistration.k8s.io/v1"
_APPS, _AUTHN, _AUTHZ = "apps/v1", "authentication.k8s.io/v1", "authorization.k8s.io/v1"

_CLUSTER_WIDE = (
    ("Namespace", _CORE, "namespaces"),
    ("Node", _CORE, "nodes"),
    ("ClusterRole", _RBAC, "clusterroles"),
    ("ClusterRoleBinding", _RBAC, "clusterrolebindings"),
    ("ValidatingAdmissionPolicy", _ADMISSION, "validatingadmissionpolicies"),
    ("ValidatingAdmissionPolicyBinding", _ADMISSION, "validatingadmissionpolicybindings"),
    ("MutatingAdmissionPolicy", _ADMISSION, "mutatingadmissionpolicies"),
    ("MutatingAdmissionPolicyBinding", _ADMISSION, "mutatingadmissionpolicybindings"),
    ("PriorityClass", "scheduling.k8s.io/v1", "priorityclasses"),
    ("RuntimeClass", "node.k8s.io/v1", "runtimeclasses"),
    ("SelfSubjectReview", _AUTHN, "selfsubjectreviews"),
    ("SelfSubjectAccessReview", _AUTHZ, "selfsubjectaccessreviews"),
    ("SelfSubjectRulesReview", _AUTHZ, "selfsubjectrulesreviews"),
)
_NAMESPACED = (
    ("Pod", _CORE, "pods"),
    ("Event", _CORE, "events"),
    ("Secret", _CORE, "secrets"),
    ("ConfigMap", _CORE, "configmaps"),
    ("Service", _CORE, "services"),
    ("ServiceAccount", _CORE, "serviceaccounts"),
    ("ResourceQuota", _CORE, "resourcequotas"),
    ("LimitRange", _CORE, "limitranges"),
    ("PersistentVolumeClaim", _CORE, "persistentvolumeclaims"),
    ("NetworkPolicy", "networking.k8s.io/v1", "networkpolicies"),
    ("EndpointSlice", "discovery.k8s.io/v1", "endpointslices"),
    ("Role", _RBAC, "roles"),
    ("RoleBinding", _RBAC, "rolebindings"),
    ("Deployment", _APPS, "deployments"),
    ("DaemonSet", _APPS, "daemonsets"),
    ("StatefulSet", _APPS, "statefulsets"),
    ("Lease", "coordination.k8s.io/v1", "leases"),
)

KINDS: Mapping[str, Kind] = {
    name: Kind(name=name, api_version=api_version, plural=plural, namespaced=namespaced)
    for namespaced, table in ((False, _CLUSTER_WIDE), (True, _NAMESPACED))
    for name, api_version, plural in table
}
