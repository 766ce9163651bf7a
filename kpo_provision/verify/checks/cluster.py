"""Checks of what all tenants share: the API server and the admission policies."""

from __future__ import annotations

from kpo_provision import errors
from kpo_provision.verify.check import Check, Finding, failure
from kpo_provision.verify.subjects import ClusterSubject

GUARD = "kpo-pool-guard"
PLACEMENT = "kpo-placement"
_OLDEST = (1, 30)
_MUTATES_SINCE = (1, 36)


def _check_reachable(subject: ClusterSubject) -> Finding:
    return Finding(detail=f"{subject.api.connection.server} runs {subject.api.server_version().text}")


def _check_version(subject: ClusterSubject) -> Finding:
    version = subject.api.server_version()
    oldest = _MUTATES_SINCE if subject.plan.mutates_pods else _OLDEST
    if version.release < oldest:
        return failure(f"the cluster runs {version.text}, and the plan needs {oldest[0]}.{oldest[1]} or newer")
    return Finding(detail=version.text)


def _check_admission(subject: ClusterSubject) -> Finding:
    wanted = [("ValidatingAdmissionPolicy", GUARD)]
    if subject.plan.mutates_pods:
        wanted.append(("MutatingAdmissionPolicy", PLACEMENT))
    problems: list[str] = []
    for kind, name in wanted:
        problems += _find_problems(subject, kind, name)
    if problems:
        return failure("; ".join(problems))
    return Finding(detail=" and ".join(f"{name} is in force" for _, name in wanted))


def _find_problems(subject: ClusterSubject, kind: str, name: str) -> list[str]:
    try:
        policy = subject.api.read(kind, name)
        binding = subject.api.read(f"{kind}Binding", name)
    except errors.ApiError as error:
        if not error.is_not_found:
            raise
        return [f"{error.target} is not there"]
    problems = []
    if binding["spec"].get("policyName") != name:
        problems.append(f"{kind}Binding {name} binds {binding['spec'].get('policyName')}")
    if kind == "ValidatingAdmissionPolicy" and "Deny" not in binding["spec"].get("validationActions", ()):
        problems.append(f"{kind}Binding {name} does not deny")
    warnings = policy.get("status", {}).get("typeChecking", {}).get("expressionWarnings", ())
    problems += [f"{kind} {name} has a faulty expression at {warning.get('fieldRef')}" for warning in warnings]
    return problems


CHECKS = (
    Check(
        id="cluster-reachable",
        description="the API server answers",
        hint="check the kubeconfig context and that {server} can be reached from here",
        judge=_check_reachable,
    ),
    Check(
        id="cluster-version",
        description="the cluster's version has what the plan relies on",
        hint="upgrade the control plane, or set target.kubeconfig.version to the cluster's version and apply",
        judge=_check_version,
        needs=("cluster-reachable",),
    ),
    Check(
        id="cluster-admission",
        description="the admission policies that place and guard KPO pods are bound",
        hint="`kpo-provision apply` puts the policies and their bindings back",
        judge=_check_admission,
        needs=("cluster-version",),
    ),
)
