"""What `size` says fits is placed by the real scheduler, and not a millicore, a KiB, a byte or a pod more.

The nodes are kwok's, with exactly the computed capacity; DaemonSets that ask for exactly the overhead run on them.
"""

from __future__ import annotations

import json
import re
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from kpo_provision import local, progress
from kpo_provision.kube.api import Api
from kpo_provision.kube.connection import connect
from kpo_provision.kube.kinds import Manifest
from kpo_provision.local.simulated.stages import MARK
from kpo_provision.plan import POOL_KEY
from kpo_provision.sizing import pods
from kpo_provision.sizing.node import NodeShape
from kpo_provision.sizing.resources import Resources
from tests.cluster import size_cases

pytestmark = pytest.mark.machine

NODE_CASES, CROWDED_CASES = 220, 8
POOL_WAVES, POOL_CASES = 3, 8
CROWD = 24
NAMESPACE = "default"
RUNTIME_CLASS = "sandboxed"
TAINTS = [{"key": POOL_KEY, "value": "pool", "effect": effect} for effect in ("NoSchedule", "NoExecute")]
TOLERATIONS = [{"key": POOL_KEY, "operator": "Equal", "value": "pool"}]
GROUP_KEY, OVERHEAD_KEY = "example.com/group", "example.com/overhead"
ONE_MORE = {
    "cpu": Resources(cpu_milli=1),
    "memory": Resources(memory_ki=1),
    "ephemeral-storage": Resources(ephemeral_bytes=1),
}
DEADLINE_S = 180
WRITERS = 4


@dataclass(frozen=True, kw_only=True)
class Group:
    """Nodes of one shape that certain pods, and no others, are for."""

    name: str
    shape: NodeShape
    nodes: int


class Cluster:
    """A real control plane over nodes that kwok plays."""

    def __init__(self, api: Api) -> None:
        self.api = api

    def create(self, manifests: Iterable[Manifest]) -> None:
        """Create objects, several at a time and in no order."""
        with ThreadPoolExecutor(WRITERS) as writers:
            list(writers.map(self.api.create, manifests))

    def wait_for(self, kind: str, names: Iterable[str], holds: Callable[[Manifest], bool], **query: Any) -> None:
        """Watch until ``holds`` was true of every named object."""
        waiting = set(names)
        seen: Manifest = {}
        for event in self.api.watch(kind, timeout_s=DEADLINE_S, **query) if waiting else ():
            found = event["object"]
            name = found["metadata"]["name"]
            if name in waiting:
                seen = found
                if holds(found):
                    waiting.remove(name)
            if not waiting:
                return
        assert not waiting, f"{len(waiting)} of kind {kind} did not get there; last seen: {json.dumps(seen)}"

    def add_nodes(self, groups: Iterable[Group]) -> None:
        """Add nodes, and wait until all that runs on each of them does."""
        overheads: dict[Resources, int] = {}
        daemons: dict[str, int] = {}
        nodes = []
        for group in groups:
            overhead = group.shape.overhead
            place = overheads.setdefault(overhead, len(overheads))
            labels = {GROUP_KEY: group.name, OVERHEAD_KEY: str(place)}
            nodes += [render_node(f"{group.name}-{number}", group.shape, labels) for number in range(group.nodes)]
            for number in range(overhead.pods):
                name = f"overhead-{place}-{number}"
                daemons[name] = daemons.get(name, 0) + group.nodes
        self.create(nodes)
        self.wait_for("Node", [node["metadata"]["name"] for node in nodes], is_open)
        self.create(
            render_daemon_set(f"overhead-{place}-{number}", part, place)
            for overhead, place in overheads.items()
            for number, part in enumerate(divide(overhead))
        )
        self.wait_for(
            "DaemonSet",
            [name for name, nodes in daemons.items() if nodes],
            lambda found: found.get("status", {}).get("numberReady") == daemons[found["metadata"]["name"]],
            namespace=NAMESPACE,
        )

    def place(self, pods_in_order: Iterable[Iterable[Manifest]]) -> dict[str, str]:
        """Create pods, each list in its order, and return why the scheduler refused those that it refused."""
        lists = [list(manifests) for manifests in pods_in_order]

        def create(manifests: list[Manifest]) -> None:
            for manifest in manifests:
                self.api.create(manifest)

        with ThreadPoolExecutor(WRITERS) as writers:
            list(writers.map(create, lists))
        refusals: dict[str, str] = {}

        def is_judged(pod: Manifest) -> bool:
            verdict = read_condition(pod, "PodScheduled")
            if verdict.get("reason") == "Unschedulable":
                refusals[pod["metadata"]["name"]] = verdict["message"]
                return True
            return verdict.get("status") == "True"

        names = [manifest["metadata"]["name"] for manifests in lists for manifest in manifests]
        self.wait_for("Pod", names, is_judged, namespace=NAMESPACE, label_selector=GROUP_KEY)
        return refusals


