"""Holds tenants back until the admission policies that fence their pods are in force.

An API server takes up a new policy some tenths of a second after it was stored, and not two policies at once. A tenant
that is let in before could launch pods that are not placed, or not guarded.
"""

from __future__ import annotations

import threading

from kpo_provision import errors, plan
from kpo_provision.kube.api import Api
from kpo_provision.kube.kinds import Manifest
from kpo_provision.tenants import wait

GUARD = "kpo-pool-guard"
POLICY_KINDS = frozenset(
    {
        "MutatingAdmissionPolicy",
        "MutatingAdmissionPolicyBinding",
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding",
    }
)
DEADLINE_S = 30.0


class AdmissionGate:
    """Opens once the policies were seen to work; for all tenants at once."""

    def __init__(self, api: Api, *, is_open: bool, mutates_pods: bool) -> None:
        self._api = api
        self._is_open = is_open
        self._mutates_pods = mutates_pods
        self._lock = threading.Lock()

    def is_open(self, namespace: str) -> bool:
        """Tell, without waiting, whether pods in ``namespace`` would be placed and guarded already."""
        if self._is_open or not self._lock.acquire(blocking=False):
            return self._is_open
        try:
            self._is_open = not self._find_gap(namespace)
        finally:
            self._lock.release()
        return self._is_open

    def pass_through(self, namespace: str) -> None:
        """Block until pods in ``namespace`` would be placed and guarded; tried with pods that are never stored.

        Raises:
            errors.WaitTimeoutError: The API server did not take up the policies.
        """
        with self._lock:
            if self._is_open:
                return
            wait.wait_until_met(
                lambda: self._find_gap(namespace),
                what="the admission policies to come into force",
                deadline_s=DEADLINE_S,
                hint="run again; if it stays so, look at the API server's log for kpo-pool-guard and kpo-placement",
            )
            self._is_open = True

    def _find_gap(self, namespace: str) -> str:
        stray = self._try_pod(_stray_pod(namespace))
        if GUARD not in stray:
            return f"a pod that does not belong on a pool was not refused by {GUARD}"
        refusal = self._try_pod(_kpo_pod(namespace)) if self._mutates_pods else ""
        return f"a KPO pod was not placed: {refusal}" if GUARD in refusal else ""

    def _try_pod(self, pod: Manifest) -> str:
        """Return why the pod would be refused, or nothing."""
        try:
            self._api.create(pod, dry_run=True)
        except errors.ApiError as error:
            if error.is_forbidden:
                return error.message
            raise
        return ""


def _kpo_pod(namespace: str) -> Manifest:
    label, value = plan.KPO_POD_LABEL
    pod = _pod(namespace)
    return pod | {"metadata": pod["metadata"] | {"labels": {label: value}}}


def _stray_pod(namespace: str) -> Manifest:
    pod = _pod(namespace)
    tolerations = [{"key": plan.POOL_KEY, "operator": "Exists"}]
    return pod | {"spec": pod["spec"] | {"tolerations": tolerations}}


def _pod(namespace: str) -> Manifest:
    """A pod that every Pod Security Standard lets in."""
    secure = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}, "runAsNonRoot": True}
    container = {
        "name": "base",
        "image": "kpo-provision.invalid/none:0",
        "securityContext": secure | {"runAsUser": 65534, "seccompProfile": {"type": "RuntimeDefault"}},
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "kpo-admission-trial", "namespace": namespace},
        "spec": {"containers": [container], "automountServiceAccountToken": False},
    }
