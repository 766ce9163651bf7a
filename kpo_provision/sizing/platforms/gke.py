"""What GKE's kubelets hold back, as GKE's own autoscaler predicts it.

Formulas of GoogleCloudPlatform/cluster-autoscaler ``pkg/cloudprovider/gke/reserved.go`` at 7d25050 (2026-08-21).
Google's pages state the tiers in GiB; the code has thousands of MiB, and every observed node agrees with the code.
"""

from __future__ import annotations

from kpo_provision import errors
from kpo_provision.sizing import cidr, version
from kpo_provision.sizing.node import NodeImage, NodeRequest, Reason
from kpo_provision.sizing.platforms.rule import GIB, KI_PER_MIB, Rule, check_max_pods

MIN_PODS, MAX_PODS, DEFAULT_PODS = 8, 256, 110
IMAGES = (NodeImage.COS, NodeImage.UBUNTU)
MANY_PODS = 110
MANY_PODS_CPU_MILLI = 400
SHARED_CORE = ("e2-micro", "e2-small", "e2-medium")
SHARED_CORE_CPU_MILLI = 1000
"""What a shared-core machine sustains, of the two CPUs that it shows."""
SMALL_MACHINE_MIB = 1000
SMALL_MACHINE_RESERVED_MIB = 255
STREAMING_FACTOR = 0.04
V2_SINCE_MINOR = 37
V2_MIB_PER_POD = 15
V2_BASE_MIB = 500
V2_UBUNTU_MIB = 200
V2_CPU_LIMIT_MILLI = 1000

_MEMORY_BRACKETS = ((0, 0.25), (4000, 0.2), (8000, 0.1), (16000, 0.06), (128000, 0.02))
_CPU_BRACKETS = ((0, 0.06), (1000, 0.01), (2000, 0.005), (4000, 0.0025))


def hold_back(request: NodeRequest) -> Rule:
    """Work out the reservations of a GKE node."""
    if request.image is not None and request.image not in IMAGES:
        raise errors.SizingError(f"GKE has no node image {request.image}", hint="it has cos and ubuntu")
    max_pods = check_max_pods(
        DEFAULT_PODS if request.max_pods is None else request.max_pods, lowest=MIN_PODS, highest=MAX_PODS
    )
    machine = request.machine
    by_pods = _follows_pods(request)
    if by_pods:
        memory_mib = kube_memory_v2_mib(
            machine.memory_mib,
            max_pods=max_pods,
            is_ubuntu=request.image is NodeImage.UBUNTU,
            image_streaming=request.image_streaming,
        )
        cpu_milli = kube_cpu_v2_milli(machine.vcpu * 1000, name=machine.name, max_pods=max_pods)
    else:
        memory_mib = kube_memory_mib(machine.memory_mib, image_streaming=request.image_streaming)
        cpu_milli = kube_cpu_milli(machine.vcpu * 1000, name=machine.name, max_pods=max_pods)
    return Rule(
        max_pods=max_pods,
        kube_cpu_milli=cpu_milli,
        kube_memory_ki=memory_mib * KI_PER_MIB,
        kube_ephemeral_bytes=_kube_ephemeral_bytes(request),
        pod_cidr_prefix=cidr.node_prefix(max_pods),
        reasons=_explain(request, max_pods=max_pods, by_pods=by_pods),
        warnings=_warn(request, max_pods=max_pods, by_pods=by_pods),
    )


def kube_memory_mib(nominal_mib: int, *, image_streaming: bool = False) -> int:
    """Memory that GKE reserves for the kubelet and the runtime.

    Added up in float64, in the order of the brackets, and cut once at the end, because GKE does.
    """
    if nominal_mib <= 0:
        return 0
    if nominal_mib <= SMALL_MACHINE_MIB:
        return SMALL_MACHINE_RESERVED_MIB
    streaming_mib = image_streaming_mib(nominal_mib) if image_streaming else 0
    return _sum_brackets(nominal_mib, _MEMORY_BRACKETS) + streaming_mib


def image_streaming_mib(nominal_mib: int) -> int:
    """Memory that Image Streaming (GCFS) adds for its cache of layers."""
    return _sum_brackets(nominal_mib, tuple((start, rate * STREAMING_FACTOR) for start, rate in _MEMORY_BRACKETS))


def kube_memory_v2_mib(nominal_mib: int, *, max_pods: int, is_ubuntu: bool, image_streaming: bool) -> int:
    """Memory that GKE 1.37 reserves where its rule by maximum of pods is on: never more than the older rule."""
    streaming_mib = image_streaming_mib(nominal_mib) if image_streaming else 0
    by_pods_mib = V2_MIB_PER_POD * max_pods + V2_BASE_MIB + (V2_UBUNTU_MIB if is_ubuntu else 0) + streaming_mib
    return min(kube_memory_mib(nominal_mib, image_streaming=image_streaming), by_pods_mib)


