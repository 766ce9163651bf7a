from __future__ import annotations

import copy
from typing import Any

import pytest

from kpo_provision import plan, render, sizing
from kpo_provision.render import environment, manifests
from kpo_provision.render.bundle import Bundle, Manifest, SecretGap, TenantBundle
from kpo_provision.spec import model
from kpo_provision.tenants import diff

SPEC = {
    "apiVersion": "kpo-provision.io/v1",
    "kind": "Installation",
    "metadata": {"name": "acme"},
    "namespacePrefix": "data",
    "target": {"local": {}},
    "registries": {"acme": {"server": "registry.acme.io", "credentials": {"dockerConfig": "config.json"}}},
    "nodePools": {"standard": {"largestPod": {"cpu": "2", "memory": "4Gi"}}},
    "tenants": {"etl": {"extraCapacity": 10, "registries": ["acme"]}},
}


def render_spec(**changes: Any) -> Bundle:
    return render.render(sizing.size(model.Installation.model_validate(copy.deepcopy(SPEC) | changes)))


def render_tenant(**tenant: Any) -> TenantBundle:
    return render_spec(tenants={"etl": {"extraCapacity": 10} | tenant}).tenants[0]


def find(manifests: tuple[Manifest, ...], kind: str, name: str = "") -> Manifest:
    (found,) = (m for m in manifests if m["kind"] == kind and name in {"", m["metadata"]["name"]})
    return found


def all_manifests(bundle: Bundle) -> list[Manifest]:
    return [*bundle.shared, *(manifest for tenant in bundle.tenants for manifest in tenant.manifests)]


def test_fences_come_before_the_bindings_that_let_airflow_in():
    kinds = [manifest["kind"] for manifest in render_tenant().manifests]
    assert kinds == [
        "Namespace",
        "ResourceQuota",
        "LimitRange",
        "NetworkPolicy",
        *["ServiceAccount"] * 4,
        *["RoleBinding"] * 2,
    ]


@pytest.mark.parametrize(("capacity", "role"), [(10, "kpo-launcher"), (0, "kpo-follower")])
def test_worker_may_launch_only_where_there_is_capacity(capacity, role):
    manifests = render_tenant(extraCapacity=capacity).manifests
    bound = {m["metadata"]["name"]: m for m in manifests if m["kind"] == "RoleBinding"}
    assert bound.keys() == {role, "kpo-triggerer"}
    assert bound[role]["roleRef"] == {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role}
    assert bound[role]["subjects"] == [
        {"kind": "ServiceAccount", "name": "etl-worker-serviceaccount", "namespace": "data-etl"}
    ]
    assert bound["kpo-triggerer"]["subjects"][0]["name"] == "etl-triggerer-serviceaccount"


def test_roles_hold_the_verbs_that_airflow_uses_and_no_others():
    roles = {
        role["metadata"]["name"]: {
            resource: set(rule["verbs"]) for rule in role["rules"] for resource in rule["resources"]
        }
        for role in render_spec().shared
        if role["kind"] == "ClusterRole"
    }
    follower = {"pods": {"get", "list", "patch", "delete"}, "pods/log": {"get"}, "events": {"list", "watch"}}
    assert roles == {
        "kpo-launcher": {**follower, "pods": follower["pods"] | {"create"}, "pods/exec": {"get", "create"}},
        "kpo-follower": follower,
        "kpo-triggerer": {**follower, "pods": {"get", "delete"}},
    }


def test_every_object_says_whose_it_is():
    bundle = render_spec()
    for manifest in all_manifests(bundle):
        assert manifest["metadata"]["labels"][plan.MANAGED_BY_KEY] == plan.FIELD_MANAGER
        assert manifest["metadata"]["labels"][plan.INSTALLATION_KEY] == "acme"
    for manifest in bundle.tenants[0].manifests:
        assert manifest["metadata"]["labels"][plan.TENANT_KEY] == "etl"
        assert manifest["kind"] == "Namespace" or manifest["metadata"]["namespace"] == "data-etl"


def test_hash_tells_what_changed_and_only_that():
    def hashes(bundle: Bundle) -> dict[tuple[str, str], str]:
        return {
            (m["kind"], m["metadata"]["name"]): m["metadata"]["annotations"][plan.SPEC_HASH_KEY]
            for m in all_manifests(bundle)
            if m["metadata"]["name"] != "default"
        }

    before = hashes(render_spec())
    after = hashes(render_spec(tenants={"etl": {"extraCapacity": 11, "registries": ["acme"]}}))
    assert {key for key in before if before[key] != after[key]} == {("ResourceQuota", "kpo-quota")}


def test_registry_secret_is_a_gap_and_never_an_object():
    tenant = render_spec().tenants[0]
    assert tenant.secrets == (
        SecretGap(namespace="data-etl", name="registry-acme", registry="acme", server="registry.acme.io"),
    )
    assert "Secret" not in {manifest["kind"] for manifest in tenant.manifests}


