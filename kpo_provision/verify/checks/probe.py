"""Checks of the probe pod, in the order of KubernetesPodOperator's calls.

Those that say nothing of a tenant without launch rights, or without an image to probe with, do not apply to it.
"""

from __future__ import annotations

import json
from typing import Any

from kpo_provision import errors, plan
from kpo_provision.results import Outcome
from kpo_provision.verify import pod, refusals
from kpo_provision.verify.check import Check, Finding, failure, failure_of
from kpo_provision.verify.checks.pools import is_simulated
from kpo_provision.verify.probe import Probe
from kpo_provision.verify.subjects import TenantSubject


def launches(subject: TenantSubject) -> bool:
    """Tell whether the tenant may launch pods, so that there is something to probe."""
    return subject.tenant.may_launch


def _probe(subject: TenantSubject) -> Probe:
    if subject.probe is None:
        raise errors.UsageError(
            f"there is no image to probe tenant {subject.release} with",
            hint=_IMAGE_HINT,
        )
    return subject.probe


_IMAGE_HINT = (
    "set probeImage on one of the tenant's registries, or probe.image in the spec: any image with a POSIX shell"
)


def _check_launch(subject: TenantSubject) -> Finding:
    probe = _probe(subject)
    account = _read_own_name(subject)
    try:
        probe.launch()
    except errors.ApiError as error:
        return failure_of(refusals.classify_refusal(error))
    evidence = {"pod": f"{subject.tenant.namespace}/{probe.name}", "created-by": account}
    return Finding(detail=f"{evidence['pod']} created by {account}", evidence=evidence)


def _read_own_name(subject: TenantSubject) -> str:
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview", "metadata": {}}
    return str(subject.who.worker.create(review)["status"]["userInfo"]["username"])


def _check_scheduled(subject: TenantSubject) -> Finding:
    probe = _probe(subject)
    verdict = probe.wait_until(lambda found: bool(found["spec"].get("nodeName")))
    if verdict is not None:
        return failure_of(verdict)
    name = probe.seen["spec"]["nodeName"]
    node = subject.who.admin.read("Node", name)
    pool = node["metadata"].get("labels", {}).get(plan.POOL_KEY, "")
    evidence = {"node": name, "pool": pool, "scheduled-s": f"{probe.age_s:.2f}"}
    wanted = subject.tenant.pool.name if subject.tenant.pool else ""
    if pool != wanted:
        return Finding(
            outcome=Outcome.FAIL,
            detail=f"it runs on {name}, which is in pool {pool or 'none'} and not in {wanted or 'any'}",
            evidence=evidence,
        )
    detail = f"on {name} of pool {pool} after {evidence['scheduled-s']} s"
    if is_simulated(node):
        # The scheduler is real, and so is what it decided.
        return Finding(
            detail=f"{detail}, which is simulated", evidence=evidence | {"simulated": "true"}, simulated=True
        )
    return Finding(detail=detail, evidence=evidence)


def _check_image(subject: TenantSubject) -> Finding:
    probe = _probe(subject)
    node = subject.who.admin.read("Node", probe.seen["spec"]["nodeName"])
    if is_simulated(node):
        return Finding(outcome=Outcome.SKIP, detail="simulated node: nothing was run", simulated=True)
    verdict = probe.wait_until(lambda found: _has_started(found, pod.BASE))
    if verdict is not None:
        return failure_of(verdict)
    probe.read()
    secrets = ", ".join(reference["name"] for reference in probe.seen["spec"].get("imagePullSecrets", ()))
    evidence = {
        "image": str(subject.tenant.probe_image),
        "image-id": str(_status_of(probe.seen, pod.BASE).get("imageID", "")),
        "pull-secrets": secrets,
        "started-s": f"{probe.age_s:.2f}",
    }
    login = f"with secret {secrets} of its service account" if secrets else "without a secret"
    return Finding(detail=f"{evidence['image']} {login}; started after {evidence['started-s']} s", evidence=evidence)


def _check_events(subject: TenantSubject) -> Finding:
    events = _probe(subject).read_events()
    if not events:
        return Finding(outcome=Outcome.WARN, detail="no event about the pod has arrived yet", hint="try again")
    pulled = next((event["message"] for event in events if event.get("reason") == "Pulled"), "")
    return Finding(
        detail=f"{len(events)} events" + (f"; {errors.clip(pulled)}" if pulled else ""),
        evidence={"pulled": errors.clip(pulled)} if pulled else {},
    )


