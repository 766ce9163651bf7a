"""Network policies on the running local cluster: real pods, kubelets, service addresses and cluster DNS."""

import base64
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kpo_provision import errors
from kpo_provision.kube.api import Api
from kpo_provision.kube.connection import connect

pytestmark = pytest.mark.cluster

IMAGE = "registry.local:5000/kpo/probe:1"
API_SERVICE = ("10.96.0.1", 443)
API_NODE = "10.88.0.1"
SERVERS, CLIENTS = f"netpol-{os.getpid()}-servers", f"netpol-{os.getpid()}-clients"
DEADLINE_S = 60.0

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
        main = {"name": "main", "image": IMAGE, "command": ["sh", "-c", command], **container}
        metadata = {"namespace": namespace, "name": name, "labels": {"app": name}}
        spec = {"imagePullSecrets": [{"name": "pull"}], "terminationGracePeriodSeconds": 0, "containers": [main]}
        self._api.create({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})

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
