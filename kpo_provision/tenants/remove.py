"""Takes tenants away: what lets somebody in goes first, then the namespace, if it was made for the tenant.

A namespace that others had made is only stripped of what is ours.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from kpo_provision import errors, plan
from kpo_provision.kube.api import Api
from kpo_provision.progress import Progress
from kpo_provision.results import Action, Change, TenantFailure
from kpo_provision.tenants import objects
from kpo_provision.tenants.objects import ObjectKey
from kpo_provision.tenants.read import Live


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """What was removed, and which tenants could not be."""

    changes: tuple[Change, ...]
    failures: tuple[TenantFailure, ...]


def remove_tenants(api: Api, live: Live, namespaces: Iterable[str], *, progress: Progress) -> Removal:
    """Close and remove the tenants of ``namespaces``; they may take a while to be gone."""
    changes: list[Change] = []
    failures: list[TenantFailure] = []
    wanted = sorted(namespaces)
    if not wanted:
        return Removal(changes=(), failures=())
    with progress.step("Remove tenants", total=len(wanted)) as step:
        for namespace in wanted:
            step.say(namespace)
            try:
                changes += _remove_tenant(api, live, namespace)
            except errors.ClusterError as error:
                failures.append(TenantFailure(tenant=namespace, problem=str(error), hint=error.hint))
            step.advance()
    return Removal(changes=tuple(changes), failures=tuple(failures))


def delete_if_there(api: Api, key: ObjectKey) -> None:
    """Delete an object that may be gone already."""
    try:
        api.delete(key.kind, key.name, key.namespace or None)
    except errors.ApiError as error:
        if not error.is_not_found:
            raise


def _remove_tenant(api: Api, live: Live, namespace: str) -> Iterable[Change]:
    key = ObjectKey(kind="Namespace", namespace="", name=namespace)
    tenant = objects.labels_of(live.ours[key]).get(plan.TENANT_KEY, "")
    inside = [found for found in live.ours if found.namespace == namespace]
    bindings = [found for found in inside if found.kind in objects.BINDING_KINDS]
    stays = objects.is_adopted(live.ours[key])
    doomed = bindings + ([found for found in inside if found not in bindings] if stays else [key])
    for found in doomed:
        delete_if_there(api, found)
    if stays:
        _disown(api, namespace)
        doomed.append(key)
    detail = "its namespace was made by others and stays" if stays else "no longer in the spec"
    return [
        objects.change(Action.UPDATE if stays and found == key else Action.DELETE, found, tenant=tenant, detail=detail)
        for found in doomed
    ]


def _disown(api: Api, namespace: str) -> None:
    """Take our marks off a namespace, which then is as it was before, but for its Pod Security labels."""
    ours = (plan.MANAGED_BY_KEY, plan.INSTALLATION_KEY, plan.TENANT_KEY, plan.POOL_KEY)
    metadata = {
        "labels": dict.fromkeys(ours),
        "annotations": dict.fromkeys((objects.ADOPTED_KEY, plan.SPEC_HASH_KEY)),
    }
    api.patch("Namespace", namespace, None, {"metadata": metadata})