def _check_log(subject: TenantSubject) -> Finding:
    probe = _probe(subject)
    greeting = probe.read_line("hello")
    if greeting is not None:
        return Finding(detail=greeting, evidence={"log-line": greeting})
    last = probe.lines[-1] if probe.lines else "nothing"
    return failure(f"the log ended without the line that the pod prints; its last line was: {errors.clip(last)}")


def _check_xcom(subject: TenantSubject) -> Finding:
    probe = _probe(subject)
    verdict = probe.wait_until(lambda found: _has_started(found, pod.SIDECAR))
    if verdict is not None:
        return failure_of(verdict)
    read = probe.exec(*pod.READ_XCOM)
    if read.exit_code or not _is_own_value(read.stdout, probe.described.run):
        return failure(
            f"reading {pod.XCOM_FILE} gave exit code {read.exit_code}: {errors.clip(read.stdout + read.stderr)}"
        )
    ended = probe.exec("sh", "-c", "kill -s INT 1")
    if ended.exit_code:
        return failure(f"the sidecar cannot be told to end: exit code {ended.exit_code}: {errors.clip(ended.stderr)}")
    return Finding(detail=read.stdout.strip())


def _is_own_value(text: str, run: str) -> bool:
    try:
        return bool(json.loads(text) == {"run": run})
    except ValueError:
        return False


def _check_patch(subject: TenantSubject) -> Finding:
    _probe(subject).mark_checked()
    return Finding()


def _check_delete(subject: TenantSubject) -> Finding:
    probe = _probe(subject)
    if not probe.exists:
        return Finding(outcome=Outcome.SKIP, detail="not checked: the pod was gone already")
    probe.delete()
    return Finding(detail=f"gone {probe.age_s:.2f} s after it was created", evidence={"total-s": f"{probe.age_s:.2f}"})


def _status_of(found: dict[str, Any], container: str) -> dict[str, Any]:
    statuses = found.get("status", {}).get("containerStatuses", ())
    return next((status for status in statuses if status["name"] == container), {})


def _has_started(found: dict[str, Any], container: str) -> bool:
    state = _status_of(found, container).get("state", {})
    return "running" in state or bool(state.get("terminated", {}).get("startedAt"))


LAUNCH: Check[TenantSubject] = Check(
    id="probe-launch",
    description="{worker} can create pods",
    hint="the API server's message says who refused",
    judge=_check_launch,
    needs=("tenant-namespace",),
    applies=launches,
)
LIFE: tuple[Check[TenantSubject], ...] = (
    Check(
        id="probe-scheduled",
        description="the pod is placed on pool {pool}, though it names none",
        hint="check that the policies kpo-placement and kpo-pool-guard are bound (cluster-admission)",
        judge=_check_scheduled,
        needs=("probe-launch",),
        applies=launches,
    ),
    Check(
        id="probe-image",
        description="its image is pulled: {image}",
        hint="`kubectl describe pod` shows what the node saw",
        judge=_check_image,
        needs=("probe-scheduled",),
        applies=launches,
    ),
    Check(
        id="probe-events",
        description="its events can be read",
        hint="the worker's account needs list on events",
        judge=_check_events,
        needs=("probe-image",),
        applies=launches,
    ),
    Check(
        id="probe-log",
        description="its log can be followed",
        hint="the image needs a POSIX shell at sh; the worker's account needs get on pods/log",
        judge=_check_log,
        needs=("probe-image",),
        applies=launches,
    ),
    Check(
        id="probe-xcom",
        description="XCom can be read from its sidecar, and the sidecar ended",
        hint="the worker's account needs get and create on pods/exec; sidecar and task must run as the same user",
        judge=_check_xcom,
        needs=("probe-image",),
        applies=launches,
    ),
    Check(
        id="probe-patch",
        description="its labels can be changed",
        hint="the worker's account needs patch on pods",
        judge=_check_patch,
        needs=("probe-scheduled",),
        applies=launches,
    ),
)
DELETE: Check[TenantSubject] = Check(
    id="probe-delete",
    description="it can be deleted, and is gone",
    hint="a finalizer or a node that does not answer keeps it: `kubectl get pod -o yaml` shows which",
    judge=_check_delete,
    needs=("probe-launch",),
    applies=launches,
)
