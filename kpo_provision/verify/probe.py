"""The life of one probe pod, call by call as KubernetesPodOperator makes them, as the tenant's own worker.

Waiting is done by watching as the caller of ``verify``, because KubernetesPodOperator has no right to watch pods and
polls; everything that it does call is called as the worker. Judges nothing.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator

from kpo_provision import errors
from kpo_provision.kube.api import Api
from kpo_provision.kube.exec import ExecResult
from kpo_provision.kube.kinds import Manifest
from kpo_provision.plan import POOL_KEY, Plan, TenantPlan
from kpo_provision.verify import classify, pod, refusals
from kpo_provision.verify.identities import Identities
from kpo_provision.verify.verdict import Cause, Verdict

_EVENT_PERIOD_S = 10.0
"""How often events are read while a pod does not change: an autoscaler that gives up says so there alone."""
_SETTLING_S = 3.0
_SETTLING_PERIOD_S = 0.2
"""Policies and bindings that were applied a moment ago are not yet known to every API server; nothing says when."""
_LOGIN_PATIENCE_S = 40.0
"""How long a kubelet may go without the pod's pull secret. It looks at the pod again 10 to 15 s after a failed pull,
and pulls again if its back-off of 10 s is over by then; else it looks once more."""
_SELECTOR = ",".join(f"{key}={value}" for key, value in pod.MARKS.items())


def sweep_probes(api: Api, namespace: str) -> int:
    """Delete every probe pod in a namespace, and say how many there were."""
    found = api.list("Pod", namespace, label_selector=_SELECTOR)
    for leftover in found:
        delete_quietly(api, leftover["metadata"]["name"], namespace)
    return len(found)


def delete_quietly(api: Api, name: str, namespace: str) -> None:
    """Delete a pod at once; one that is gone already is as good."""
    try:
        api.delete("Pod", name, namespace, grace_s=0)
    except errors.ApiError as error:
        if not error.is_not_found:
            raise


def _may_settle(error: errors.ApiError, *, has_swept: bool) -> bool:
    """Tell whether a refusal goes away by itself: rights take a moment to be known, quota one to be given back.

    A conflict is the API server's with the quota controller, when both count the same quota.
    """
    passing = {Cause.ADMISSION_REFUSED, Cause.FORBIDDEN_RBAC} | ({Cause.QUOTA_EXCEEDED} if has_swept else set())
    return error.reason == "Conflict" or refusals.classify_refusal(error).cause in passing


class Probe:
    """A tenant's probe pod from its creation to its end."""

    def __init__(self, who: Identities, plan: Plan, tenant: TenantPlan, *, timeout_s: float) -> None:
        self._who = who
        self._tenant = tenant
        self._timeout_s = timeout_s
        self._started_at = time.monotonic()
        self.exists = False
        """Whether there is a pod to delete, as far as is known."""
        self._is_cancelled = False
        self._changes: Iterator[Manifest] = iter(())
        self._log: Iterator[str] = iter(())
        self.described = pod.make_probe(plan, tenant, run=secrets.token_hex(4), timeout_s=timeout_s)
        self.seen: Manifest = {}
        """The pod as it was last seen."""
        self.lines: list[str] = []
        """What its log said so far."""

    @property
    def name(self) -> str:
        """Name of the pod."""
        return self.described.name

    @property
    def age_s(self) -> float:
        """Seconds since it was asked for."""
        return time.monotonic() - self._started_at

    @property
    def _left_s(self) -> float:
        return 0.0 if self._is_cancelled else max(0.0, self._timeout_s - self.age_s)

    def cancel(self) -> None:
        """Launch nothing any more, and wait for nothing: whoever wanted to know has gone."""
        self._is_cancelled = True

    def launch(self) -> None:
        """Look for a pod to take up again, as KubernetesPodOperator does, remove what is there, and create this one.

        A refusal counts once what was applied or removed just before must have come into force; a full quota from
        which nothing was removed counts at once.
        """
        settled_at = time.monotonic() + _SETTLING_S
        swept = 0
        while True:
            try:
                swept += sweep_probes(self._who.worker, self._tenant.namespace)
                self._create()
            except errors.ApiError as error:
                if not _may_settle(error, has_swept=swept > 0) or time.monotonic() > settled_at:
                    raise
            else:
                if self._is_placed() or time.monotonic() > settled_at:
                    return
            time.sleep(_SETTLING_PERIOD_S)

    def _create(self) -> None:
        if self._is_cancelled:
            raise errors.ClusterError("the verification was interrupted", hint="run it again")
        self._started_at = time.monotonic()
        self.exists = True
        try:
            self.seen = self._who.worker.create(self.described.manifest)
        except errors.ApiError:
            self.exists = False
            raise

    def _is_placed(self) -> bool:
        pool = self._tenant.pool
        return pool is None or self.seen["spec"].get("nodeSelector", {}).get(POOL_KEY) == pool.name

    def wait_until(self, is_reached: Callable[[Manifest], bool]) -> Verdict | None:
        """Wait for the pod to get somewhere; return what keeps it from that, or None when it is there."""
        events: list[Manifest] = []
        while not is_reached(self.seen):
            verdict = classify.classify_pod(self.seen, events, self._tenant)
            if verdict is not None and self._is_settled(verdict):
                return verdict
            if not self._left_s:
                return verdict or classify.timed_out(self.seen, events, waited_s=self._timeout_s)
            change = next(self._changes, None)
            if change is None:
                events = self.read_events(self._who.admin)
                self._changes = self._watch()
            elif change["type"] == "DELETED":
                self.exists = False
                return classify.removed()
            else:
                self.seen = change["object"]
        return None

    def read(self) -> None:
        """Read the pod as the worker, as KubernetesPodOperator does when it polls."""
        self.seen = self._who.worker.read("Pod", self.name, self._tenant.namespace)

    def read_events(self, api: Api | None = None) -> list[Manifest]:
        """List the pod's events, as the worker unless told otherwise."""
        selector = f"involvedObject.name={self.name}"
        return (api or self._who.worker).list("Event", self._tenant.namespace, field_selector=selector)

    def read_line(self, word: str) -> str | None:
        """Follow the log to the line that says ``word``; None when the log ends without it.

        Raises:
            errors.WaitTimeoutError: It neither came nor did the log end in time.
        """
        opening = self.described.opening(word)
        found = next((line for line in self.lines if line.startswith(opening)), None)
        if found is not None:
            return found
        if not self.lines:
            timeout_s = max(1.0, self._left_s)
            self._log = self._who.worker.stream_log(self.name, self._tenant.namespace, pod.BASE, timeout_s=timeout_s)
        for line in self._log:
            self.lines.append(line)
            if line.startswith(opening):
                return line
        return None

    def exec(self, *command: str) -> ExecResult:
        """Run a command in the sidecar, as the worker."""
        timeout_s = max(1.0, self._left_s)
        return self._who.worker.exec(self.name, self._tenant.namespace, pod.SIDECAR, command, timeout_s=timeout_s)

    def mark_checked(self) -> None:
        """Put on the label by which KubernetesPodOperator knows pods that it has dealt with."""
        body = {"metadata": {"labels": {"already_checked": "True"}}}
        self._who.worker.patch("Pod", self.name, self._tenant.namespace, body)

    def delete(self) -> None:
        """Delete the pod as the worker, and make sure that it is gone.

        Raises:
            errors.WaitTimeoutError: It is still there.
        """
        self._who.worker.delete("Pod", self.name, self._tenant.namespace, grace_s=0)
        try:
            left = self._who.worker.read("Pod", self.name, self._tenant.namespace)
        except errors.ApiError as error:
            if not error.is_not_found:
                raise
            self.exists = False
        else:
            phase = left.get("status", {}).get("phase", "unknown")
            finalizers = ", ".join(left["metadata"].get("finalizers", ())) or "none"
            raise errors.WaitTimeoutError(
                what=f"pod {self.name} to be gone", waited_s=0, last_seen=f"phase {phase}, finalizers {finalizers}"
            )

    def discard(self) -> None:
        """Delete the pod, whatever became of it, as whoever runs this; does nothing when it is gone."""
        self._changes, self._log = iter(()), iter(())
        if self.exists:
            delete_quietly(self._who.admin, self.name, self._tenant.namespace)
            self.exists = False

    def _is_settled(self, verdict: Verdict) -> bool:
        lacks_login = verdict.cause is Cause.IMAGE_PULL_UNAUTHORIZED
        return verdict.is_final or (lacks_login and self.age_s > _LOGIN_PATIENCE_S)

    def _watch(self) -> Iterator[Manifest]:
        return self._who.admin.watch(
            "Pod",
            namespace=self._tenant.namespace,
            field_selector=f"metadata.name={self.name}",
            resource_version=self.seen["metadata"]["resourceVersion"],
            timeout_s=min(self._left_s, _EVENT_PERIOD_S),
        )
