from __future__ import annotations

import json
from typing import Any

from kpo_provision import plan, sizing
from kpo_provision.render import airflow
from kpo_provision.spec import model


def make_tenant(*, pools: dict[str, Any] | None = None, **tenant: Any) -> plan.TenantPlan:
    spec = {
        "apiVersion": "kpo-provision.io/v1",
        "kind": "Installation",
        "metadata": {"name": "acme"},
        "namespacePrefix": "data",
        "target": {"kubeconfig": {"version": "1.35"}},
        "nodePools": {"standard": {}} if pools is None else pools,
        "tenants": {"etl": {"extraCapacity": 10} | tenant},
        "probe": {"image": "docker.io/library/alpine:3"},
    }
    return sizing.size(model.Installation.model_validate(spec)).tenants[0]


def test_connection_speaks_of_the_tenants_namespace():
    connection = airflow.render_connection(make_tenant())
    assert connection["conn_type"] == "kubernetes"
    assert connection["extra"]["in_cluster"] is True
    assert connection["extra"]["namespace"] == "data-etl"
    assert connection["extra"]["xcom_sidecar_container_image"] == "docker.io/library/alpine:3"


def test_sidecar_has_limits_of_its_own():
    extra = airflow.render_connection(make_tenant())["extra"]
    assert json.loads(extra["xcom_sidecar_container_resources"])["limits"] == {"cpu": "50m", "memory": "32Mi"}
    assert "xcom_sidecar_container_security_context" not in extra


def test_restricted_tenant_runs_base_and_sidecar_as_one_user_that_is_not_root():
    tenant = make_tenant(podSecurity="restricted")
    extra = airflow.render_connection(tenant)["extra"]
    sidecar = json.loads(extra["xcom_sidecar_container_security_context"])
    template = airflow.render_pod_template(tenant)
    assert template is not None
    assert sidecar == template["spec"]["containers"][0]["securityContext"]
    assert sidecar["runAsNonRoot"] is True


def test_pod_template_puts_pods_on_the_tenants_pool():
    template = airflow.render_pod_template(make_tenant())
    assert template is not None
    assert template["spec"]["nodeSelector"] == {plan.POOL_KEY: "standard"}
    assert template["spec"]["tolerations"] == [{"key": plan.POOL_KEY, "operator": "Equal", "value": "standard"}]
    assert template["spec"]["containers"] == [{"name": "base"}]


def test_tenant_without_a_pool_has_no_pod_template():
    assert airflow.render_pod_template(make_tenant(pools={}, extraCapacity=0)) is None