def divide(amount: Resources) -> list[Resources]:
    """Divide what runs on a node among its pods; the last one takes what is left."""
    each = Resources(
        cpu_milli=amount.cpu_milli // max(amount.pods, 1),
        memory_ki=amount.memory_ki // max(amount.pods, 1),
        ephemeral_bytes=amount.ephemeral_bytes // max(amount.pods, 1),
        pods=1,
    )
    parts = []
    for _ in range(amount.pods - 1):
        parts.append(each)
        amount -= each
    return [*parts, amount] if amount.pods else parts


def render_node(name: str, shape: NodeShape, labels: Mapping[str, str]) -> Manifest:
    key, value = MARK
    capacity = Resources(
        cpu_milli=shape.machine.vcpu * 1000,
        memory_ki=shape.capacity_memory_ki,
        pods=shape.max_pods,
        ephemeral_bytes=shape.capacity_ephemeral_bytes,
    )
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "labels": {"kubernetes.io/hostname": name, POOL_KEY: "pool", **labels},
            "annotations": {key: value},
        },
        "spec": {"taints": TAINTS},
        "status": {
            "capacity": render_amount(capacity) | {"pods": str(capacity.pods)},
            "allocatable": render_amount(shape.allocatable) | {"pods": str(shape.allocatable.pods)},
            "conditions": [{"type": "Ready", "status": "True"}],
        },
    }


def render_daemon_set(name: str, amount: Resources, overhead: int) -> Manifest:
    labels = {"daemon": name}
    spec = {
        "nodeSelector": {OVERHEAD_KEY: str(overhead)},
        "tolerations": TOLERATIONS,
        "containers": [render_container("daemon", render_amount(amount))],
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": spec}},
    }


def render_amount(amount: Resources) -> dict[str, str]:
    return {
        "cpu": f"{amount.cpu_milli}m",
        "memory": f"{amount.memory_ki}Ki",
        "ephemeral-storage": str(amount.ephemeral_bytes),
    }


def render_requests(stated: pods.Amounts) -> dict[str, str]:
    texts = {
        "cpu": (stated.cpu_milli, "m"),
        "memory": (stated.memory_ki, "Ki"),
        "ephemeral-storage": (stated.ephemeral_bytes, ""),
    }
    return {name: f"{amount}{unit}" for name, (amount, unit) in texts.items() if amount is not None}


def render_container(name: str, requests: Mapping[str, str]) -> Manifest:
    return {"name": name, "image": "registry.invalid/none", "resources": {"requests": requests}}


