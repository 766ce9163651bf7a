"""What keeps a pod from running, told from what the API server says of it: a name, a sentence, and what to do next.

Pure: reads the pod and its events, and asks nobody. Messages are those of Kubernetes 1.30 to 1.37 and
containerd 1.6 to 2.4, seen on real clusters; what matches nothing keeps the server's own words.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from kpo_provision import errors
from kpo_provision.plan import POOL_KEY, TenantPlan
from kpo_provision.verify import pulls
from kpo_provision.verify.verdict import Cause, Verdict, rule

Manifest = Mapping[str, Any]


_UNSCHEDULABLE = (
    rule(
        r"Insufficient cpu",
        Cause.UNSCHEDULABLE_CPU,
        "the pool's nodes have no CPU left: wait, add nodes to the pool, or lower what the tasks ask for",
    ),
    rule(
        r"Insufficient memory",
        Cause.UNSCHEDULABLE_MEMORY,
        "the pool's nodes have no memory left: wait, add nodes to the pool, or lower what the tasks ask for",
    ),
    rule(
        r"Too many pods",
        Cause.UNSCHEDULABLE_MAX_PODS,
        "the pool's nodes run as many pods as their kubelets allow: add nodes, or raise maxPods",
    ),
    rule(
        r"node\(s\) had (untolerated|taint)|the pod didn't tolerate",
        Cause.UNSCHEDULABLE_TAINT,
        "the pod does not tolerate the pool's taint: on Kubernetes 1.36 or newer check that the policy kpo-placement "
        "is bound, before that hand Airflow the rendered pod template",
    ),
    rule(
        r"didn't match Pod's node (affinity/)?selector|didn't match node selector|node affinity|no nodes available",
        Cause.UNSCHEDULABLE_SELECTOR,
        "no node carries the pool's label: add nodes to the pool, or run `kpo-provision apply` to label them",
    ),
)

_UNKNOWN_OBSTACLE = "`kubectl describe pod` and `kubectl get nodes` show what the scheduler saw"
_CONFIG_REASONS = frozenset(
    {"CreateContainerConfigError", "CreateContainerError", "RunContainerError", "StartError", "ContainerCannotRun"}
)


def classify_pod(pod: Manifest, events: Iterable[Manifest], tenant: TenantPlan) -> Verdict | None:
    """Name what keeps a pod from running or made it fail; None while all is well."""
    status = pod.get("status") or {}
    containers = (*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ()))
    for container in containers:
        verdict = _classify_container(container, tenant, _pull_secrets(pod))
        if verdict is not None:
            return verdict
    if status.get("phase") == "Failed":
        why = ": ".join(part for part in (status.get("reason"), status.get("message")) if part)
        return Verdict(
            cause=Cause.POD_FAILED,
            sentence=f"the pod failed ({errors.clip(why) or 'no reason given'})",
            hint="look at the node it ran on: `kubectl describe node`",
        )
    return _classify_scheduling(pod, tuple(events))


def timed_out(pod: Manifest, events: Sequence[Manifest], *, waited_s: float) -> Verdict:
    """Name a deadline that passed, with the last state seen and the last warning."""
    status = pod.get("status") or {}
    waiting = [
        f"container {container['name']} is waiting ({container['state']['waiting'].get('reason', 'no reason')})"
        for container in status.get("containerStatuses") or ()
        if "waiting" in (container.get("state") or {})
    ]
    warnings = [event.get("message", "") for event in events if event.get("type") == "Warning"]
    seen = [f"phase {status.get('phase', 'unknown')}", *waiting, *warnings[-1:]]
    return Verdict(
        cause=Cause.TIMEOUT,
        sentence=f"gave up after {waited_s:.0f} s; last seen: {errors.clip('; '.join(seen))}",
        hint="a pool that scales up from nothing, or a large image, takes longer: try a longer --timeout, and give "
        "KubernetesPodOperator the same startup_timeout_seconds",
    )


def removed() -> Verdict:
    """Name a pod that went away while it was waited for."""
    return Verdict(
        cause=Cause.REMOVED,
        sentence="the pod was deleted by somebody else while it was being watched",
        hint="another verification of this tenant, a clean-up job or a node's drain may have done that: try again",
    )


def _classify_container(container: Manifest, tenant: TenantPlan, secrets: Sequence[str]) -> Verdict | None:
    state = container.get("state") or {}
    waiting, terminated = state.get("waiting") or {}, state.get("terminated") or {}
    reason = waiting.get("reason") or terminated.get("reason") or ""
    message = errors.clip(waiting.get("message") or terminated.get("message") or "")
    name = container.get("name", "")
    last_exit = (container.get("lastState") or {}).get("terminated") or {}
    if reason in pulls.REASONS:
        return _classify_pull(reason, container, tenant, secrets)
    if "OOMKilled" in (reason, last_exit.get("reason")):
        return Verdict(
            cause=Cause.OOM_KILLED,
            sentence=f"container {name} used more memory than its limit and was killed",
            hint="raise the task's memory limit (container_resources in the DAG)",
        )
    if reason in _CONFIG_REASONS:
        return Verdict(
            cause=Cause.CONTAINER_CONFIG,
            sentence=f"container {name} cannot be started ({reason}): {message}",
            hint=_hint_for_config(message),
        )
    if reason == "CrashLoopBackOff" or terminated.get("exitCode"):
        code = terminated.get("exitCode") or last_exit.get("exitCode", "unknown")
        return Verdict(
            cause=Cause.CRASH_LOOP,
            sentence=f"container {name} ended with exit code {code}",
            hint=f"read what it said: `kubectl logs <pod> -c {name}`",
        )
    return None


def _classify_pull(reason: str, container: Manifest, tenant: TenantPlan, secrets: Sequence[str]) -> Verdict | None:
    problem = pulls.parse_problem(reason, container["state"]["waiting"].get("message", ""))
    if problem is None:
        return None
    image = container.get("image", "")
    server = pulls.parse_server(image)
    words = errors.clip(problem.words)
    match problem.kind:
        case pulls.Kind.UNAUTHORIZED:
            return Verdict(
                cause=Cause.IMAGE_PULL_UNAUTHORIZED,
                sentence=f"image pull unauthorized: {server} refused {image} to "
                f"{_name_login(server, tenant, secrets)}: {words}",
                hint=_hint_for_login(server, tenant),
                # A kubelet may be let see a new pod's secret too late for its first pull; it tries again.
                is_final=not (problem.lacked_login and _find_login(server, tenant, secrets)),
            )
        case pulls.Kind.NOT_FOUND:
            return Verdict(
                cause=Cause.IMAGE_NOT_FOUND,
                sentence=f"{server} has no image {image}: {words}",
                hint="compare repository and tag with what the registry holds",
            )
        case pulls.Kind.UNREACHABLE:
            return Verdict(
                cause=Cause.REGISTRY_UNREACHABLE,
                sentence=f"the node cannot get {image} from {server}: {words}",
                hint=pulls.hint_for_unreachable(problem.words, server),
                is_final=False,
            )


def _list_secrets(server: str, tenant: TenantPlan) -> list[str]:
    return [registry.secret_name for registry in tenant.registries if registry.server == server]


def _find_login(server: str, tenant: TenantPlan, secrets: Sequence[str]) -> str:
    """Name the secret for ``server`` that a pod carries; empty when there is none."""
    ours = _list_secrets(server, tenant)
    return next((name for name in ours if name in secrets), "")


def _name_login(server: str, tenant: TenantPlan, secrets: Sequence[str]) -> str:
    carried = _find_login(server, tenant, secrets)
    if carried:
        return f"secret {tenant.namespace}/{carried}"
    ours = _list_secrets(server, tenant)
    return f"a pod without secret {ours[0]}" if ours else "a pod without a secret for it"


def _hint_for_login(server: str, tenant: TenantPlan) -> str:
    for registry in tenant.registries:
        if registry.server == server:
            return (
                f"correct the credentials of registry `{registry.name}` where the spec reads them, then run "
                f"`kpo-provision apply`; it writes secret {registry.secret_name} in {tenant.namespace} again"
            )
    return f"add a registry with server {server} to the spec and to the tenant's registries, then apply"


def _hint_for_config(message: str) -> str:
    if "executable file not found" in message or "no such file or directory" in message:
        return "the probe needs an image with a POSIX shell: set probeImage to one that has /bin/sh"
    if "runAsNonRoot" in message:
        return "the image runs as root: build it with a numeric USER, or set podSecurity: baseline for the tenant"
    return "the message names the field, secret or file that the container asks for"


def _classify_scheduling(pod: Manifest, events: Sequence[Manifest]) -> Verdict | None:
    conditions = (pod.get("status") or {}).get("conditions") or ()
    scheduled: Manifest = next((found for found in conditions if found.get("type") == "PodScheduled"), {})
    if scheduled.get("status") != "False" or scheduled.get("reason") != "Unschedulable":
        return None
    message = scheduled.get("message", "")
    will_not_grow = any(event.get("reason") == "NotTriggerScaleUp" for event in events)
    known = [rule for rule in _UNSCHEDULABLE if rule.pattern.search(message)]
    if len(known) > 1 and known[0].cause is Cause.UNSCHEDULABLE_TAINT and _tolerates_pool(pod):
        # The scheduler names one obstacle a node: the taints are those of other pools.
        known = known[1:]
    cause, hint = (known[0].cause, known[0].hint) if known else (Cause.UNSCHEDULABLE, _UNKNOWN_OBSTACLE)
    return Verdict(cause=cause, sentence=_clip_scheduler(message), hint=hint, is_final=will_not_grow)


def _tolerates_pool(pod: Manifest) -> bool:
    tolerations = (pod.get("spec") or {}).get("tolerations") or ()
    return any(toleration.get("key") == POOL_KEY for toleration in tolerations)


def _clip_scheduler(message: str) -> str:
    """Drop what preemption would have done: it repeats the same reasons."""
    return errors.clip(message.partition(" preemption:")[0].rstrip(". "))


def _pull_secrets(pod: Manifest) -> tuple[str, ...]:
    references = (pod.get("spec") or {}).get("imagePullSecrets") or ()
    return tuple(reference.get("name", "") for reference in references)
