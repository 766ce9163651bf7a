"""What the kubelets of our own hosts are told to hold back.

By the pods that a node may run, as EKS does, rather than by its memory, as GKE does: what kubelet, containerd and their
shims need grows with the pods, and a host with a terabyte needs no more of it than one with 64 GiB.
"""

from __future__ import annotations

from kpo_provision.sizing.node import NodeRequest, Reason
from kpo_provision.sizing.platforms import eks
from kpo_provision.sizing.platforms.rule import GIB, KI_PER_MIB, KUBELET_MAX_PODS, Rule, check_max_pods


def hold_back(request: NodeRequest) -> Rule:
    """Work out the reservations that are written into the kubelet's configuration."""
    max_pods = check_max_pods(KUBELET_MAX_PODS if request.max_pods is None else request.max_pods)
    return Rule(
        max_pods=max_pods,
        kube_cpu_milli=eks.kube_cpu_milli(request.machine.vcpu * 1000),
        kube_memory_ki=eks.kube_memory_mib(max_pods) * KI_PER_MIB,
        kube_ephemeral_bytes=GIB,
        reasons=(
            Reason(
                step="kubeReservedMemoryMiB",
                text=f"as EKS does: {eks.BASE_MIB} MiB + {eks.MIB_PER_POD} MiB for each of {max_pods} pods",
            ),
            Reason(
                step="kubeReservedCpuMilli",
                text="as EKS does: 6 % of the first CPU, 1 % of the second, 0.5 % of the next two, 0.25 % of the rest",
            ),
            Reason(step="maxPods", text="the kubelet's default" if request.max_pods is None else "as asked"),
        ),
    )
