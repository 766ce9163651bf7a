"""What an Airflow deployment is told about its tenant: the `kubernetes_default` connection, and a pod template.

The connection's fields are those of the cncf.kubernetes provider 10.25.0 (read 2026-11-23); it wants JSON within JSON.
"""

from __future__ import annotations

import json
from typing import Any

from kpo_provision import plan
from kpo_provision.render import environment
from kpo_provision.render.bundle import Manifest

_SIDECAR_RESOURCES = {"requests": {"cpu": "1m", "memory": "10Mi"}, "limits": {"cpu": "50m", "memory": "32Mi"}}
"""Without limits of its own, the XCom sidecar would be charged a whole AU of the tenant's quota. With less CPU the two
execs that fetch an XCom are throttled: 0.9 to 1.5 s at 10m, 0.1 to 0.3 s at 50m (measured 2026-11-23)."""
_TASK_USER = 65532
"""User of base container and sidecar alike where root is refused: by exec, one must be able to signal the other."""
_RESTRICTED_CONTEXT = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "runAsNonRoot": True,
    "runAsUser": _TASK_USER,
    "seccompProfile": {"type": "RuntimeDefault"},
}


def render_connection(tenant: plan.TenantPlan) -> dict[str, Any]:
    """Render the value of ``AIRFLOW_CONN_KUBERNETES_DEFAULT``; it holds no secret."""
    extra: dict[str, Any] = {
        "in_cluster": True,
        "namespace": tenant.namespace,
        "xcom_sidecar_container_resources": json.dumps(_SIDECAR_RESOURCES),
    }
    if tenant.probe_image:
        extra["xcom_sidecar_container_image"] = tenant.probe_image
    if tenant.pod_security == "restricted":
        extra["xcom_sidecar_container_security_context"] = json.dumps(_RESTRICTED_CONTEXT)
    return {"conn_type": "kubernetes", "extra": dict(sorted(extra.items()))}


def render_pod_template(tenant: plan.TenantPlan) -> Manifest | None:
    """Render a ``pod_template_file`` that puts pods on the tenant's pool; None for a tenant without one."""
    if tenant.pool is None:
        return None
    context = _RESTRICTED_CONTEXT if tenant.pod_security == "restricted" else None
    (template,) = environment.render_manifests("airflow/pod-template", tenant=tenant, security_context=context)
    return template
