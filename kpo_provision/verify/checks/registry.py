"""The check of a tenant's registry secrets: present, of the right kind, and given to the accounts that pull.

Nothing of what a secret holds but the names of its servers is ever looked at or kept.
"""

from __future__ import annotations

import base64
import binascii
import json

from kpo_provision import errors, plan
from kpo_provision.kube.api import Api
from kpo_provision.verify.check import Check, Finding, failure
from kpo_provision.verify.subjects import TenantSubject

_TYPE = "kubernetes.io/dockerconfigjson"
_KEY = ".dockerconfigjson"


def _check_secrets(subject: TenantSubject) -> Finding:
    api, tenant = subject.who.admin, subject.tenant
    problems = [problem for registry in tenant.registries if (problem := _find_problem(api, tenant, registry))]
    for account in ("default", plan.TASK_SERVICE_ACCOUNT):
        references = api.read("ServiceAccount", account, tenant.namespace).get("imagePullSecrets", ())
        carried = {reference["name"] for reference in references}
        missing = [registry.secret_name for registry in tenant.registries if registry.secret_name not in carried]
        if missing:
            problems.append(f"service account {account} does not carry {', '.join(missing)}")
    if problems:
        return failure("; ".join(problems))
    return Finding(detail=", ".join(f"{registry.secret_name} for {registry.server}" for registry in tenant.registries))


def _find_problem(api: Api, tenant: plan.TenantPlan, registry: plan.RegistryPlan) -> str:
    name = registry.secret_name
    try:
        secret = api.read("Secret", name, tenant.namespace)
    except errors.ApiError as error:
        if not error.is_not_found:
            raise
        return f"secret {name} is not there"
    if secret.get("type") != _TYPE:
        return f"secret {name} is of type {secret.get('type')}, not {_TYPE}"
    servers = _read_servers(secret.get("data", {}).get(_KEY, ""))
    if servers is None:
        return f"secret {name} is not a Docker configuration"
    if registry.server not in servers:
        return f"secret {name} has no login for {registry.server} (it has: {', '.join(sorted(servers)) or 'none'})"
    return ""


def _read_servers(encoded: str) -> set[str] | None:
    try:
        return set(json.loads(base64.b64decode(encoded, validate=True))["auths"])
    except (binascii.Error, ValueError, KeyError, TypeError):
        return None


CHECKS: tuple[Check[TenantSubject], ...] = (
    Check(
        id="registry-secret",
        description="registry secrets exist and pods get them without asking: {secrets}",
        hint="`kpo-provision apply` writes the secrets and puts them on the service accounts",
        judge=_check_secrets,
        needs=("tenant-namespace",),
        applies=lambda subject: bool(subject.tenant.registries),
    ),
)
