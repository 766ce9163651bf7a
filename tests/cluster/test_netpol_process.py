"""The agent as a process: a TLS server that speaks list and watch before it, the kernel behind it."""

import concurrent.futures
import contextlib
import ctypes
import datetime
import json
import os
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from kpo_provision.local.netpol import gate

pytestmark = pytest.mark.cluster

CLONE_NEWNET = 0x40000000
DEADLINE_S = 20.0
POD = {
    "metadata": {"uid": "p", "namespace": "red", "name": "web", "resourceVersion": "2"},
    "spec": {"containers": [{"name": "main"}]},
    "status": {"phase": "Running", "podIP": "10.0.0.1"},
}
POLICY = {
    "metadata": {"uid": "n", "namespace": "red", "name": "deny", "resourceVersion": "3"},
    "spec": {"podSelector": {}, "policyTypes": ["Ingress"]},
}
STARTING = {
    "metadata": {"uid": "j", "namespace": "red", "name": "job", "resourceVersion": "6"},
    "spec": {"containers": [{"name": "main"}]},
    "status": {"phase": "Pending"},
}
RED = {"metadata": {"uid": "s", "name": "red", "resourceVersion": "1"}}


class Cluster:
    """Objects by path, and a queue of events for each watch that is open."""

    def __init__(self) -> None:
        self.objects: dict[str, list[dict[str, Any]]] = {
            "/api/v1/namespaces": [RED],
            "/api/v1/pods": [POD],
            "/apis/networking.k8s.io/v1/networkpolicies": [],
        }
        self.refused = False
        self.events: dict[str, list[dict[str, Any] | None]] = {path: [] for path in self.objects}
        self.arrived = threading.Condition()

    def send(self, path: str, event: dict[str, Any] | None) -> None:
        """Send an event to the watch of a path; None cuts its connection."""
        with self.arrived:
            self.events[path].append(event)
            self.arrived.notify_all()

    def take(self, path: str) -> dict[str, Any] | None:
        with self.arrived:
            self.arrived.wait_for(lambda: self.events[path])
            return self.events[path].pop(0)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    cluster: Cluster

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        if self.cluster.refused:
            self.send_error(503)
        elif "watch=1" in query:
            self._stream(path)
        else:
            self._answer({"metadata": {"resourceVersion": "5"}, "items": self.cluster.objects[path]})

    def log_message(self, *arguments: object) -> None:
        pass

    def _answer(self, document: dict[str, Any]) -> None:
        body = json.dumps(document).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _stream(self, path: str) -> None:
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        while (event := self.cluster.take(path)) is not None:
            line = json.dumps(event).encode() + b"\n"
            self.wfile.write(b"%x\r\n%s\r\n" % (len(line), line))
        self.close_connection = True


