"""Network policies on the running local cluster: real pods, kubelets, service addresses and cluster DNS."""

import base64
import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kpo_provision import errors
from kpo_provision.kube.api import Api
from kpo_provision.kube.connection import connect
from kpo_provision.local import cgroups, control
from kpo_provision.local.options import LocalOptions

pytestmark = pytest.mark.cluster

IMAGE = "registry.local:5000/kpo/probe:1"
API_SERVICE = ("10.96.0.1", 443)
API_NODE = "10.88.0.1"
SERVERS, CLIENTS = f"netpol-{os.getpid()}-servers", f"netpol-{os.getpid()}-clients"
DEADLINE_S = 60.0
FIRST_CONNECTIONS = 8

CLOSED = {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
DNS = {
    "podSelector": {},
    "policyTypes": ["Egress"],
    "egress": [
        {
            "to": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}}}],
            "ports": [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}],
        }
    ],
}


def wait_for(what: str, condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not come true"
        time.sleep(0.1)


class Pods:
    """A server and a client, each in a namespace of its own, and what the client can reach."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def create(self, namespace: str, name: str, command: str, **container: Any) -> None:
        self._create(namespace, name, {"command": ["sh", "-c", command], **container})

    def run_first_connections(self, address: str, port: int) -> list[str]:
        """Create pods that do nothing but connect once, and give how each ended."""
        names = [f"first-{number}" for number in range(FIRST_CONNECTIONS)]
        for name in names:
            # A packet that was dropped is sent again after 1 s: whoever succeeds did so with the first one.
            command = ["nc", "-w", "1", address, str(port)]
            self._create(CLIENTS, name, {"command": command}, app="client", restartPolicy="Never")
        wait_for("their end", lambda: all(self.phase(CLIENTS, name) in ("Succeeded", "Failed") for name in names))
        phases = [self.phase(CLIENTS, name) for name in names]
        for name in names:
            self.remove(CLIENTS, name)
        return phases

    def _create(self, namespace: str, name: str, container: dict[str, Any], *, app: str = "", **spec: Any) -> None:
        metadata = {"namespace": namespace, "name": name, "labels": {"app": app or name}}
        main = {"name": "main", "image": IMAGE, **container}
        body = {"imagePullSecrets": [{"name": "pull"}], "terminationGracePeriodSeconds": 0, "containers": [main]}
        self._api.create({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {**body, **spec}})

    def remove(self, namespace: str, name: str) -> None:
        self._api.delete("Pod", name, namespace)
        wait_for("its end", lambda: not exists(self._api, "Pod", name, namespace))

    def phase(self, namespace: str, name: str) -> str:
        return str(self._api.read("Pod", name, namespace)["status"]["phase"])

    def events(self, namespace: str, name: str) -> str:
        """All that was said about a pod."""
        events = self._api.list("Event", namespace)
        return "\n".join(event["message"] for event in events if event["involvedObject"]["name"] == name)

    def is_ready(self, namespace: str, name: str) -> bool:
        conditions = self._api.read("Pod", name, namespace)["status"].get("conditions", [])
        return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)

    def address(self, namespace: str, name: str) -> str:
        return str(self._api.read("Pod", name, namespace)["status"]["podIP"])

    def reaches(self, address: str, port: int) -> bool:
        return self._run(f"nc -w 1 {address} {port} </dev/null") == 0

    def reaches_server(self) -> bool:
        return self.reaches(self.address(SERVERS, "server"), 8080)

    def is_answered_by_dns(self) -> bool:
        """Whether an answer comes, whatever it says."""
        return self._run("timeout 2 nslookup kubernetes.default.svc.cluster.local | grep -q ^Server:") == 0

    def _run(self, command: str) -> int:
        return self._api.exec("client", CLIENTS, "main", ["sh", "-c", command]).exit_code

    def enforce(self, namespace: str, **specs: dict[str, Any]) -> None:
        for name, spec in specs.items():
            metadata = {"namespace": namespace, "name": name}
            kind = {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy"}
            self._api.create({**kind, "metadata": metadata, "spec": spec})

    def release(self) -> None:
        for namespace in (SERVERS, CLIENTS):
            for policy in self._api.list("NetworkPolicy", namespace):
                self._api.delete("NetworkPolicy", policy["metadata"]["name"], namespace)


def make_namespace(api: Api, name: str, docker_config: Path) -> None:
    api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    login = base64.b64encode(docker_config.read_bytes()).decode()
    secret = {"type": "kubernetes.io/dockerconfigjson", "data": {".dockerconfigjson": login}}
    api.create({"apiVersion": "v1", "kind": "Secret", "metadata": {"namespace": name, "name": "pull"}, **secret})
    wait_for("the default service account", lambda: exists(api, "ServiceAccount", "default", name))


def exists(api: Api, kind: str, name: str, namespace: str | None = None) -> bool:
    try:
        api.read(kind, name, namespace)
    except errors.ApiError as error:
        if error.is_not_found:
            return False
        raise
    return True


@pytest.fixture(scope="module")
def running() -> Iterator[Pods]:
    # Asked for here and not at import: the test run's own cluster is started after collection.
    kubeconfig = Path(os.environ.get("KPO_TEST_KUBECONFIG", "/var/lib/kpo-provision/local/kubeconfig"))
    with Api(connect(kubeconfig=kubeconfig, context=None)) as api:
        made = []
        try:
            for namespace in (SERVERS, CLIENTS):
                made.append(namespace)
                make_namespace(api, namespace, kubeconfig.parent / "registry" / "config.json")
            pods = Pods(api)
            pods.create(SERVERS, "server", "httpd -f -p 8080 -h /", ports=[{"name": "http", "containerPort": 8080}])
            pods.create(CLIENTS, "client", "sleep 3600")
            wait_for("two ready pods", lambda: pods.is_ready(SERVERS, "server") and pods.is_ready(CLIENTS, "client"))
            yield pods
        finally:
            for namespace in made:
                api.delete("Namespace", namespace)
            wait_for("their end", lambda: not any(exists(api, "Namespace", name) for name in made))


@pytest.fixture
def pods(running: Pods) -> Iterator[Pods]:
    wait_for("an open server", running.reaches_server)
    yield running
    running.release()


def test_closed_namespace_reaches_neither_pods_nor_dns_nor_the_api_server(pods: Pods) -> None:
    assert pods.is_answered_by_dns()
    assert pods.reaches(*API_SERVICE)
    pods.enforce(CLIENTS, closed=CLOSED)
    wait_for("a closed client", lambda: not pods.reaches_server())
    assert not pods.is_answered_by_dns()
    assert not pods.reaches(*API_SERVICE)
    assert not pods.reaches(API_NODE, 6443)


def test_dns_can_be_opened_alone(pods: Pods) -> None:
    pods.enforce(CLIENTS, closed=CLOSED, dns=DNS)
    wait_for("a closed client", lambda: not pods.reaches_server())
    assert pods.is_answered_by_dns()
    assert not pods.reaches(*API_SERVICE)


def test_api_server_can_be_opened_alone(pods: Pods) -> None:
    to_node = {"to": [{"ipBlock": {"cidr": f"{API_NODE}/32"}}], "ports": [{"port": 6443}]}
    pods.enforce(CLIENTS, closed=CLOSED, api={"podSelector": {}, "policyTypes": ["Egress"], "egress": [to_node]})
    wait_for("a closed client", lambda: not pods.reaches_server())
    assert pods.reaches(*API_SERVICE)
    assert not pods.is_answered_by_dns()


def test_both_namespaces_must_agree(pods: Pods) -> None:
    pods.enforce(SERVERS, closed=CLOSED)
    wait_for("a closed server", lambda: not pods.reaches_server())
    clients = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": CLIENTS}}}
    ingress = [{"from": [{**clients, "podSelector": {"matchLabels": {"app": "client"}}}], "ports": [{"port": "http"}]}]
    pods.enforce(SERVERS, http={"podSelector": {"matchLabels": {"app": "server"}}, "ingress": ingress})
    wait_for("an open server", pods.reaches_server)
    pods.enforce(CLIENTS, closed=CLOSED)
    wait_for("a closed client", lambda: not pods.reaches_server())


def test_kubelet_probes_a_pod_that_started_closed(pods: Pods) -> None:
    pods.enforce(SERVERS, closed=CLOSED)
    probe = {"tcpSocket": {"port": 8080}, "periodSeconds": 1}
    pods.create(SERVERS, "probed", "httpd -f -p 8080 -h /", readinessProbe=probe)
    wait_for("a ready pod", lambda: pods.is_ready(SERVERS, "probed"))
    assert not pods.reaches(pods.address(SERVERS, "probed"), 8080)


def test_first_connection_of_a_pod_is_held_to_the_policies(pods: Pods) -> None:
    pods.enforce(CLIENTS, closed=CLOSED)
    wait_for("a closed client", lambda: not pods.reaches_server())
    phases = pods.run_first_connections(pods.address(SERVERS, "server"), 8080)
    assert phases == ["Failed"] * FIRST_CONNECTIONS


def test_first_connection_of_a_pod_is_not_delayed_where_both_sides_allow_it(pods: Pods) -> None:
    servers = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": SERVERS}}}
    clients = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": CLIENTS}}}
    label = {"podSelector": {"matchLabels": {"app": "client"}}}
    pods.enforce(SERVERS, closed=CLOSED, clients={"podSelector": {}, "ingress": [{"from": [{**clients, **label}]}]})
    egress = [{"to": [servers]}]
    pods.enforce(CLIENTS, closed=CLOSED, servers={"podSelector": {}, "policyTypes": ["Egress"], "egress": egress})
    wait_for("an open server, and nothing else", lambda: not pods.reaches(*API_SERVICE) and pods.reaches_server())
    phases = pods.run_first_connections(pods.address(SERVERS, "server"), 8080)
    assert phases == ["Succeeded"] * FIRST_CONNECTIONS


@contextlib.contextmanager
def agent_away() -> Iterator[Callable[[], None]]:
    """The policy agent is killed; gives what brings it back, which is done afterwards in any case."""
    home = Path(os.environ["KPO_TEST_KUBECONFIG"]).parent
    options = LocalOptions(home=home, cache=home)

    def revive() -> None:
        control.ask_supervisor(options.layout.control, control.REVIVE)

    (agent,) = [pid for pid in cgroups.list_processes(options.cgroup) if is_agent(pid)]
    os.kill(agent, signal.SIGKILL)
    wait_for("its end", lambda: agent not in cgroups.list_processes(options.cgroup))
    try:
        yield revive
    finally:
        revive()


def is_agent(pid: int) -> bool:
    return b"kpo_provision.local.netpol" in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")


def test_pod_does_not_start_before_the_agent_is_back(pods: Pods) -> None:
    with agent_away() as revive:
        pods.create(CLIENTS, "early", "sleep 3600")
        wait_for("an event that names the gate", lambda: 'type="kpo-gate"' in pods.events(CLIENTS, "early"))
        assert pods.phase(CLIENTS, "early") == "Pending"
        revive()
        wait_for("a pod that started", lambda: pods.is_ready(CLIENTS, "early"))


def test_pod_can_be_taken_away_while_the_agent_is_away(pods: Pods) -> None:
    pods.create(CLIENTS, "leaving", "sleep 3600")
    wait_for("a ready pod", lambda: pods.is_ready(CLIENTS, "leaving"))
    with agent_away():
        pods.remove(CLIENTS, "leaving")
