"""From a plan to the objects that a cluster will hold, in the order in which they are applied.

What the objects are stands in ``templates/manifests``; what all of them carry is put on here. No secret is rendered: a
registry secret is a ``SecretGap``.

Reading YAML is what takes time, and of a thousand tenants most differ in their names alone. So the templates are
rendered once for all of those, with marks for names, and each tenant gets a copy with its own.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from kpo_provision import plan
from kpo_provision.render import environment
from kpo_provision.render.bundle import Bundle, Manifest, SecretGap, TenantBundle

TENANT_TEMPLATES = (
    "namespace",
    "resource-quota",
    "limit-range",
    "network-policy",
    "service-accounts",
    "role-bindings",
)
"""A tenant's templates in apply order: fences first, and last the bindings that let Airflow in."""

_MADE_BY_KUBERNETES = ("ServiceAccount", "default")
_MARK = "\ue000"
_MARKS: dict[str, Any] = {
    name: _MARK + name for name in ("release", "namespace", "worker_account", "triggerer_account")
}
"""What stands for a tenant's names. Templates may put them anywhere, and must not look into them."""


def render(planned: plan.Plan) -> Bundle:
    """Render every object of an installation; the same plan gives the same bundle."""
    patterns: dict[str, list[Manifest]] = {}
    return Bundle(
        shared=tuple(_render_shared(planned)),
        tenants=tuple(_render_tenant(planned, tenant, patterns) for tenant in planned.tenants),
    )


def _render_shared(planned: plan.Plan) -> list[Manifest]:
    remedy = (
        "leave the pool out of nodeSelector and tolerations, the cluster puts it there"
        if planned.mutates_pods
        else "use the pod_template_file of this tenant, airflow/<release>/pod-template.yaml of the rendered folder"
    )
    manifests = environment.render_manifests("shared/cluster-roles")
    manifests += environment.render_manifests(
        "shared/pool-guard", exempt_namespaces=planned.exempt_namespaces, remedy=remedy
    )
    if planned.mutates_pods:
        manifests += environment.render_manifests("shared/placement")
    return [_stamp(manifest, _common_labels(planned)) for manifest in manifests]


def _render_tenant(planned: plan.Plan, tenant: plan.TenantPlan, patterns: dict[str, list[Manifest]]) -> TenantBundle:
    labels = {**_common_labels(planned), plan.TENANT_KEY: tenant.release}
    names = {mark: getattr(tenant, name) for name, mark in _MARKS.items()}
    nameless = dataclasses.replace(tenant, **_MARKS)
    pattern = patterns.setdefault(repr(nameless), [])
    if not pattern:
        for template in TENANT_TEMPLATES:
            pattern += environment.render_manifests(f"tenant/{template}", tenant=nameless)
    manifests = [_stamp(_fill(manifest, names), labels) for manifest in pattern]
    gaps = tuple(
        SecretGap(namespace=tenant.namespace, name=registry.secret_name, registry=registry.name, server=registry.server)
        for registry in tenant.registries
    )
    return TenantBundle(plan=tenant, manifests=tuple(manifests), secrets=gaps)


def _fill(value: Any, names: Mapping[str, str]) -> Any:  # noqa: ANN401 - whatever YAML holds
    """Copy a value with names in the place of their marks."""
    match value:
        case dict():
            return {_fill(key, names): _fill(content, names) for key, content in value.items()}
        case list():
            return [_fill(element, names) for element in value]
        case str() if _MARK in value:
            for mark, name in names.items():
                value = value.replace(mark, name)
            return value
        case _:
            return value


def _common_labels(planned: plan.Plan) -> dict[str, str]:
    return {plan.MANAGED_BY_KEY: plan.FIELD_MANAGER, plan.INSTALLATION_KEY: planned.installation}


def _stamp(manifest: Manifest, labels: Mapping[str, str]) -> Manifest:
    """Put on what all objects carry: labels by which they are found, and the hash by which a change is seen.

    The account that Kubernetes makes itself has no hash: Terraform, which takes turns with us, could not give it back.
    """
    identity = {key: manifest["metadata"][key] for key in ("name", "namespace") if key in manifest["metadata"]}
    annotations = manifest["metadata"].get("annotations", {})
    labels = dict(sorted({**manifest["metadata"].get("labels", {}), **labels}.items()))
    body = {key: value for key, value in manifest.items() if key not in {"apiVersion", "kind", "metadata"}}
    head = {"apiVersion": manifest["apiVersion"], "kind": manifest["kind"]}
    unstamped = {**head, "metadata": {**identity, "labels": labels, "annotations": annotations}, **body}
    if (manifest["kind"], identity["name"]) == _MADE_BY_KUBERNETES:
        return {**head, "metadata": {**identity, "labels": labels}, **body}
    annotations = dict(sorted({**annotations, plan.SPEC_HASH_KEY: _hash(unstamped)}.items()))
    return {**head, "metadata": {**identity, "labels": labels, "annotations": annotations}, **body}


def _hash(manifest: Manifest) -> str:
    canonical = json.dumps(manifest, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()