def kube_cpu_milli(capacity_milli: int, *, name: str, max_pods: int) -> int:
    """CPU that GKE reserves; a shared-core machine also loses what it shows and does not sustain."""
    unsustained_milli = 0
    if name in SHARED_CORE:
        capacity_milli = SHARED_CORE_CPU_MILLI
        unsustained_milli = 2000 - SHARED_CORE_CPU_MILLI
    many_pods_milli = MANY_PODS_CPU_MILLI if max_pods > MANY_PODS else 0
    return _sum_brackets(capacity_milli, _CPU_BRACKETS) + unsustained_milli + many_pods_milli


def kube_cpu_v2_milli(capacity_milli: int, *, name: str, max_pods: int) -> int:
    """CPU that GKE 1.37 reserves where its newer rule is on."""
    reserved_milli = kube_cpu_milli(capacity_milli, name=name, max_pods=max_pods)
    return reserved_milli if name in SHARED_CORE else min(reserved_milli, V2_CPU_LIMIT_MILLI)


def kube_disk_gib(disk_gib: int) -> int:
    """Ephemeral storage that GKE reserves on a boot disk."""
    half, basic = disk_gib // 2, 6 + int(0.35 * disk_gib)
    return half if basic > half else min(basic, 100)


def kube_ssd_gib(local_ssds: int) -> int:
    """Ephemeral storage that GKE reserves where local SSDs back it."""
    return {1: 50, 2: 75}.get(local_ssds, 100)


def _sum_brackets(amount: int, brackets: tuple[tuple[int, float], ...]) -> int:
    ends = [start for start, _ in brackets[1:]] + [amount]
    total = 0.0
    for (start, rate), end in zip(brackets, ends, strict=True):
        total += max(0, min(amount, end) - start) * rate
    return int(total)


def _kube_ephemeral_bytes(request: NodeRequest) -> int:
    reserved_gib = kube_ssd_gib(request.local_ssds) if request.local_ssds else kube_disk_gib(request.disk_gib)
    return reserved_gib * GIB


def _follows_pods(request: NodeRequest) -> bool:
    if not request.pod_based_memory:
        return False
    if version.is_before(request.version, V2_SINCE_MINOR):
        raise errors.SizingError(
            f"GKE {request.version} has no memory rule by maximum of pods",
            hint="that rule came with GKE 1.37; leave it off, or give version 1.37 or later",
        )
    return True


def _explain(request: NodeRequest, *, max_pods: int, by_pods: bool) -> tuple[Reason, ...]:
    machine = request.machine
    if by_pods:
        memory = (
            f"GKE 1.37 rule: {V2_MIB_PER_POD} MiB for each of {max_pods} pods + {V2_BASE_MIB} MiB, at most the tiers"
        )
    elif machine.memory_mib <= SMALL_MACHINE_MIB:
        memory = f"GKE reserves {SMALL_MACHINE_RESERVED_MIB} MiB of a machine of up to {SMALL_MACHINE_MIB} MiB"
    else:
        memory = "GKE reserves 25/20/10/6/2 % up to 4000/8000/16000/128000 MiB and above, of nominal memory"
    if request.image_streaming:
        memory += f", and {image_streaming_mib(machine.memory_mib)} MiB for Image Streaming"
    cpu = "GKE reserves 6 % of the first CPU, 1 % of the second, 0.5 % of the next two, 0.25 % of the rest"
    if machine.name in SHARED_CORE:
        cpu += f"; {machine.name} sustains 1 of its 2 CPUs, so 1000m more"
    if max_pods > MANY_PODS:
        cpu += f"; more than {MANY_PODS} pods cost {MANY_PODS_CPU_MILLI}m more"
    return (
        Reason(step="kubeReservedMemoryMiB", text=memory),
        Reason(step="kubeReservedCpuMilli", text=cpu),
        Reason(step="maxPods", text=_explain_max_pods(request)),
        Reason(
            step="podCidrPrefix",
            text=f"a GKE node gets a range of at least twice its {max_pods} pods",
        ),
    )


def _explain_max_pods(request: NodeRequest) -> str:
    return "GKE's default" if request.max_pods is None else "as asked"


def _warn(request: NodeRequest, *, max_pods: int, by_pods: bool) -> tuple[str, ...]:
    warnings = []
    if max_pods > MANY_PODS:
        warnings.append(f"more than {MANY_PODS} pods a node cost {MANY_PODS_CPU_MILLI}m of CPU on every node")
    is_told = request.reservations is not None and request.reservations.kube_memory_ki is not None
    is_new = request.version is not None and not version.is_before(request.version, V2_SINCE_MINOR)
    if is_new and not by_pods and not is_told:
        warnings.append(
            "from GKE 1.37 a pool may reserve memory by its maximum of pods, which only its API tells "
            "(effectiveMemoryReservedMib); planned with the older rule, which leaves less"
        )
    return tuple(warnings)
