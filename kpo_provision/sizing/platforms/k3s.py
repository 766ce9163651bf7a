"""What k3s and RKE2 let a kubelet hold back: no memory at all.

Their ``--eviction-hard=imagefs.available<5%,nodefs.available<5%`` replaces all of the kubelet's defaults, because the
kubelet does not merge the two (k3s ``pkg/daemons/agent``, kubernetes ``pkg/kubelet/eviction``; read 2026-11-23).
"""

from __future__ import annotations

from kpo_provision.sizing.node import NodeRequest, Reason
from kpo_provision.sizing.platforms.rule import KUBELET_MAX_PODS, Rule, check_max_pods


def hold_back(request: NodeRequest) -> Rule:
    """Work out the reservations of a k3s or RKE2 agent."""
    return Rule(
        max_pods=check_max_pods(KUBELET_MAX_PODS if request.max_pods is None else request.max_pods),
        eviction_memory_ki=0,
        nodefs_eviction_percent=5,
        reasons=(
            Reason(step="kubeReservedMemoryMiB", text="k3s and RKE2 reserve nothing unless told"),
            Reason(
                step="evictionMemoryMiB", text="their eviction settings replace the kubelet's 100Mi and name no memory"
            ),
            Reason(step="maxPods", text="the kubelet's default" if request.max_pods is None else "as asked"),
        ),
        warnings=("nothing is reserved: pods that use all they ask for can starve the kubelet itself",),
    )
