"""The objects that a cluster needs before anyone can work with it: cluster DNS, and the policy enforcer's rights."""

from __future__ import annotations

import hashlib
from typing import Any

from kpo_provision.local.api_client import ApiClient
from kpo_provision.local.images import DNS_IMAGE
from kpo_provision.local.nodes import CLUSTER_DNS, SYSTEM_NODE

DNS_READY_PATH = "/api/v1/namespaces/kube-system/services/http:kube-dns:ready/proxy/ready"
"""Answers 200 once a CoreDNS that serves stands behind the service; asked through the API server."""

_RBAC = "/apis/rbac.authorization.k8s.io/v1"
_DNS_LABELS = {"k8s-app": "kube-dns"}

# There is no world outside to ask: whatever is not the cluster's does not exist, which is said at once. In a block of
# its own, because CoreDNS asks the template plugin before the kubernetes plugin.
_COREFILE = """\
cluster.local:53 in-addr.arpa:53 ip6.arpa:53 {
    errors
    health :8080
    ready :8181
    kubernetes cluster.local in-addr.arpa ip6.arpa {
        pods insecure
        ttl 10
    }
    cache 10
}
.:53 {
    errors
    template ANY ANY {
        rcode NXDOMAIN
    }
}
"""


def apply_bootstrap(api: ApiClient) -> None:
    """Apply all of them; a second time changes nothing."""
    for path, manifest in _list_objects():
        api.apply(f"{path}/{manifest['metadata']['name']}", manifest)


def _list_objects() -> tuple[tuple[str, dict[str, Any]], ...]:
    system = "namespaces/kube-system"
    return (
        (f"{_RBAC}/clusterroles", _cluster_role("kpo-netpol", _NETPOL_RULES)),
        (f"{_RBAC}/clusterrolebindings", _binding("kpo-netpol", {"kind": "User", "name": "kpo-netpol", **_GROUP})),
        (f"{_RBAC}/clusterroles", _cluster_role("system:coredns", _DNS_RULES)),
        (f"{_RBAC}/clusterrolebindings", _binding("system:coredns", _DNS_ACCOUNT)),
        (f"/api/v1/{system}/serviceaccounts", _object("v1", "ServiceAccount", "coredns")),
        (
            f"/api/v1/{system}/configmaps",
            {**_object("v1", "ConfigMap", "coredns"), "data": {"Corefile": _COREFILE}},
        ),
        (f"/api/v1/{system}/services", {**_object("v1", "Service", "kube-dns"), "spec": _service_spec()}),
        (f"/apis/apps/v1/{system}/deployments", {**_object("apps/v1", "Deployment", "coredns"), "spec": _dns_spec()}),
    )


_GROUP = {"apiGroup": "rbac.authorization.k8s.io"}
_DNS_ACCOUNT = {"kind": "ServiceAccount", "name": "coredns", "namespace": "kube-system"}
_WATCH = ["get", "list", "watch"]
_NETPOL_RULES = [
    {"apiGroups": [""], "resources": ["pods", "namespaces"], "verbs": _WATCH},
    {"apiGroups": ["networking.k8s.io"], "resources": ["networkpolicies"], "verbs": _WATCH},
]
_DNS_RULES = [
    {"apiGroups": [""], "resources": ["services", "pods", "namespaces"], "verbs": ["list", "watch"]},
    {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": ["list", "watch"]},
]


def _object(version: str, kind: str, name: str) -> dict[str, Any]:
    return {
        "apiVersion": version,
        "kind": kind,
        "metadata": {"name": name, "namespace": "kube-system", "labels": _DNS_LABELS},
    }


def _cluster_role(name: str, rules: list[dict[str, list[str]]]) -> dict[str, Any]:
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": name},
        "rules": rules,
    }


def _binding(name: str, subject: dict[str, str]) -> dict[str, Any]:
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": name},
        "roleRef": {"kind": "ClusterRole", "name": name, **_GROUP},
        "subjects": [subject],
    }


def _service_spec() -> dict[str, Any]:
    return {
        "clusterIP": CLUSTER_DNS,
        "selector": _DNS_LABELS,
        "ports": [
            {"name": "dns", "port": 53, "protocol": "UDP"},
            {"name": "dns-tcp", "port": 53, "protocol": "TCP"},
            {"name": "ready", "port": 8181, "protocol": "TCP"},
        ],
    }


def _dns_spec() -> dict[str, Any]:
    container = {
        "name": "coredns",
        "image": DNS_IMAGE,
        "imagePullPolicy": "Never",
        "args": ["/bin/coredns", "-conf", "/etc/coredns/Corefile"],
        "ports": [
            {"name": "dns", "containerPort": 53, "protocol": "UDP"},
            {"name": "dns-tcp", "containerPort": 53, "protocol": "TCP"},
        ],
        "readinessProbe": {"httpGet": {"path": "/ready", "port": 8181}, "periodSeconds": 1},
        "resources": {"requests": {"cpu": "10m", "memory": "32Mi"}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]},
            "readOnlyRootFilesystem": True,
        },
        "volumeMounts": [{"name": "config", "mountPath": "/etc/coredns", "readOnly": True}],
    }
    return {
        "replicas": 1,
        "selector": {"matchLabels": _DNS_LABELS},
        "strategy": {"type": "Recreate"},
        "template": {
            # CoreDNS reads its file once: another file is another pod.
            "metadata": {"labels": _DNS_LABELS, "annotations": {"kpo-provision.io/corefile": _digest(_COREFILE)}},
            "spec": {
                "containers": [container],
                "dnsPolicy": "Default",
                "nodeSelector": {"kubernetes.io/hostname": SYSTEM_NODE},
                "priorityClassName": "system-cluster-critical",
                "serviceAccountName": "coredns",
                "terminationGracePeriodSeconds": 0,
                "tolerations": [{"operator": "Exists"}],
                "volumes": [{"name": "config", "configMap": {"name": "coredns"}}],
            },
        },
    }


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
