"""What AKS's kubelets hold back.

learn.microsoft.com/azure/aks/node-resource-reservations (read 2026-11-23), whose "MB" are MiB on observed nodes; the
older rule as Azure/karpenter-provider-azure ``pkg/providers/instancetype`` has it at 352646f (2026-08-20).
"""

from __future__ import annotations

from kpo_provision.sizing import version
from kpo_provision.sizing.node import NodeRequest, Reason
from kpo_provision.sizing.platforms.rule import KI_PER_MIB, KUBELET_EVICTION_KI, Rule, check_max_pods

MIN_PODS, MAX_PODS = 10, 250
DEFAULT_PODS = 250
"""Azure CNI Overlay, which new clusters get; it also reserves the most."""
BY_PODS_SINCE_MINOR = 29
MIB_PER_POD, BASE_MIB = 20, 50
MOST_PERCENT = 25
OLD_EVICTION_KI = 750 * KI_PER_MIB

_OLD_BRACKETS_MIB = ((0, 25), (4096, 20), (8192, 10), (16384, 6), (131072, 2))


def hold_back(request: NodeRequest) -> Rule:
    """Work out the reservations of an AKS node."""
    max_pods = check_max_pods(
        DEFAULT_PODS if request.max_pods is None else request.max_pods, lowest=MIN_PODS, highest=MAX_PODS
    )
    nominal_mib = request.machine.memory_mib
    is_old = version.is_before(request.version, BY_PODS_SINCE_MINOR)
    if is_old:
        memory_mib = kube_memory_until_1_28_mib(nominal_mib)
        text = "AKS before 1.29 reserves 25/20/10/6/2 % up to 4/8/16/128 GiB and above, of nominal memory"
    else:
        memory_mib = kube_memory_mib(nominal_mib, max_pods=max_pods)
        text = (
            f"AKS reserves {MIB_PER_POD} MiB for each of {max_pods} pods + {BASE_MIB} MiB, "
            f"at most {MOST_PERCENT} % of nominal memory"
        )
    return Rule(
        max_pods=max_pods,
        kube_cpu_milli=kube_cpu_milli(request.machine.vcpu),
        kube_memory_ki=memory_mib * KI_PER_MIB,
        eviction_memory_ki=OLD_EVICTION_KI if is_old else KUBELET_EVICTION_KI,
        reasons=(
            Reason(step="kubeReservedMemoryMiB", text=text),
            Reason(
                step="kubeReservedCpuMilli",
                text="AKS reserves 60m for the first CPU, 40m for the second, 20m for the next two, 10m for the rest",
            ),
            Reason(
                step="maxPods",
                text="as asked" if request.max_pods is not None else "the default of Azure CNI Overlay",
            ),
        ),
        warnings=()
        if request.max_pods is not None or is_old
        else (f"AKS reserves memory by maximum of pods: {DEFAULT_PODS} was taken; give the pool's own",),
    )


def kube_memory_mib(nominal_mib: int, *, max_pods: int) -> int:
    """Memory that AKS reserves from 1.29 on."""
    return min(MIB_PER_POD * max_pods + BASE_MIB, nominal_mib * MOST_PERCENT // 100)


def kube_memory_until_1_28_mib(nominal_mib: int) -> int:
    """Memory that AKS reserved before 1.29."""
    ends = [start for start, _ in _OLD_BRACKETS_MIB[1:]] + [nominal_mib]
    brackets = zip(_OLD_BRACKETS_MIB, ends, strict=True)
    return sum(max(0, min(nominal_mib, end) - start) * percent for (start, percent), end in brackets) // 100


def kube_cpu_milli(vcpu: int) -> int:
    """CPU that AKS reserves, every version."""
    return 60 + 40 * (vcpu >= 2) + 20 * min(2, max(0, vcpu - 2)) + 10 * max(0, vcpu - 4)