class Agent:
    """The running agent in a network namespace of its own."""

    def __init__(self, namespace: str, kubeconfig: Path, folder: Path) -> None:
        self._namespace = namespace
        self._kubeconfig = kubeconfig
        self.log = folder / "log"
        self.gate = folder / "gate.sock"
        self.start()

    def start(self) -> None:
        command = [sys.executable, "-m", "kpo_provision.local.netpol"]
        command += ["--kubeconfig", str(self._kubeconfig), "--gate", str(self.gate)]
        with self.log.open("w") as stderr:
            self.process = subprocess.Popen(["ip", "netns", "exec", self._namespace, *command], stderr=stderr)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def announce(self, address: str) -> subprocess.Popen[str]:
        """Start the gate as a container runtime does for the pod that is about to start."""
        configuration = {
            "cniVersion": "1.0.0",
            "socket": str(self.gate),
            "timeoutSeconds": DEADLINE_S,
            "prevResult": {"ips": [{"address": f"{address}/32"}]},
        }
        arguments = "K8S_POD_NAMESPACE=red;K8S_POD_NAME=job;K8S_POD_UID=j"
        started = subprocess.Popen(
            [sys.executable, "-I", "-S", gate.__file__],
            env={"CNI_COMMAND": "ADD", "CNI_ARGS": arguments},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert started.stdin is not None
        started.stdin.write(json.dumps(configuration))
        started.stdin.close()
        return started

    def table(self) -> str:
        command = ["ip", "netns", "exec", self._namespace, "nft", "list", "table", "inet", "kpo_netpol"]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout

    def wait_for(self, text: str, *, present: bool = True) -> None:
        self._wait(lambda: self.table() and (text in self.table()) is present, f"{text!r} {present=}")

    def wait_for_log(self, text: str) -> None:
        self._wait(lambda: text in self.log.read_text(), f"{text!r} in the log")

    def _wait(self, condition: Any, what: str) -> None:
        deadline = time.monotonic() + DEADLINE_S
        while not condition():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, f"no {what}: {self.table()}\n{self.log.read_text()}"
            time.sleep(0.02)


def make_certificate(folder: Path) -> Path:
    """One key and one certificate that serve as authority, server and client."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "kpo-netpol")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder(issuer_name=name, subject_name=name, public_key=key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file = folder / "netpol.pem"
    file.touch(mode=0o600)
    file.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    return file


@contextlib.contextmanager
def serve(cluster: Cluster, namespace: str, certificate: Path) -> Iterator[int]:
    """Serve the cluster on the loopback address of a network namespace; gives the port."""
    handler = type("ClusterHandler", (Handler,), {"cluster": cluster})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler, bind_and_activate=False)
    server.socket.close()
    server.socket = socket_inside(namespace)
    server.server_bind()
    server.server_activate()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=certificate)
    context.load_cert_chain(certificate)
    context.verify_mode = ssl.CERT_REQUIRED
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port
    finally:
        for path in cluster.objects:
            cluster.send(path, None)
        server.shutdown()
        thread.join()
        server.server_close()


def socket_inside(namespace: str) -> socket.socket:
    """A socket stays in the network namespace that it was made in."""

    def make() -> socket.socket:
        with Path(f"/run/netns/{namespace}").open() as file:
            assert ctypes.CDLL(None).setns(file.fileno(), CLONE_NEWNET) == 0
        return socket.socket()

    with concurrent.futures.ThreadPoolExecutor(max_workers=1) as thread:
        return thread.submit(make).result()


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()


@pytest.fixture
def agent(cluster: Cluster, tmp_path: Path) -> Iterator[Agent]:
    namespace = f"kponp{os.getpid()}agent"
    certificate = make_certificate(tmp_path)
    kubeconfig = tmp_path / "netpol.kubeconfig"
    with contextlib.ExitStack() as stack:
        subprocess.run(["ip", "netns", "add", namespace], check=True)
        stack.callback(subprocess.run, ["ip", "netns", "del", namespace], check=True)
        subprocess.run(["ip", "-n", namespace, "link", "set", "lo", "up"], check=True)
        port = stack.enter_context(serve(cluster, namespace, certificate))
        user = {"client-certificate": certificate.name, "client-key": certificate.name}
        server = {"server": f"https://127.0.0.1:{port}", "certificate-authority": certificate.name}
        kubeconfig.write_text(
            json.dumps(
                {
                    "current-context": "local",
                    "contexts": [{"name": "local", "context": {"cluster": "local", "user": "netpol"}}],
                    "clusters": [{"name": "local", "cluster": server}],
                    "users": [{"name": "netpol", "user": user}],
                }
            )
        )
        started = Agent(namespace, kubeconfig, tmp_path)
        stack.callback(started.kill)
        yield started


POLICIES = "/apis/networking.k8s.io/v1/networkpolicies"
ISOLATED = "10.0.0.1 : goto"


def test_rules_follow_the_policies(cluster: Cluster, agent: Agent) -> None:
    agent.wait_for(ISOLATED, present=False)
    cluster.send(POLICIES, {"type": "ADDED", "object": POLICY})
    agent.wait_for(ISOLATED)
    cluster.send(POLICIES, {"type": "DELETED", "object": POLICY})
    agent.wait_for(ISOLATED, present=False)
    assert "rules replaced: 1 policies, 1 pods" in agent.log.read_text()


def test_rules_follow_what_changed_while_the_connection_was_cut(cluster: Cluster, agent: Agent) -> None:
    agent.wait_for(ISOLATED, present=False)
    cluster.objects[POLICIES] = [POLICY]
    cluster.refused = True
    cluster.send(POLICIES, None)
    agent.wait_for_log("503")
    cluster.refused = False
    agent.wait_for(ISOLATED)


def test_rules_stay_when_the_agent_is_told_to_stop(cluster: Cluster, agent: Agent) -> None:
    cluster.send(POLICIES, {"type": "ADDED", "object": POLICY})
    agent.wait_for(ISOLATED)
    agent.process.terminate()
    assert agent.process.wait(DEADLINE_S) == 0
    assert ISOLATED in agent.table()
    assert "Traceback" not in agent.log.read_text()


def test_agent_that_cannot_follow_any_more_ends(cluster: Cluster, agent: Agent) -> None:
    agent.wait_for(ISOLATED, present=False)
    cluster.send("/api/v1/pods", {"type": "ADDED", "object": {"metadata": {"uid": "x"}}})
    assert agent.process.wait(DEADLINE_S) == 1
    assert "a thread ended" in agent.log.read_text()


def test_pod_passes_the_gate_when_the_kernel_has_its_rules(cluster: Cluster, agent: Agent) -> None:
    cluster.send(POLICIES, {"type": "ADDED", "object": POLICY})
    with agent.announce("10.0.0.7") as waiting:
        agent.wait_for(ISOLATED)
        assert waiting.poll() is None
        cluster.send("/api/v1/pods", {"type": "ADDED", "object": STARTING})
        assert waiting.wait(DEADLINE_S) == 0
    assert "10.0.0.7 : goto" in agent.table()


def test_gate_is_shut_until_a_new_agent_has_listed_everything(cluster: Cluster, agent: Agent) -> None:
    cluster.send(POLICIES, {"type": "ADDED", "object": POLICY})
    agent.wait_for(ISOLATED)
    agent.kill()
    cluster.objects[POLICIES] = [POLICY]
    cluster.objects["/api/v1/pods"] = [POD, STARTING]
    cluster.refused = True
    for path in cluster.objects:
        cluster.send(path, None)
    with agent.announce("10.0.0.7") as waiting:
        agent.start()
        agent.wait_for_log("503")
        assert waiting.poll() is None
        cluster.refused = False
        assert waiting.wait(DEADLINE_S) == 0
        assert "10.0.0.7 : goto" in agent.table()
