"""What the scheduler counts for a pod, and what is added to the pod that its author wrote.

Counts as ``PodRequests`` of k8s.io/component-helpers ``resource/helpers.go`` does (v0.34, read 2026-11-23): app
containers and native sidecars run together; an init container runs alone beside the sidecars that were started before
it; what the pod states for itself replaces the sum of its containers; the overhead of its RuntimeClass comes on top.
Knows nothing of nodes.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from kpo_provision.sizing.resources import Resources


@dataclass(frozen=True, slots=True, kw_only=True)
class Amounts:
    """Requests or limits as they are written: None where nothing is. Memory in KiB, rounded up."""

    cpu_milli: int | None = None
    memory_ki: int | None = None
    ephemeral_bytes: int | None = None

    def filled_from(self, other: Amounts) -> Amounts:
        """Take from ``other`` what is not written here."""
        return Amounts(
            cpu_milli=other.cpu_milli if self.cpu_milli is None else self.cpu_milli,
            memory_ki=other.memory_ki if self.memory_ki is None else self.memory_ki,
            ephemeral_bytes=other.ephemeral_bytes if self.ephemeral_bytes is None else self.ephemeral_bytes,
        )

    def over(self, counted: Resources) -> Resources:
        """Take from ``counted`` what is not written here."""
        return Resources(
            cpu_milli=counted.cpu_milli if self.cpu_milli is None else self.cpu_milli,
            memory_ki=counted.memory_ki if self.memory_ki is None else self.memory_ki,
            ephemeral_bytes=counted.ephemeral_bytes if self.ephemeral_bytes is None else self.ephemeral_bytes,
        )


NOTHING = Amounts()


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """A container of a pod. ``is_sidecar``: an init container with ``restartPolicy: Always``, which keeps running."""

    requests: Amounts = NOTHING
    limits: Amounts = NOTHING
    is_sidecar: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerDefaults:
    """What a LimitRange fills in where a container says nothing."""

    requests: Amounts = NOTHING
    limits: Amounts = NOTHING


NO_DEFAULTS = ContainerDefaults()
NO_OVERHEAD = Resources()


@dataclass(frozen=True, slots=True, kw_only=True)
class PodSpec:
    """The part of a pod that is counted.

    ``requests`` and ``limits`` are those of the pod as a whole (CPU and memory alone can be stated there). ``overhead``
    is ``overhead.podFixed`` of its RuntimeClass.
    """

    containers: tuple[Container, ...]
    init_containers: tuple[Container, ...] = ()
    requests: Amounts = NOTHING
    limits: Amounts = NOTHING
    overhead: Resources = NO_OVERHEAD
    defaults: ContainerDefaults = NO_DEFAULTS


XCOM_SIDECAR = Container(requests=Amounts(cpu_milli=1, memory_ki=10 * 1024))
"""What ``do_xcom_push=True`` adds: requests and no limits, so a LimitRange's default limits are counted for it
(apache-airflow-providers-cncf-kubernetes, ``xcom_sidecar.py`` at 167d5fd)."""
MESH_SIDECAR = Container(
    requests=Amounts(cpu_milli=100, memory_ki=128 * 1024), limits=Amounts(cpu_milli=2000, memory_ki=1024 * 1024)
)
"""What Istio adds unless it is told otherwise (``values.yaml`` of istiod, read 2026-08); the init container that comes
with it asks for no more and runs before everything else, so it never counts."""


def effective_request(pod: PodSpec) -> Resources:
    """Count what the scheduler looks for on a node: requests, and one pod."""
    return _pod_requests(pod).over(_count_containers(pod, _read_request)) + pod.overhead + Resources(pods=1)


def effective_limit(pod: PodSpec) -> Resources:
    """Count the pod's limits as ResourceQuota does; a container without a limit counts nothing."""
    counted = pod.limits.over(_count_containers(pod, _read_limit))
    # A pod without any limit has none, overhead or not.
    return Resources(
        cpu_milli=counted.cpu_milli + pod.overhead.cpu_milli if counted.cpu_milli else 0,
        memory_ki=counted.memory_ki + pod.overhead.memory_ki if counted.memory_ki else 0,
        ephemeral_bytes=counted.ephemeral_bytes + pod.overhead.ephemeral_bytes if counted.ephemeral_bytes else 0,
        pods=1,
    )


def add_containers(pod: PodSpec, *containers: Container) -> PodSpec:
    """Return the pod as it is once sidecars were added to it, as KubernetesPodOperator or a mesh do."""
    return replace(pod, containers=(*pod.containers, *containers))


def largest_task(pod_maximum: Resources, *, sidecars: Sequence[Container], defaults: ContainerDefaults) -> Resources:
    """Work out what a task's own container may ask for at most beside ``sidecars``.

    A LimitRange holds all containers' limits together against the pod's maximum; a resource comes out negative where
    the sidecars alone are too large.
    """
    beside = effective_limit(PodSpec(containers=tuple(sidecars), defaults=defaults))
    return replace(pod_maximum - beside, pods=pod_maximum.pods)


def _pod_requests(pod: PodSpec) -> Amounts:
    """What the pod as a whole requests, where it states anything as a whole.

    The API server fills a missing request from the containers that state one, before a LimitRange gives the others
    theirs, and from the pod's limit where no container does (``defaults.go`` of k8s.io/kubernetes v1.34).
    """
    if pod.requests == pod.limits == NOTHING:
        return NOTHING
    unfilled = replace(pod, defaults=NO_DEFAULTS)
    by_containers = _count_containers(unfilled, _read_request)
    stating = [
        container.requests.filled_from(container.limits) for container in (*pod.containers, *pod.init_containers)
    ]
    from_containers = Amounts(
        cpu_milli=by_containers.cpu_milli if any(each.cpu_milli is not None for each in stating) else None,
        memory_ki=by_containers.memory_ki if any(each.memory_ki is not None for each in stating) else None,
    )
    return pod.requests.filled_from(from_containers).filled_from(pod.limits)


def _count_containers(pod: PodSpec, read: Callable[[Container, ContainerDefaults], Resources]) -> Resources:
    running = functools.reduce(operator.add, (read(each, pod.defaults) for each in pod.containers), Resources())
    sidecars = peak = Resources()
    for container in pod.init_containers:
        counted = read(container, pod.defaults)
        if container.is_sidecar:
            running, sidecars = running + counted, sidecars + counted
            peak = _larger(peak, sidecars)
        else:
            peak = _larger(peak, sidecars + counted)
    return _larger(running, peak)


def _read_request(container: Container, defaults: ContainerDefaults) -> Resources:
    # The API server takes a missing request from the limit before a LimitRange is asked.
    stated = container.requests.filled_from(container.limits)
    return stated.filled_from(defaults.requests).over(Resources())


def _read_limit(container: Container, defaults: ContainerDefaults) -> Resources:
    return container.limits.filled_from(defaults.limits).over(Resources())


def _larger(one: Resources, other: Resources) -> Resources:
    return Resources(
        cpu_milli=max(one.cpu_milli, other.cpu_milli),
        memory_ki=max(one.memory_ki, other.memory_ki),
        ephemeral_bytes=max(one.ephemeral_bytes, other.ephemeral_bytes),
    )