def test_task_accounts_pull_with_the_secret_and_hold_no_token():
    accounts = {m["metadata"]["name"]: m for m in render_spec().tenants[0].manifests if m["kind"] == "ServiceAccount"}
    for name in ("default", plan.TASK_SERVICE_ACCOUNT):
        assert accounts[name]["automountServiceAccountToken"] is False
        assert accounts[name]["imagePullSecrets"] == [{"name": "registry-acme"}]
    assert "imagePullSecrets" not in accounts["etl-worker-serviceaccount"]


def test_the_account_that_kubernetes_makes_has_no_hash_and_says_outright_that_it_pulls_with_nothing():
    accounts = [m for m in render_tenant(registries=[]).manifests if m["metadata"]["name"] == "default"]
    assert ["annotations" in account["metadata"] for account in accounts] == [False]
    assert [diff.differs(account, {**account, "imagePullSecrets": [{"name": "old"}]}) for account in accounts] == [
        ("imagePullSecrets",)
    ]


def test_namespace_tells_the_policies_its_pool_and_accounts():
    metadata = find(render_tenant(podSecurity="restricted").manifests, "Namespace")["metadata"]
    assert metadata["labels"][plan.POOL_KEY] == "standard"
    assert metadata["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    assert metadata["annotations"][plan.WORKER_KEY] == "etl-worker-serviceaccount"
    assert metadata["annotations"][plan.TRIGGERER_KEY] == "etl-triggerer-serviceaccount"
    assert metadata["annotations"][plan.TASK_ACCOUNTS_KEY] == "default,kpo-task"


def test_limits_let_the_xcom_sidecar_live():
    limits = find(render_tenant().manifests, "LimitRange")["spec"]["limits"]
    assert [sorted(item) for item in limits] == [["default", "defaultRequest", "type"], ["max", "type"]]
    assert limits[1] == {"type": "Pod", "max": {"cpu": "2", "memory": "4Gi"}}


@pytest.mark.parametrize(
    ("base", "selector"), [(0, {}), (5, {"matchLabels": {"kubernetes_pod_operator": "True"}})], ids=["alone", "shared"]
)
def test_isolation_spares_airflow_in_the_same_namespace(base, selector):
    policy = find(render_tenant(baseCapacity=base).manifests, "NetworkPolicy")["spec"]
    assert policy["podSelector"] == selector
    assert policy["policyTypes"] == ["Ingress", "Egress"]
    assert "ingress" not in policy


def test_closed_network_still_resolves_names():
    (dns,) = find(render_tenant(network={"internet": False}).manifests, "NetworkPolicy")["spec"]["egress"]
    assert {(port["protocol"], port["port"]) for port in dns["ports"]} == {("UDP", 53), ("TCP", 53)}


def test_old_cluster_gets_the_guard_without_the_placement():
    def policies(version: str) -> set[str]:
        shared = render_spec(target={"kubeconfig": {"version": version}}).shared
        return {manifest["metadata"]["name"] for manifest in shared if "Policy" in manifest["kind"]}

    assert policies("1.35") == {"kpo-pool-guard"}
    assert policies("1.36") == {"kpo-pool-guard", "kpo-placement"}


def test_guard_reaches_everywhere_but_the_exempt_namespaces():
    def selector(exempt: list[str]) -> Manifest | None:
        shared = render_spec(admission={"exemptNamespaces": exempt}).shared
        guard = find(shared, "ValidatingAdmissionPolicy")
        return guard["spec"]["matchConstraints"].get("namespaceSelector")

    assert selector([]) is None
    assert selector(["kube-system", "calico-system"]) == {
        "matchExpressions": [
            {"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": ["calico-system", "kube-system"]}
        ]
    }


def test_tenants_that_are_rendered_together_get_what_the_templates_say_of_each():
    tenants = {
        "etl": {"extraCapacity": 10, "registries": ["acme"]},
        "ml": {"extraCapacity": 10, "registries": ["acme"]},
        "bi": {"extraCapacity": 10, "registries": ["acme"], "workerServiceAccount": "kpo"},
        "closed": {"extraCapacity": 0},
        "release": {"extraCapacity": 10, "baseCapacity": 20, "triggererServiceAccount": "namespace"},
    }
    for tenant in render_spec(tenants=tenants).tenants:
        said = [
            manifest
            for template in manifests.TENANT_TEMPLATES
            for manifest in environment.render_manifests(f"tenant/{template}", tenant=tenant.plan)
        ]
        assert [diff.differs(wanted, found) for wanted, found in zip(said, tenant.manifests, strict=True)] == [
            ()
        ] * len(said)
        assert "\ue000" not in repr(tenant.manifests)


def test_tenants_share_no_part_that_could_be_changed_for_both():
    one, other = render_spec(tenants={name: {"extraCapacity": 10} for name in ("etl", "ml")}).tenants
    one.manifests[1]["spec"]["hard"]["pods"] = "changed"
    assert other.manifests[1]["spec"]["hard"]["pods"] == "10"


def test_rendering_twice_gives_the_same():
    assert render_spec() == render_spec()
