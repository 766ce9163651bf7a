"""What a kubelet holds back when nobody tells it to: eviction alone. So do kubeadm's nodes."""

from __future__ import annotations

from kpo_provision.sizing.node import NodeRequest, Reason
from kpo_provision.sizing.platforms.rule import KUBELET_MAX_PODS, Rule, check_max_pods


def hold_back(request: NodeRequest) -> Rule:
    """Work out the reservations of a kubelet with its own defaults (k8s.io/kubelet v1.36: 100Mi, nodefs 10 %)."""
    max_pods = check_max_pods(KUBELET_MAX_PODS if request.max_pods is None else request.max_pods)
    return Rule(
        max_pods=max_pods,
        reasons=(
            Reason(step="kubeReservedMemoryMiB", text="the kubelet reserves nothing unless told"),
            Reason(step="maxPods", text="the kubelet's default" if request.max_pods is None else "as asked"),
        ),
    )
