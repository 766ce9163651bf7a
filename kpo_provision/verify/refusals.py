"""Why the API server did not let a pod in, told from its words. Pure: reads a refusal and asks nobody."""

from __future__ import annotations

import re

from kpo_provision import errors
from kpo_provision.verify.verdict import Cause, Verdict, rule

_REFUSALS = (
    rule(
        r"error looking up service account|serviceaccount \S+ not found",
        Cause.SERVICE_ACCOUNT_MISSING,
        "the pod's service account is not there (yet): `kpo-provision apply` makes it",
    ),
    rule(
        r"failed quota: .*must specify",
        Cause.LIMIT_RANGE,
        "a quota makes limits mandatory and no LimitRange gives a default: `kpo-provision apply` puts kpo-limits back",
    ),
    rule(
        r"exceeded quota",
        Cause.QUOTA_EXCEEDED,
        "wait until running pods end, or raise the tenant's extraCapacity and apply",
    ),
    rule(
        r"(maximum|minimum) \S+ usage per|limit to request ratio|must be less than or equal to \S+ limit",
        Cause.LIMIT_RANGE,
        "a LimitRange in the namespace refuses the size: compare it with the pod's containers",
    ),
    rule(
        r"violates PodSecurity",
        Cause.POD_SECURITY,
        "the pod lacks what the namespace's Pod Security Standard asks for: set a security context in the DAG, or "
        "podSecurity: baseline for the tenant",
    ),
    rule(
        r"ValidatingAdmissionPolicy|MutatingAdmissionPolicy|admission webhook",
        Cause.ADMISSION_REFUSED,
        "the policy's own message says what it wants; `kubectl get validatingadmissionpolicies,"
        "validatingwebhookconfigurations` lists who may refuse",
    ),
    rule(
        r"User \S+ cannot \w+ resource",
        Cause.FORBIDDEN_RBAC,
        "no RoleBinding in the namespace gives the account this verb: `kpo-provision apply` puts it back",
    ),
)


def classify_refusal(error: errors.ApiError) -> Verdict:
    """Name why the API server did not let a pod in."""
    for known in _REFUSALS:
        if known.pattern.search(error.message):
            return Verdict(cause=known.cause, sentence=_after_denial(error.message), hint=known.hint)
    if error.status == 404 and "namespaces" in error.message:
        return Verdict(cause=Cause.REFUSED, sentence=error.message, hint="`kpo-provision apply` makes the namespace")
    return Verdict(cause=Cause.REFUSED, sentence=f"{error.status} {error.reason}: {error.message}", hint=error.hint)


def _after_denial(message: str) -> str:
    """Drop the pod's name, which means nothing to a reader, and keep the reason."""
    return re.sub(r'^pods "[^"]*" is forbidden: ', "", message)
