"""Checks of what a tenant's namespace holds, compared with the plan."""

from __future__ import annotations

import secrets
from collections.abc import Mapping

from kpo_provision import errors, plan, quantity
from kpo_provision.results import Outcome
from kpo_provision.verify import pod, refusals
from kpo_provision.verify.check import Check, Finding, failure
from kpo_provision.verify.probe import delete_quietly
from kpo_provision.verify.subjects import TenantSubject
from kpo_provision.verify.verdict import Cause

_ENFORCE_KEY = "pod-security.kubernetes.io/enforce"
_SIDECAR_REQUESTS = {"cpu": "1m", "memory": "10Mi"}
"""What the XCom sidecar asks for; a LimitRange with a higher minimum refuses it."""


def _check_namespace(subject: TenantSubject) -> Finding:
    namespace = subject.who.admin.read("Namespace", subject.tenant.namespace)
    labels = namespace["metadata"].get("labels", {})
    owner = labels.get(plan.INSTALLATION_KEY)
    if owner != subject.plan.installation:
        whose = f"belongs to installation {owner}" if owner else "is not managed by kpo-provision"
        return failure(f"namespace {subject.tenant.namespace} {whose}")
    if namespace.get("status", {}).get("phase") == "Terminating":
        return failure(f"namespace {subject.tenant.namespace} is being deleted")
    if labels.get(_ENFORCE_KEY) != subject.tenant.pod_security:
        return failure(f"it enforces the Pod Security Standard {labels.get(_ENFORCE_KEY, 'none')}")
    return Finding()


def _check_quota(subject: TenantSubject) -> Finding:
    quota = subject.who.admin.read("ResourceQuota", "kpo-quota", subject.tenant.namespace)
    in_force = quota.get("status", {}).get("hard") or {}
    if not in_force:
        return failure(
            "the quota exists and is not in force: its status.hard is empty",
            hint="kube-controller-manager writes it; is its resourcequota controller running?",
        )
    wrong = _describe_differences(in_force, subject.tenant.quota)
    if wrong:
        return failure(f"in force differs from the plan: {wrong}")
    used = quota["status"].get("used", {})
    return Finding(detail=f"{used.get('pods', '0')} of {in_force.get('pods', '?')} pods in use")


def _check_limits(subject: TenantSubject) -> Finding:
    ranges = subject.who.admin.list("LimitRange", subject.tenant.namespace)
    ours = [found for found in ranges if found["metadata"]["name"] == "kpo-limits"]
    if not ours:
        return failure("LimitRange kpo-limits is not there, so pods that state no limits are refused by the quota")
    limits = [limit for limit in ours[0]["spec"]["limits"] if limit["type"] == "Container"]
    defaults = limits[0].get("default", {}) if limits else {}
    wrong = _describe_differences(defaults, subject.tenant.default_limits)
    if wrong:
        return failure(f"default limits differ from the plan: {wrong}")
    hostile = [found["metadata"]["name"] for found in ranges if _refuses_sidecar(found["spec"]["limits"])]
    if hostile:
        return failure(
            f"LimitRange {', '.join(hostile)} refuses Airflow's XCom sidecar, which asks for 1m and 10Mi",
            hint="take its min and maxLimitRequestRatio out: apache/airflow#14926",
        )
    return Finding()


def _refuses_sidecar(limits: list[Mapping[str, Mapping[str, str]]]) -> bool:
    return any(
        limit.get("maxLimitRequestRatio")
        or any(
            name in _SIDECAR_REQUESTS
            and quantity.parse_quantity(least) > quantity.parse_quantity(_SIDECAR_REQUESTS[name])
            for name, least in limit.get("min", {}).items()
        )
        for limit in limits
    )


def _check_network_policy(subject: TenantSubject) -> Finding:
    policy = subject.who.admin.read("NetworkPolicy", "kpo-isolation", subject.tenant.namespace)
    closed = set(policy["spec"].get("policyTypes", ()))
    if closed != {"Ingress", "Egress"}:
        return failure(f"it closes {', '.join(sorted(closed)) or 'nothing'} only")
    if policy["spec"].get("ingress"):
        return failure("it lets something in")
    return Finding()


def _check_closed(subject: TenantSubject) -> Finding:
    probe = pod.make_refused_probe(subject.tenant, run=secrets.token_hex(4))
    worker = subject.who.worker  # outside the try: that we may not have a token for it is no refusal of the worker
    try:
        worker.create(probe)
    except errors.ApiError as error:
        if not error.is_forbidden:
            raise
        verdict = refusals.classify_refusal(error)
        if verdict.cause is Cause.FORBIDDEN_RBAC:
            return Finding(detail=f"403: {verdict.sentence}", evidence={"cause": str(verdict.cause)})
        return Finding(outcome=Outcome.WARN, detail=f"refused, though by something other than RBAC: {verdict.summary}")
    delete_quietly(subject.who.admin, probe["metadata"]["name"], subject.tenant.namespace)
    return failure(f"{subject.tenant.worker_account} created a pod; it was deleted again")


def _describe_differences(found: Mapping[str, str], planned: Mapping[str, str]) -> str:
    """Name the quantities that are not as planned; equal amounts may be written differently."""
    return ", ".join(
        f"{name} is {found.get(name, 'absent')} and should be {amount}"
        for name, amount in sorted(planned.items())
        if name not in found or quantity.parse_quantity(found[name]) != quantity.parse_quantity(amount)
    )


NAMESPACE: Check[TenantSubject] = Check(
    id="tenant-namespace",
    description="namespace {namespace} exists and enforces pod security {pod_security}",
    hint="`kpo-provision apply` makes the namespace and puts its labels back",
    judge=_check_namespace,
)
SETTINGS: tuple[Check[TenantSubject], ...] = (
    Check(
        id="tenant-quota",
        description="the quota that was promised is in force",
        hint="`kpo-provision apply` puts ResourceQuota kpo-quota back",
        judge=_check_quota,
        needs=("tenant-namespace",),
    ),
    Check(
        id="tenant-limits",
        description="containers that state no limits get one AU, and Airflow's XCom sidecar is let in",
        hint="`kpo-provision apply` puts LimitRange kpo-limits back",
        judge=_check_limits,
        needs=("tenant-namespace",),
    ),
    Check(
        id="tenant-network-policy",
        description="a network policy closes pods in both directions",
        hint="`kpo-provision apply` puts NetworkPolicy kpo-isolation back",
        judge=_check_network_policy,
        needs=("tenant-namespace",),
    ),
    Check(
        id="tenant-closed",
        description="with 0 AU, creating a pod as {worker} is refused",
        hint="`kpo-provision apply` removes RoleBinding kpo-launcher; `kubectl get rolebindings,clusterrolebindings -A "
        "-o wide` shows who else gives {worker} the right",
        judge=_check_closed,
        needs=("tenant-namespace",),
        applies=lambda subject: not subject.tenant.may_launch,
    ),
)
