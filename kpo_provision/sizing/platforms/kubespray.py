"""What kubespray tells a kubelet to hold back when its ``kube_reserved`` is on.

``roles/kubernetes/node/defaults/main.yml`` of kubernetes-sigs/kubespray at 46dbdd3 (2026-08-21).
"""

from __future__ import annotations

from kpo_provision.sizing.node import NodeRequest, Reason
from kpo_provision.sizing.platforms.rule import KI_PER_MIB, KUBELET_MAX_PODS, Rule, check_max_pods

KUBE_CPU_MILLI = 100
KUBE_MEMORY_MIB = 256


def hold_back(request: NodeRequest) -> Rule:
    """Work out the reservations of a worker with ``kube_reserved: true``."""
    return Rule(
        max_pods=check_max_pods(KUBELET_MAX_PODS if request.max_pods is None else request.max_pods),
        kube_cpu_milli=KUBE_CPU_MILLI,
        kube_memory_ki=KUBE_MEMORY_MIB * KI_PER_MIB,
        reasons=(
            Reason(
                step="kubeReservedMemoryMiB", text="kubespray's value where kube_reserved is on; it is off by default"
            ),
            Reason(step="maxPods", text="the kubelet's default" if request.max_pods is None else "as asked"),
        ),
    )
