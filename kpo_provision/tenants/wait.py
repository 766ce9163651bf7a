"""Waits for what the cluster's own controllers do: quotas that come into force, namespaces that go away."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection

from kpo_provision import errors
from kpo_provision.kube.api import Api
from kpo_provision.kube.kinds import Manifest
from kpo_provision.tenants import diff

_FIRST_PAUSE_S = 0.02
_LONGEST_PAUSE_S = 0.5
QUOTA_DEADLINE_S = 30.0
NAMESPACE_DEADLINE_S = 60.0


def wait_for_quota(api: Api, quota: Manifest, *, deadline_s: float = QUOTA_DEADLINE_S) -> None:
    """Block until the quota is in force: before its status says so, the API server admits anything.

    Raises:
        errors.WaitTimeoutError: The quota controller did not fill the status.
    """
    name, namespace = quota["metadata"]["name"], quota["metadata"]["namespace"]
    wanted = {"hard": quota["spec"]["hard"]}

    def unmet() -> str:
        status = api.read("ResourceQuota", name, namespace).get("status") or {}
        return f"status.hard is {status.get('hard') or 'empty'}" if diff.differs(wanted, status) else ""

    wait_until_met(
        unmet,
        what=f"ResourceQuota {namespace}/{name} to come into force",
        deadline_s=deadline_s,
        hint="is kube-controller-manager running? Without it quotas hold nobody back, so the tenant stays closed",
    )


def wait_for_namespace_gone(api: Api, name: str, *, deadline_s: float = NAMESPACE_DEADLINE_S) -> None:
    """Block until a namespace that is being deleted is gone.

    Raises:
        errors.WaitTimeoutError: Something in it holds it back.
    """

    def unmet() -> str:
        try:
            return _describe_leftovers(api.read("Namespace", name))
        except errors.ApiError as error:
            if error.is_not_found:
                return ""
            raise

    wait_until_met(
        unmet,
        what=f"the deletion of namespace {name}",
        deadline_s=deadline_s,
        hint=f"see what holds it back: kubectl get namespace {name} -o jsonpath='{{.status.conditions}}'",
    )


def wait_for_all_gone(list_left: Callable[[], Collection[str]], *, deadline_s: float, what: str) -> None:
    """Block until nothing is listed any more.

    Raises:
        errors.WaitTimeoutError: Something was left.
    """

    def unmet() -> str:
        return ", ".join(sorted(list_left()))

    wait_until_met(unmet, what=what, deadline_s=deadline_s, hint="run again: it goes on where it stopped")


def wait_until_met(unmet: Callable[[], str], *, what: str, deadline_s: float, hint: str) -> None:
    """Ask ``unmet``, which says what is still wrong or nothing, less and less often.

    Raises:
        errors.WaitTimeoutError: Something was wrong to the end.
    """
    deadline = time.monotonic() + deadline_s
    pause_s = _FIRST_PAUSE_S
    while seen := unmet():
        if time.monotonic() + pause_s > deadline:
            raise errors.WaitTimeoutError(what=what, waited_s=deadline_s, last_seen=seen, hint=hint)
        time.sleep(pause_s)
        pause_s = min(pause_s * 1.5, _LONGEST_PAUSE_S)


def _describe_leftovers(namespace: Manifest) -> str:
    """Say what a namespace that is being deleted still waits for."""
    status = namespace.get("status") or {}
    waiting = [
        condition.get("message", "")
        for condition in status.get("conditions") or ()
        if condition.get("status") == "True"
    ]
    return "; ".join(waiting) or f"phase {status.get('phase', 'unknown')}"
