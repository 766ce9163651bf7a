"""Works out one node: nominal memory, capacity, allocatable, schedulable, and why each is what it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from kpo_provision.sizing import capacity, ephemeral, possibility
from kpo_provision.sizing.node import NodeRequest, NodeShape, Platform, Reason, Reservations
from kpo_provision.sizing.overhead import complete_overhead
from kpo_provision.sizing.platforms import aks, eks, gke, k3s, kubeadm, kubespray, self_hosted
from kpo_provision.sizing.platforms.rule import KI_PER_MIB, Rule
from kpo_provision.sizing.resources import Resources

_RULES: dict[Platform, Callable[[NodeRequest], Rule]] = {
    Platform.GKE: gke.hold_back,
    Platform.EKS: eks.hold_back,
    Platform.AKS: aks.hold_back,
    Platform.KUBEADM: kubeadm.hold_back,
    Platform.KUBESPRAY: kubespray.hold_back,
    Platform.K3S: k3s.hold_back,
    Platform.RKE2: k3s.hold_back,
    Platform.SELF_HOSTED: self_hosted.hold_back,
    Platform.CUSTOM: kubeadm.hold_back,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    """What the kubelet holds back in the end; memory in KiB."""

    kube: Resources
    system: Resources
    eviction: Resources

    @property
    def total(self) -> Resources:
        return self.kube + self.system + self.eviction


def shape_node(request: NodeRequest) -> NodeShape:
    """Work out one node. Where reservations are more than the machine has, what is missing comes out negative.

    Raises:
        errors.SizingError: The machine cannot be, or what is said of it.
    """
    possibility.check_request(request)
    rule = _RULES[request.platform](request)
    memory_ki, memory_reason = _decide_memory(request)
    storage_bytes, storage_reason = ephemeral.decide_capacity(request)
    held = _settle(rule, request.reservations or Reservations(), storage_bytes=storage_bytes)
    whole = Resources(
        cpu_milli=request.machine.vcpu * 1000,
        memory_ki=memory_ki,
        pods=rule.max_pods,
        ephemeral_bytes=storage_bytes,
    )
    allocatable = whole - held.total
    overhead, overhead_text = _choose_overhead(request)
    schedulable = allocatable - overhead
    return NodeShape(
        platform=request.platform,
        machine=request.machine,
        version=request.version,
        capacity_memory_ki=memory_ki,
        allocatable=allocatable,
        overhead=overhead,
        schedulable=schedulable,
        max_pods=rule.max_pods,
        kube_reserved_memory_mib=_to_mib(held.kube.memory_ki),
        kube_reserved_cpu_milli=held.kube.cpu_milli,
        eviction_memory_mib=_to_mib(held.eviction.memory_ki),
        pod_cidr_prefix=rule.pod_cidr_prefix,
        reasons=(
            _explain_nominal(request),
            memory_reason,
            *_explain_held(rule, request.reservations or Reservations(), held),
            _explain_allocatable(held),
            storage_reason,
            Reason(step="schedulableMemoryKi", text=overhead_text),
        ),
        warnings=(*rule.warnings, *_warn(request, schedulable)),
        system_reserved_memory_mib=_to_mib(held.system.memory_ki),
        system_reserved_cpu_milli=held.system.cpu_milli,
        capacity_ephemeral_bytes=storage_bytes,
        held_back=Reservations(
            kube_cpu_milli=held.kube.cpu_milli,
            kube_memory_ki=held.kube.memory_ki,
            kube_ephemeral_bytes=held.kube.ephemeral_bytes,
            system_cpu_milli=held.system.cpu_milli,
            system_memory_ki=held.system.memory_ki,
            eviction_memory_ki=held.eviction.memory_ki,
        ),
    )


def _decide_memory(request: NodeRequest) -> tuple[int, Reason]:
    predicted_ki, basis = capacity.predict_memory_ki(request)
    if request.capacity_ki is None:
        return predicted_ki, Reason(step="capacityMemoryKi", text=f"predicted: {basis}")
    hidden_ki = request.machine.memory_mib * KI_PER_MIB - request.capacity_ki
    difference_ki = predicted_ki - request.capacity_ki
    compared = f"{abs(difference_ki):,} KiB {'less' if difference_ki < 0 else 'more'}" if difference_ki else "the same"
    text = (
        f"as observed: kernel and image hide {hidden_ki:,} KiB; "
        f"the prediction is {compared} ({predicted_ki:,} KiB: {basis})"
    )
    return request.capacity_ki, Reason(step="capacityMemoryKi", text=text)


def _settle(rule: Rule, told: Reservations, *, storage_bytes: int) -> _Held:
    return _Held(
        kube=Resources(
            cpu_milli=_either(told.kube_cpu_milli, rule.kube_cpu_milli),
            memory_ki=_either(told.kube_memory_ki, rule.kube_memory_ki),
            ephemeral_bytes=_either(told.kube_ephemeral_bytes, rule.kube_ephemeral_bytes),
        ),
        system=Resources(
            cpu_milli=_either(told.system_cpu_milli, 0),
            memory_ki=_either(told.system_memory_ki, 0),
        ),
        eviction=Resources(
            memory_ki=_either(told.eviction_memory_ki, rule.eviction_memory_ki),
            ephemeral_bytes=ephemeral.eviction_bytes(storage_bytes, rule.nodefs_eviction_percent),
        ),
    )


def _either(told: int | None, ruled: int) -> int:
    return ruled if told is None else told


def _to_mib(memory_ki: int) -> int:
    return -(-memory_ki // KI_PER_MIB)


def _choose_overhead(request: NodeRequest) -> tuple[Resources, str]:
    if request.overhead is not None:
        return request.overhead, "less what runs on every node, as given"
    overhead, basis = complete_overhead(request.platform)
    return overhead, f"less what usually runs on every node: {basis}"


def _explain_nominal(request: NodeRequest) -> Reason:
    machine = request.machine
    return Reason(
        step="nominalMemoryMiB", text=f"{machine.name} is sold with {machine.vcpu} CPUs and {machine.memory_mib:,} MiB"
    )


def _explain_held(rule: Rule, told: Reservations, held: _Held) -> tuple[Reason, ...]:
    reasons = {reason.step: reason for reason in rule.reasons}
    given = {
        "kubeReservedMemoryMiB": told.kube_memory_ki,
        "kubeReservedCpuMilli": told.kube_cpu_milli,
        "evictionMemoryMiB": told.eviction_memory_ki,
    }
    for step, amount in given.items():
        if amount is not None:
            reasons[step] = Reason(step=step, text="as given, in place of the platform's rule")
    reasons.setdefault(
        "evictionMemoryMiB",
        Reason(
            step="evictionMemoryMiB",
            text=f"the kubelet evicts below {_to_mib(held.eviction.memory_ki)} MiB and does not offer them",
        ),
    )
    return tuple(reasons.values())


def _explain_allocatable(held: _Held) -> Reason:
    parts = [f"kube-reserved {held.kube.memory_ki:,} KiB", f"eviction {held.eviction.memory_ki:,} KiB"]
    if held.system.memory_ki:
        parts.insert(1, f"system-reserved {held.system.memory_ki:,} KiB")
    return Reason(step="allocatableMemoryKi", text=f"less {', '.join(parts)}")


def _warn(request: NodeRequest, schedulable: Resources) -> tuple[str, ...]:
    short = [
        name
        for name, amount in (
            ("CPU", schedulable.cpu_milli),
            ("memory", schedulable.memory_ki),
            ("pods", schedulable.pods),
        )
        if amount <= 0
    ]
    if not short:
        return ()
    return (f"what runs on every node leaves no {' and no '.join(short)} of {request.machine.name} for tenants' pods",)
