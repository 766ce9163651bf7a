"""Checks of who may do what, each asked with the account's own token: what Airflow needs, and nothing beyond it.

The rights are those that the calls of Airflow's cncf.kubernetes provider 10.25.0 need (read 2026-11-23).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from kpo_provision.kube.api import Api
from kpo_provision.verify.check import Check, Finding, failure
from kpo_provision.verify.subjects import TenantSubject


@dataclass(frozen=True, slots=True)
class Right:
    """One verb on one resource; ``resource`` may name a subresource after a slash."""

    verb: str
    resource: str
    group: str = ""

    @property
    def phrase(self) -> str:
        """Verb and resource."""
        return f"{self.verb} {self.resource}"


def _rights(*pairs: tuple[str, str]) -> tuple[Right, ...]:
    return tuple(Right(verb, resource) for resource, verbs in pairs for verb in verbs.split())


_FOLLOW = _rights(("pods", "get list patch delete"), ("pods/log", "get"), ("events", "list watch"))
_LAUNCH = _rights(("pods", "create"), ("pods/exec", "get create"))
_TRIGGER = _rights(("pods", "get delete"), ("pods/log", "get"), ("events", "list watch"))
_NEVER = (
    *_rights(("secrets", "get list"), ("serviceaccounts/token", "create"), ("namespaces", "patch")),
    *_rights(("resourcequotas", "patch"), ("pods/ephemeralcontainers", "patch"), ("pods/attach", "create")),
    Right("create", "rolebindings", "rbac.authorization.k8s.io"),
    Right("patch", "networkpolicies", "networking.k8s.io"),
)
"""What would let a worker out of its tenant, or read what is not its own."""


def _check_worker(subject: TenantSubject) -> Finding:
    wanted = (*_LAUNCH, *_FOLLOW) if subject.tenant.may_launch else _FOLLOW
    return _judge_missing(subject.who.worker, subject, subject.tenant.worker_account, wanted)


def _check_triggerer(subject: TenantSubject) -> Finding:
    return _judge_missing(subject.who.triggerer, subject, subject.tenant.triggerer_account, _TRIGGER)


def _check_closed(subject: TenantSubject) -> Finding:
    own = subject.tenant.namespace
    forbidden = [(own, right) for right in _NEVER]
    if not subject.tenant.may_launch:
        forbidden += [(own, right) for right in _LAUNCH]
    forbidden += [(namespace, Right("create", "pods")) for namespace in _other_namespaces(subject)]
    open_ = [
        f"{right.phrase} in {namespace}" for namespace, right in forbidden if _may(subject.who.worker, right, namespace)
    ]
    if open_:
        return failure(f"{subject.tenant.worker_account} may {'; '.join(open_)}")
    return Finding(detail=f"{len(forbidden)} rights refused")


def _other_namespaces(subject: TenantSubject) -> tuple[str, ...]:
    others = (tenant.namespace for tenant in subject.plan.tenants if tenant is not subject.tenant)
    return ("default", "kube-system", *list(others)[:1])


def _judge_missing(api: Api, subject: TenantSubject, account: str, wanted: Iterable[Right]) -> Finding:
    wanted = tuple(wanted)
    namespace = subject.tenant.namespace
    missing = [right for right in wanted if not _may(api, right, namespace)]
    if not missing:
        return Finding(detail=f"{len(wanted)} of {len(wanted)} rights")
    return failure(
        f"{account} may not {'; '.join(right.phrase for right in missing)}",
        hint=f"`kpo-provision apply` puts the RoleBinding back; by hand, add to a Role in {namespace} that is bound to "
        f"service account {account}:\n{render_rules(missing)}",
    )


def _may(api: Api, right: Right, namespace: str) -> bool:
    resource, _, subresource = right.resource.partition("/")
    return api.review_access(
        right.verb, resource, namespace=namespace, group=right.group, subresource=subresource
    ).allowed


def render_rules(rights: Iterable[Right]) -> str:
    """Write rights as the rules of a Role, one a resource."""
    verbs: dict[tuple[str, str], list[str]] = {}
    for right in rights:
        verbs.setdefault((right.group, right.resource), []).append(right.verb)
    return "\n".join(
        f'- apiGroups: ["{group}"]\n  resources: [{resource}]\n  verbs: [{", ".join(found)}]'
        for (group, resource), found in verbs.items()
    )


CHECKS: tuple[Check[TenantSubject], ...] = (
    Check(
        id="rbac-worker",
        description="{worker} may do what KubernetesPodOperator does",
        hint="`kpo-provision apply` puts the RoleBinding back",
        judge=_check_worker,
        needs=("tenant-namespace",),
    ),
    Check(
        id="rbac-triggerer",
        description="{triggerer} may do what deferrable tasks do",
        hint="`kpo-provision apply` puts RoleBinding kpo-triggerer back",
        judge=_check_triggerer,
        needs=("tenant-namespace",),
    ),
    Check(
        id="rbac-closed",
        description="{worker} may do nothing beyond that",
        hint="find the binding that gives the right: `kubectl get rolebindings,clusterrolebindings -A -o wide`",
        judge=_check_closed,
        needs=("tenant-namespace",),
    ),
)
