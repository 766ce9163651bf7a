"""What a platform's rule answers for one node, before what the user knows better is put in its place."""

from __future__ import annotations

from dataclasses import dataclass

from kpo_provision import errors
from kpo_provision.sizing.node import Reason

KI_PER_MIB = 1024
GIB = 2**30
KUBELET_EVICTION_KI = 100 * KI_PER_MIB
"""The kubelet's own default of ``evictionHard.memory.available``."""
KUBELET_MAX_PODS = 110
"""The kubelet's own default of ``maxPods``."""
KUBELET_MOST_PODS = 2500
"""The most pods a node that any distribution supports (OpenShift)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What the kubelet of one node holds back by its platform's rule; memory in KiB.

    ``nodefs_eviction_percent`` is the share of ephemeral storage below which the kubelet evicts.
    ``reasons`` name the step they explain; steps without one need none.
    """

    max_pods: int
    kube_cpu_milli: int = 0
    kube_memory_ki: int = 0
    kube_ephemeral_bytes: int = 0
    eviction_memory_ki: int = KUBELET_EVICTION_KI
    nodefs_eviction_percent: int = 10
    pod_cidr_prefix: int | None = None
    reasons: tuple[Reason, ...] = ()
    warnings: tuple[str, ...] = ()


def check_max_pods(max_pods: int, *, lowest: int = 1, highest: int = KUBELET_MOST_PODS) -> int:
    """Return ``max_pods`` if a kubelet of the platform may be told so.

    Raises:
        errors.SizingError: It may not.
    """
    if not lowest <= max_pods <= highest:
        raise errors.SizingError(
            f"a node cannot have a maximum of {max_pods} pods here", hint=f"give {lowest} to {highest}"
        )
    return max_pods