def render_pod(name: str, pod: pods.PodSpec, group: str) -> Manifest:
    steps = [
        render_container(f"step-{place}", render_requests(step.requests))
        | ({"restartPolicy": "Always"} if step.is_sidecar else {})
        for place, step in enumerate(pod.init_containers)
    ]
    spec: dict[str, Any] = {
        "nodeSelector": {GROUP_KEY: group},
        "tolerations": TOLERATIONS,
        "initContainers": steps,
        "containers": [
            render_container(f"main-{place}", render_requests(container.requests))
            for place, container in enumerate(pod.containers)
        ],
    }
    if pod.requests != pods.NOTHING:
        spec["resources"] = {"requests": render_requests(pod.requests)}
    if pod.overhead != pods.NO_OVERHEAD:
        spec["runtimeClassName"] = RUNTIME_CLASS
    metadata = {"name": name, "namespace": NAMESPACE, "labels": {GROUP_KEY: group}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def render_plain_pod(name: str, amount: Resources, group: str) -> Manifest:
    requests = pods.Amounts(cpu_milli=amount.cpu_milli, memory_ki=amount.memory_ki)
    return render_pod(name, pods.PodSpec(containers=(pods.Container(requests=requests),)), group)


def render_runtime_class() -> Manifest:
    fixed = render_requests(
        pods.Amounts(cpu_milli=size_cases.RUNTIME_OVERHEAD.cpu_milli, memory_ki=size_cases.RUNTIME_OVERHEAD.memory_ki)
    )
    return {
        "apiVersion": "node.k8s.io/v1",
        "kind": "RuntimeClass",
        "metadata": {"name": RUNTIME_CLASS},
        "handler": RUNTIME_CLASS,
        "overhead": {"podFixed": fixed},
    }


def read_condition(found: Manifest, kind: str) -> Manifest:
    conditions = found.get("status", {}).get("conditions") or ()
    return next((condition for condition in conditions if condition["type"] == kind), {})


def is_open(node: Manifest) -> bool:
    """Whether a node is ready, and nothing but its pool's taints keeps pods off it."""
    taints = {taint["key"] for taint in node["spec"].get("taints", ())}
    return read_condition(node, "Ready").get("status") == "True" and taints == {POOL_KEY}


def name_shortages(message: str) -> list[tuple[str, str]]:
    """Name what nodes lack by the scheduler's own account, each with the number of nodes."""
    return re.findall(r"(\d+) (Insufficient [\w-]+|Too many pods)", message)


def silence(api: Api) -> None:
    """Take away the right to write events: nobody reads them here, and they are a quarter of all that is written."""
    for role in ("system:kube-scheduler", "system:controller:daemon-set-controller"):
        rules = [rule for rule in api.read("ClusterRole", role)["rules"] if "events" not in rule["resources"]]
        api.patch("ClusterRole", role, None, {"rules": rules})


@pytest.fixture
def cluster():
    home = Path(tempfile.mkdtemp(prefix="kpo-tightness-")) / "home"
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = int(server.getsockname()[1])
    options = replace(local.LocalOptions.from_environment({}), home=home, api_port=port, simulated=True)
    try:
        local.up(options, progress.Silent())
        with Api(connect(kubeconfig=options.layout.kubeconfig, context=None)) as api:
            found = Cluster(api)
            found.wait_for("ServiceAccount", ["default"], lambda _: True, namespace=NAMESPACE)
            api.create(render_runtime_class())
            silence(api)
            yield found
    finally:
        local.down(options, progress.Silent(), purge=True)
        shutil.rmtree(home.parent, ignore_errors=True)


def test_what_is_schedulable_is_placed_and_one_unit_more_is_not(cluster):
    cases = size_cases.draw(
        size_cases.node_cases(), NODE_CASES, unlike=lambda case: (case.request.platform, case.request.machine.name)
    )
    groups = {f"node-{place}": case for place, case in enumerate(cases)}
    cluster.add_nodes(Group(name=name, shape=case.shape, nodes=1) for name, case in groups.items())
    more = {
        f"{name}-{resource}": (name, resource, case.shape.schedulable + unit)
        for name, case in groups.items()
        for resource, unit in ONE_MORE.items()
    }
    refusals = cluster.place(
        [render_pod(name, size_cases.make_pod(amount, groups[group].plan), group)]
        for name, (group, _, amount) in more.items()
    )
    shortages = {name: name_shortages(refusals.get(name, "")) for name in more}
    wrong = [
        f"{name} lacks {shortages[name]}: {groups[group]}"
        for name, (group, resource, _) in more.items()
        if shortages[name] != [("1", f"Insufficient {resource}")]
    ]
    assert not wrong, "\n".join(wrong)
    refusals = cluster.place(
        [render_pod(name, size_cases.make_pod(case.shape.schedulable, case.plan), name)]
        for name, case in groups.items()
    )
    wrong = [f"{message} {groups[name]}" for name, message in refusals.items()]
    assert not wrong, "\n".join(wrong)


def test_as_many_pods_as_are_schedulable_are_placed_and_one_more_is_not(cluster):
    cases = size_cases.draw(
        size_cases.node_cases(most_pods=CROWD), CROWDED_CASES, unlike=lambda case: case.request.machine.name
    )
    groups = {f"node-{place}": case for place, case in enumerate(cases)}
    cluster.add_nodes(Group(name=name, shape=case.shape, nodes=1) for name, case in groups.items())
    refusals = cluster.place(
        [render_plain_pod(f"{name}-{number}", Resources(), name) for number in range(case.shape.schedulable.pods)]
        for name, case in groups.items()
    )
    wrong = [f"{message} {groups[name.rpartition('-')[0]]}" for name, message in refusals.items()]
    assert not wrong, "\n".join(wrong)
    refusals = cluster.place([render_plain_pod(f"{name}-more", Resources(), name)] for name in groups)
    assert {name: name_shortages(message) for name, message in refusals.items()} == {
        f"{name}-more": [("1", "Too many pods")] for name in groups
    }


@pytest.mark.parametrize("wave", range(POOL_WAVES))
def test_every_promise_is_placed_within_the_planned_maximum_of_nodes(cluster, wave):
    cases = size_cases.draw(
        size_cases.pool_cases(),
        POOL_CASES,
        unlike=lambda case: (case.sized.shape.machine.name, case.sized.nodes.maximum),
    )
    groups = {
        f"pool-{place}-{number}": (case, name)
        for place, case in enumerate(cases)
        for number, name in enumerate(case.loads)
    }
    cluster.add_nodes(
        Group(name=group, shape=case.sized.shape, nodes=case.sized.nodes.maximum) for group, (case, _) in groups.items()
    )
    refusals = cluster.place(
        [render_plain_pod(f"{group}-{number}", pod, group) for number, pod in enumerate(case.loads[name])]
        for group, (case, name) in groups.items()
    )
    waiting = {name.rpartition("-")[0]: message for name, message in refusals.items()}
    wrong = [f"{groups[group][1]}: {message} {groups[group][0].spec}" for group, message in waiting.items()]
    assert not wrong, "\n".join(wrong)
