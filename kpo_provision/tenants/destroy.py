"""Removes everything of an installation: bindings, then namespaces, and what they share when these are gone."""

from __future__ import annotations

from kpo_provision import errors
from kpo_provision.kube.api import Api
from kpo_provision.progress import Progress
from kpo_provision.results import Action, Change, Changes, TenantFailure
from kpo_provision.tenants import objects, read, remove, wait
from kpo_provision.tenants.read import Live

_DEADLINE_S = 300.0


def destroy_tenants(api: Api, installation: str, *, progress: Progress) -> Changes:
    """Remove what carries the installation's labels, and wait until it is gone.

    While a tenant is left, what all tenants share stays: it is what keeps others off their pools.

    Raises:
        errors.ClusterError: The cluster does not answer.
    """
    live = read.read_live(api, installation)
    namespaces = [key.name for key in live.ours if key.kind == "Namespace"]
    removed = remove.remove_tenants(api, live, namespaces, progress=progress)
    failures = removed.failures or _await_gone(api, live, progress)
    changes = removed.changes if failures else removed.changes + _remove_shared(api, live)
    return Changes(changes=changes, failures=failures)


def _await_gone(api: Api, live: Live, progress: Progress) -> tuple[TenantFailure, ...]:
    selector = objects.selector(live.installation)

    def list_left() -> list[str]:
        return [
            found["metadata"]["name"] for found in api.list("Namespace", label_selector=selector, metadata_only=True)
        ]

    try:
        with progress.step("Wait until the namespaces are gone"):
            wait.wait_for_all_gone(list_left, deadline_s=_DEADLINE_S, what="the deletion of the tenants' namespaces")
    except errors.WaitTimeoutError as error:
        return (TenantFailure(tenant="", problem=str(error), hint=error.hint),)
    return ()


def _remove_shared(api: Api, live: Live) -> tuple[Change, ...]:
    # A policy's binding goes before its policy, which would deny everything without one.
    shared = sorted(
        (key for key in live.ours if key.kind in objects.SHARED_KINDS),
        key=lambda key: (not key.kind.endswith("Binding"), key.kind, key.name),
    )
    for key in shared:
        remove.delete_if_there(api, key)
    return tuple(objects.change(Action.DELETE, key) for key in shared)
