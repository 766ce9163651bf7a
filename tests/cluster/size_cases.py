"""What the real scheduler is asked: nodes of every platform, pods that fill them, installations and all their pods.

Only draws and works out; knows of no cluster.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar
from unittest import SkipTest

import hypothesis
from hypothesis import strategies as st

from kpo_provision import catalog, errors
from kpo_provision.catalog import Cloud, MachineType
from kpo_provision.sizing import mixes, pods, pools, spread
from kpo_provision.sizing.node import NodeImage, NodeRequest, NodeShape, Platform, PodNetworking, Reservations
from kpo_provision.sizing.pool import PoolSize, Promise
from kpo_provision.sizing.resources import Resources
from kpo_provision.sizing.shape import shape_node
from kpo_provision.spec import model

# Not what somebody's `catalog refresh` left on this machine.
CATALOG = catalog.load_catalog(folder=Path("/nonexistent"))
CLOUDS = {Platform.GKE: (Cloud.GCP,), Platform.EKS: (Cloud.AWS,), Platform.AKS: (Cloud.AZURE,)}
ANY_CLOUD = (Cloud.GCP, Cloud.AWS, Cloud.AZURE)
IMAGES = {
    Platform.GKE: (NodeImage.COS, NodeImage.UBUNTU),
    Platform.EKS: (NodeImage.AL2, NodeImage.AL2023, NodeImage.BOTTLEROCKET),
}
VERSIONS = {Platform.GKE: (None, "1.28", "1.32", "1.34.9-gke.1065000", "1.37"), Platform.AKS: (None, "1.28", "1.34")}
MOST_PODS = {Platform.GKE: 256, Platform.AKS: 250}
RUNTIME_OVERHEAD = Resources(cpu_milli=250, memory_ki=120 * 1024)
FAMILIES = {
    "gke": ("n1", "n2", "e2", "c3", "n4"),
    "eks": ("m5", "m6i", "c7i", "r5", "t3"),
    "aks": ("Dsv3", "Dsv5", "Esv5", "Fsv2"),
}
SMALL_VCPU = 4
MOST_AU = 80
"""What a drawn installation is promised in all, which bounds its pods."""
MOST_NODES = 24
DRAWN_FOR_ONE = 8

_Drawn = TypeVar("_Drawn")
_Draw = Callable[..., Any]


@dataclass(frozen=True, kw_only=True)
class PodPlan:
    """How a pod uses up an amount.

    ``steps`` are its init containers: the permille that each takes of what is left for it, and whether it keeps
    running. ``peak`` says who uses up all: its containers together, its last init container, or the pod as a whole.
    """

    steps: tuple[tuple[int, bool], ...]
    main_permille: int
    peak: str
    has_xcom: bool
    has_runtime_overhead: bool


@dataclass(frozen=True, kw_only=True)
class NodeCase:
    """A node, and how a pod fills it."""

    request: NodeRequest
    shape: NodeShape
    plan: PodPlan


@dataclass(frozen=True, kw_only=True)
class PoolCase:
    """A sized pool, and its promises used up in several ways; each lists pods in the order of their creation."""

    spec: dict[str, Any]
    sized: PoolSize
    loads: dict[str, list[Resources]]


def draw(strategy: st.SearchStrategy[_Drawn], count: int, *, unlike: Callable[[_Drawn], Hashable]) -> list[_Drawn]:
    """Let hypothesis draw ``count`` cases that differ in ``unlike``, to be tried all at once.

    Left to itself it draws many that are almost alike.
    """
    drawn: dict[Hashable, _Drawn] = {}

    @hypothesis.settings(
        max_examples=count * DRAWN_FOR_ONE,
        phases=[hypothesis.Phase.generate],
        database=None,
        # Installations that no machine holds are dropped; whether enough are left is asserted below.
        suppress_health_check=[*hypothesis.settings().suppress_health_check, hypothesis.HealthCheck.filter_too_much],
    )
    @hypothesis.given(strategy)
    def collect(case: _Drawn) -> None:
        drawn.setdefault(unlike(case), case)
        if len(drawn) == count:
            # The one thing that hypothesis lets end its work early.
            raise SkipTest

    with contextlib.suppress(SkipTest):
        collect()
    assert len(drawn) == count, f"hypothesis found {len(drawn)} of {count} cases"
    return list(drawn.values())


def make_pod(amount: Resources, plan: PodPlan) -> pods.PodSpec:
    """Make the pod that uses up ``amount`` as ``plan`` says."""
    overhead = RUNTIME_OVERHEAD if plan.has_runtime_overhead else Resources()
    left = of_containers = amount - overhead
    steps = []
    for permille, is_sidecar in plan.steps:
        taken = _share(left, permille)
        steps.append(_make_container(taken, is_sidecar=is_sidecar))
        left = left - taken if is_sidecar else left
    if plan.peak == "init":
        steps.append(_make_container(left))
    beside = pods.effective_request(pods.PodSpec(containers=(pods.XCOM_SIDECAR,))) if plan.has_xcom else Resources()
    main = left - beside if plan.peak == "containers" else _share(left - beside, plan.main_permille)
    if plan.peak == "pod":
        # A pod as a whole can request CPU and memory alone.
        main = replace(main, ephemeral_bytes=left.ephemeral_bytes)
    whole = pods.Amounts(cpu_milli=of_containers.cpu_milli, memory_ki=of_containers.memory_ki)
    pod = pods.PodSpec(
        containers=(_make_container(main),),
        init_containers=tuple(steps),
        requests=whole if plan.peak == "pod" else pods.NOTHING,
        overhead=overhead,
    )
    return pods.add_containers(pod, pods.XCOM_SIDECAR) if plan.has_xcom else pod


def _make_container(amount: Resources, *, is_sidecar: bool = False) -> pods.Container:
    requests = pods.Amounts(
        cpu_milli=amount.cpu_milli, memory_ki=amount.memory_ki, ephemeral_bytes=amount.ephemeral_bytes
    )
    return pods.Container(requests=requests, is_sidecar=is_sidecar)


def _share(amount: Resources, permille: int) -> Resources:
    return Resources(
        cpu_milli=amount.cpu_milli * permille // 1000,
        memory_ki=amount.memory_ki * permille // 1000,
        ephemeral_bytes=amount.ephemeral_bytes * permille // 1000,
    )


def _list_machines(platform: Platform) -> list[MachineType]:
    return [machine for cloud in CLOUDS.get(platform, ANY_CLOUD) for machine in CATALOG.machines(cloud)]


MACHINES = {platform: _list_machines(platform) for platform in Platform}
pod_plans = st.builds(
    PodPlan,
    steps=st.lists(st.tuples(st.integers(0, 300), st.booleans()), max_size=3).map(tuple),
    main_permille=st.integers(0, 1000),
    peak=st.sampled_from(["containers", "init", "pod"]),
    has_xcom=st.booleans(),
    has_runtime_overhead=st.booleans(),
)
_reservations = st.builds(
    Reservations,
    kube_cpu_milli=st.integers(0, 200),
    kube_memory_ki=st.integers(0, 2**18),
    system_cpu_milli=st.integers(0, 200),
    system_memory_ki=st.integers(0, 2**18),
    eviction_memory_ki=st.integers(0, 2**18),
)


@st.composite
def node_cases(draw: _Draw, *, most_pods: int | None = None) -> NodeCase:
    """Draw a node with room for a pod; ``most_pods`` bounds how many it takes."""
    request = draw(_node_requests(most_pods=most_pods))
    shape = shape_node(replace(request, overhead=draw(_overheads(shape_node(request)))))
    free, plan = shape.schedulable, draw(pod_plans)
    main = make_pod(free, plan).containers[0].requests
    # Reservations may be more than a small machine has, and no API server takes a node that offers less than nothing.
    hypothesis.assume(min(free.cpu_milli, free.memory_ki, free.ephemeral_bytes) >= 0)
    hypothesis.assume(free.pods > 0 and min(main.cpu_milli, main.memory_ki, main.ephemeral_bytes) >= 0)
    return NodeCase(request=request, shape=shape, plan=plan)


@st.composite
def _node_requests(draw: _Draw, *, most_pods: int | None) -> NodeRequest:
    platform = draw(st.sampled_from(Platform))
    is_gke, is_eks = platform is Platform.GKE, platform is Platform.EKS
    few = st.integers(16, most_pods or MOST_PODS.get(platform, 500))
    return NodeRequest(
        platform=platform,
        machine=draw(st.sampled_from(MACHINES[platform])),
        version=draw(st.sampled_from(VERSIONS.get(platform, (None, "1.30", "1.36")))),
        image=draw(st.sampled_from(IMAGES.get(platform, (None,)))),
        max_pods=draw(few if most_pods else st.none() | few),
        disk_gib=draw(st.integers(30, 2000)),
        image_streaming=is_gke and draw(st.booleans()),
        networking=draw(st.sampled_from(PodNetworking)) if is_eks else PodNetworking.ENI,
        reservations=draw(_reservations) if platform is Platform.CUSTOM else None,
    )


@st.composite
def _overheads(draw: _Draw, shape: NodeShape) -> Resources | None:
    offered = shape.allocatable
    if draw(st.booleans()):
        return None
    return Resources(
        cpu_milli=max(offered.cpu_milli, 0) * draw(st.integers(0, 600)) // 1000,
        memory_ki=max(offered.memory_ki, 0) * draw(st.integers(0, 600)) // 1000,
        ephemeral_bytes=max(offered.ephemeral_bytes, 0) * draw(st.integers(0, 100)) // 1000,
        pods=draw(st.integers(1, 3)),
    )


@st.composite
def pool_cases(draw: _Draw) -> PoolCase:
    """Draw an installation with one pool, size it, and use its promises up."""
    spec = draw(_specs())
    try:
        sizes = pools.size_pools(model.Installation.model_validate(spec), CATALOG, pools.SizeOptions())
    except errors.SizingError:
        # The machine that it names is too small for its largest pod.
        hypothesis.reject()
    sized = sizes.pools[0]
    hypothesis.assume(1 < sized.nodes.maximum <= MOST_NODES)
    return PoolCase(spec=spec, sized=sized, loads=list_loads(sized, draw(st.randoms(use_true_random=False))))


@st.composite
def _specs(draw: _Draw) -> dict[str, Any]:
    platform = draw(st.sampled_from(sorted(FAMILIES)))
    largest_au, au_mib = draw(st.integers(4, 35)), draw(st.integers(150, 600))
    # A tenant that may launch just one or two of the largest pods leaves a packing the least freedom.
    capacities = draw(
        st.lists(st.integers(1, 40) | st.sampled_from([largest_au, 2 * largest_au]), min_size=1, max_size=12).filter(
            lambda drawn: sum(drawn) <= MOST_AU
        )
    )
    families = draw(st.lists(st.sampled_from(FAMILIES[platform]), min_size=1, max_size=2, unique=True))
    small = [
        machine.name
        for machine in MACHINES[Platform(platform)]
        if machine.family in families and machine.vcpu <= SMALL_VCPU
    ]
    machines = st.sampled_from([{"machineType": name} for name in small]) | st.just({"machineFamilies": families})
    overhead_mib = draw(st.integers(0, 500))
    overhead = {"cpu": f"{draw(st.integers(0, 300))}m", "memory": f"{overhead_mib}Mi", "pods": draw(st.integers(1, 2))}
    return {
        "apiVersion": "kpo-provision.io/v1",
        "kind": "Installation",
        "metadata": {"name": "drawn"},
        "namespacePrefix": "drawn",
        "target": {"kubeconfig": {"version": "1.34"}},
        "nodePools": {
            "standard": {
                "largestPod": {
                    "cpu": f"{largest_au * 100}m",
                    "memory": f"{largest_au * au_mib}Mi",
                },
                "zones": draw(st.sampled_from([1, 1, 1, 1, 3])),
                "nodeSelector": {"pool": "standard"},
                **draw(machines),
            }
        },
        "sizing": {"platform": platform, "overhead": overhead},
        "tenants": {f"tenant-{place}": {"extraCapacity": au} for place, au in enumerate(capacities)},
    }


def list_loads(sized: PoolSize, rng: random.Random) -> dict[str, list[Resources]]:
    """Use all promises of a pool up in ways that are planned for, and in ways that leave a scheduler little room."""
    promises, largest = sized.demand.promises, sized.largest_pod
    planned = mixes.list_mixes(promises, largest)
    loads = {f"planned mix {place}": _expand(mix) for place, mix in enumerate(planned, 1)}
    for load in loads.values():
        rng.shuffle(load)
    blend = [pod for promise in promises for pod in _expand(rng.choice(mixes.list_mixes([promise], largest)))]
    loads["small pods first"] = sorted(blend, key=_size)
    loads["all sorts"] = [pod for promise in promises for pod in _split(promise, largest, rng)]
    rng.shuffle(loads["all sorts"])
    loads["in the way of the largest"] = _block(sized, rng)
    return loads


def _expand(mix: tuple[mixes.Batch, ...]) -> list[Resources]:
    return [
        Resources(cpu_milli=batch.cpu_milli, memory_ki=batch.memory_ki, pods=1)
        for batch in mix
        for _ in range(batch.pods)
    ]


def _size(pod: Resources) -> tuple[int, int]:
    return pod.cpu_milli, pod.memory_ki


def _split(promise: Promise, largest: Resources, rng: random.Random) -> list[Resources]:
    """Use a promise up in pods of any size and shape; the last ones take what is left."""
    left, found = promise.resources, []
    while left.pods:
        cpu, memory = min(left.cpu_milli, largest.cpu_milli), min(left.memory_ki, largest.memory_ki)
        if left.pods > 3:
            cpu, memory = rng.choice([0, cpu, rng.randint(0, cpu)]), rng.choice([0, memory, rng.randint(0, memory)])
        found.append(Resources(cpu_milli=cpu, memory_ki=memory, pods=1))
        left -= found[-1]
    return found


def _block(sized: PoolSize, rng: random.Random) -> list[Resources]:
    """Create first the leanest pods that keep the largest one off a node, then the largest one."""
    promises = sorted(sized.demand.promises, key=lambda promise: _size(promise.resources))
    largest = spread.largest_possible_pod(promises, sized.largest_pod)
    last = Resources(
        cpu_milli=min(promises[-1].resources.cpu_milli, largest.cpu_milli),
        memory_ki=min(promises[-1].resources.memory_ki, largest.memory_ki),
        pods=1,
    )
    short = sized.shape.schedulable - largest
    lean = (
        Resources(cpu_milli=min(short.cpu_milli + 1, largest.cpu_milli), pods=1),
        Resources(memory_ki=min(short.memory_ki + 1, largest.memory_ki), pods=1),
    )
    found = []
    for promised in [*(promise.resources for promise in promises[:-1]), promises[-1].resources - last]:
        left = promised
        while fitting := [pod for pod in lean if pod.fits(left)]:
            found.append(rng.choice(fitting))
            left -= found[-1]
    return [*found, last]
