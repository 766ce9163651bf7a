"""What the kubelets of EKS's images hold back.

Formulas of awslabs/amazon-eks-ami ``nodeadm/internal/kubelet`` at 81fec2e (2026-07-23), which is what AL2's
bootstrap.sh had before, and of Bottlerocket's settings. The reservation counts the pods that the network interfaces can
address, not the kubelet's ``maxPods``: a node with prefix delegation and 110 pods reserves for 29 all the same.
"""

from __future__ import annotations

from kpo_provision import errors
from kpo_provision.catalog.machine import EniLimits
from kpo_provision.sizing import version
from kpo_provision.sizing.node import NodeImage, NodeRequest, PodNetworking, Reason
from kpo_provision.sizing.platforms.rule import GIB, KI_PER_MIB, Rule, check_max_pods

UNKNOWN_MACHINE_PODS = 110
"""What nodeadm takes for an instance type that it cannot look up."""
BASE_MIB, MIB_PER_POD = 255, 11
PREFIX_ADDRESSES = 16
MANY_CPUS = 30
FEW_CPUS_PODS, MANY_CPUS_PODS = 110, 250
"""Where max-pods-calculator.sh stops with prefix delegation, up to and above ``MANY_CPUS``."""
RESERVES_SINCE_MINOR = 12
"""EKS dropped 1.11 in the month (2019-11) in which its images began to reserve anything."""
IMAGES = (NodeImage.AL2, NodeImage.AL2023, NodeImage.BOTTLEROCKET)

_CPU_RANGES = ((0, 1000, 600), (1000, 2000, 100), (2000, 4000, 50))
_CPU_REST_START, _CPU_REST_RATE = 4000, 25


def hold_back(request: NodeRequest) -> Rule:
    """Work out the reservations of an EKS node, or of an EC2 instance that runs EKS's image."""
    if request.image is not None and request.image not in IMAGES:
        raise errors.SizingError(
            f"EKS has no node image {request.image}", hint=f"it has {', '.join(image.value for image in IMAGES)}"
        )
    max_pods = check_max_pods(_max_pods(request) if request.max_pods is None else request.max_pods)
    pods_reason = Reason(step="maxPods", text=_explain_max_pods(request))
    if version.is_before(request.version, RESERVES_SINCE_MINOR):
        return Rule(max_pods=max_pods, reasons=(pods_reason, _NO_RESERVATION), warnings=_warn(request, max_pods))
    reserved_pods = _reserved_pods(request, max_pods)
    return Rule(
        max_pods=max_pods,
        kube_cpu_milli=kube_cpu_milli(request.machine.vcpu * 1000),
        kube_memory_ki=kube_memory_mib(reserved_pods) * KI_PER_MIB,
        kube_ephemeral_bytes=GIB,
        reasons=(
            Reason(
                step="kubeReservedMemoryMiB",
                text=f"EKS reserves {BASE_MIB} MiB + {MIB_PER_POD} MiB for each of {reserved_pods} pods, "
                + _explain_reserved_pods(request),
            ),
            Reason(
                step="kubeReservedCpuMilli",
                text="EKS reserves 6 % of the first CPU, 1 % of the second, 0.5 % of the next two, 0.25 % of the rest",
            ),
            pods_reason,
        ),
        warnings=_warn(request, max_pods),
    )


def eni_pods(eni: EniLimits) -> int:
    """Pods that get an address of their own from the default network card, and the two that need none."""
    return eni.interfaces * (eni.addresses - 1) + 2


def custom_network_pods(eni: EniLimits) -> int:
    """Pods with custom networking, which leaves the first interface to the node."""
    return (eni.interfaces - 1) * (eni.addresses - 1) + 2


def prefix_pods(eni: EniLimits) -> int:
    """Pods with prefix delegation, were there no other bound."""
    return eni.interfaces * (eni.addresses - 1) * PREFIX_ADDRESSES + 2


def kube_memory_mib(pods: int) -> int:
    """Memory that EKS's images reserve."""
    return BASE_MIB + MIB_PER_POD * pods


def kube_cpu_milli(capacity_milli: int) -> int:
    """CPU that EKS's images reserve: each range is cut to whole millicores on its own."""
    total = sum(max(0, min(capacity_milli, end) - start) * rate // 10000 for start, end, rate in _CPU_RANGES)
    return total + max(0, capacity_milli - _CPU_REST_START) * _CPU_REST_RATE // 10000


_NO_RESERVATION = Reason(
    step="kubeReservedMemoryMiB", text="EKS's images reserved nothing before November 2019, when this version ended"
)


def _max_pods(request: NodeRequest) -> int:
    if request.reserved_pods is not None:
        return request.reserved_pods
    eni = request.machine.eni
    if eni is None:
        return UNKNOWN_MACHINE_PODS
    match request.networking:
        case PodNetworking.ENI:
            return eni_pods(eni)
        case PodNetworking.CUSTOM:
            return custom_network_pods(eni)
        case PodNetworking.PREFIX:
            bound = MANY_CPUS_PODS if request.machine.vcpu > MANY_CPUS else FEW_CPUS_PODS
            return min(prefix_pods(eni), bound)


def _reserved_pods(request: NodeRequest, max_pods: int) -> int:
    if request.reserved_pods is not None:
        return request.reserved_pods
    if request.image is NodeImage.BOTTLEROCKET:
        return max_pods
    return UNKNOWN_MACHINE_PODS if request.machine.eni is None else eni_pods(request.machine.eni)


def _explain_reserved_pods(request: NodeRequest) -> str:
    if request.reserved_pods is not None:
        return "as asked"
    if request.image is NodeImage.BOTTLEROCKET:
        return "the kubelet's maximum"
    if request.machine.eni is None:
        return "because its network interfaces are not known"
    return "as many as its network interfaces can address"


def _explain_max_pods(request: NodeRequest) -> str:
    if request.max_pods is not None or request.reserved_pods is not None:
        return "as asked"
    eni = request.machine.eni
    if eni is None:
        return f"network interfaces are not known; nodeadm then takes {UNKNOWN_MACHINE_PODS}"
    addresses = f"{eni.interfaces} network interfaces with {eni.addresses} addresses each"
    match request.networking:
        case PodNetworking.ENI:
            return addresses
        case PodNetworking.CUSTOM:
            return f"{addresses}, the first of them for the node (custom networking)"
        case PodNetworking.PREFIX:
            return f"{addresses}, {PREFIX_ADDRESSES} pods an address (prefix delegation), up to AWS's bound"


def _warn(request: NodeRequest, max_pods: int) -> tuple[str, ...]:
    eni = request.machine.eni
    if eni is None:
        return (f"{request.machine.name} has no known network interfaces: its pods per node are a guess",)
    if request.networking is PodNetworking.PREFIX:
        if not eni.is_nitro:
            return (f"{request.machine.name} is no Nitro instance and cannot delegate prefixes",)
        return ()
    limit = eni_pods(eni) if request.networking is PodNetworking.ENI else custom_network_pods(eni)
    if max_pods <= limit:
        return ()
    sentence = (
        f"{request.machine.name} has addresses for {limit} pods, fewer than its maximum of {max_pods}: "
        "further pods stay in ContainerCreating unless the network plugin delegates prefixes"
    )
    return (sentence,)
