"""What is read of live nodes: rounded to the careful side, with every pod that each node has and no other."""

from kpo_provision import observe
from kpo_provision.plan import POOL_KEY, PoolPlan
from kpo_provision.sizing.resources import Resources


class FakeApi:
    """Lists nodes by a label, and pods but for the phases that a field selector names."""

    def __init__(self, nodes, pods=()):
        self.nodes = nodes
        self.pods = pods

    def list(self, kind, *, label_selector=None, field_selector=None):
        if kind == "Pod":
            return [pod for pod in self.pods if pod.get("status", {}).get("phase", "Running") not in field_selector]
        return [node for node in self.nodes if label_selector in as_selectors(node)]


def as_selectors(node):
    return [f"{key}={value}" for key, value in node["metadata"]["labels"].items()]


def pool(node_selector=None):
    return PoolPlan(
        name="standard",
        labels={POOL_KEY: "standard"},
        taints=(),
        node_selector=node_selector or {},
        largest_pod_cpu=None,
        largest_pod_memory=None,
    )


def node(**labels):
    offer = {"cpu": "3920m", "memory": "12699980Ki", "pods": "110", "ephemeral-storage": "47093746742"}
    return {
        "metadata": {"name": "n1", "labels": labels},
        "status": {"capacity": offer | {"cpu": "4"}, "allocatable": offer, "nodeInfo": {"kubeletVersion": "v1.34.9"}},
    }


def pod(owner, requests, **more):
    owners = [{"kind": owner}] if owner else []
    container = {"name": "c", "resources": {"requests": requests}}
    return {"metadata": {"ownerReferences": owners}, "spec": {"nodeName": "n1", "containers": [container], **more}}


def test_a_node_is_read_as_its_kubelet_reports_it():
    marked = node(**{POOL_KEY: "standard", "node.kubernetes.io/instance-type": "n1-standard-4"})
    [found] = observe.read_nodes(FakeApi([marked]), [pool()])
    assert (found.pool, found.machine_type, found.version) == ("standard", "n1-standard-4", "v1.34.9")
    assert found.capacity.cpu_milli == 4000
    assert found.allocatable == Resources(
        cpu_milli=3920, memory_ki=12_699_980, pods=110, ephemeral_bytes=47_093_746_742
    )


def test_amounts_offered_are_rounded_down_and_amounts_asked_for_up():
    marked = node(**{POOL_KEY: "standard"})
    marked["status"]["allocatable"]["memory"] = "1025"
    [found] = observe.read_nodes(FakeApi([marked], [pod("DaemonSet", {"memory": "1025"})]), [pool()])
    assert found.allocatable.memory_ki == 1
    assert found.overhead == Resources(memory_ki=2, pods=1)


def test_only_pods_that_every_node_has_are_its_overhead():
    pods = [
        pod("DaemonSet", {"cpu": "100m"}),
        pod("Node", {"cpu": "10m"}, overhead={"cpu": "5m"}),
        pod("ReplicaSet", {"cpu": "1"}),
        pod(None, {"cpu": "1"}),
        pod("DaemonSet", {"cpu": "1"}) | {"status": {"phase": "Failed"}},
        pod("DaemonSet", {"cpu": "1"}, nodeName="n2"),
    ]
    [found] = observe.read_nodes(FakeApi([node(**{POOL_KEY: "standard"})], pods), [pool()])
    assert (found.overhead.cpu_milli, found.overhead.pods) == (115, 2)


def test_nodes_that_are_not_marked_yet_are_told_by_the_selector():
    nodes = [node(workload="kpo"), node(workload="other")]
    assert len(observe.read_nodes(FakeApi(nodes), [pool({"workload": "kpo"})])) == 1
    assert observe.read_nodes(FakeApi(nodes), [pool()]) == ()
