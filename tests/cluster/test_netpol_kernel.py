"""Kubernetes' network policy semantics against the real kernel: real packets between network namespaces.

One namespace routes, as that of the local cluster does; every endpoint hangs on it by a veth pair with a /32 address,
as the CNI plugin ptp makes it. Sockets are made inside the namespaces and used from outside.
"""

import concurrent.futures
import contextlib
import ctypes
import itertools
import os
import select
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest
import yaml

from kpo_provision import errors
from kpo_provision.local.netpol import nft, objects, rules

pytestmark = pytest.mark.machine

T = TypeVar("T")

CLONE_NEWNET = 0x40000000
ADDRESSES = {
    "red-web": "10.201.0.2",
    "red-db": "10.201.0.3",
    "blue-web": "10.201.0.4",
    "blue-job": "10.201.0.5",
    "office": "192.0.2.10",
    "stranger": "192.0.2.20",
    "node": "10.201.255.1",
    "service": "10.202.0.1",
}
ARRIVAL_S = 5.0
GRACE_S = 0.2
"""What has not arrived this long after all that should arrive did, was dropped: the kernel delivers at once."""


class Network:
    """A routing namespace with endpoints around it."""

    def __init__(self) -> None:
        self._prefix = f"kponp{os.getpid()}"
        self._made: list[str] = []
        self._listeners: dict[tuple[str, str, int], socket.socket] = {}
        self._source_ports = itertools.count(20000)
        self._router = self._make("router")
        self._ip(f"-n {self._router} addr add {ADDRESSES['node']}/32 dev lo")
        self.inside("router", lambda: Path("/proc/sys/net/ipv4/ip_forward").write_text("1"))
        for name, address in ADDRESSES.items():
            if name not in ("node", "service"):
                self._attach(name, address)

    def inside(self, endpoint: str, action: Callable[[], T]) -> T:
        """Run in a thread that has moved into the endpoint's namespace; sockets and children stay there."""
        place = "router" if endpoint == "node" else endpoint

        def run() -> T:
            descriptor = os.open(f"/run/netns/{self._prefix}{place}", os.O_RDONLY)
            try:
                assert ctypes.CDLL(None).setns(descriptor, CLONE_NEWNET) == 0
            finally:
                os.close(descriptor)
            return action()

        with concurrent.futures.ThreadPoolExecutor(max_workers=1) as thread:
            return thread.submit(run).result()

    def enforce(self, policies: list[dict], pods: list[dict]) -> None:
        script = rules.compile_ruleset(
            [objects.parse_policy(policy) for policy in policies],
            [pod for pod in map(objects.parse_pod, pods) if pod is not None],
            [objects.parse_namespace(namespace) for namespace in NAMESPACES],
        )
        self.load(script)

    def load(self, script: str) -> None:
        self.inside("router", lambda: nft.apply_ruleset(script))

    def listen(self, endpoint: str, protocol: str, port: int) -> socket.socket:
        """A socket that receives there; opened once."""
        key = (endpoint, protocol, port)
        if key not in self._listeners:
            listener = self.inside(endpoint, lambda: _socket(protocol))
            listener.bind((ADDRESSES[endpoint], port))
            if protocol == "tcp":
                listener.listen(64)
            self._listeners[key] = listener
        return self._listeners[key]

    def probe(self, attempts: list[str], expected: set[str]) -> set[str]:
        """Which of the attempts ``sender>receiver:protocol:port`` arrive."""
        sent: dict[str, str] = {}
        with contextlib.ExitStack() as stack:
            tcp: dict[socket.socket, str] = {}
            listeners: set[socket.socket] = set()
            for attempt in attempts:
                sender, receiver, protocol, port = _split(attempt)
                if receiver != "service":
                    listeners.add(self.listen(receiver, protocol, port))
                out = stack.enter_context(self.inside(sender, lambda protocol=protocol: _socket(protocol)))
                number = next(self._source_ports)
                out.bind((ADDRESSES[sender], number))
                _send(out, (ADDRESSES[receiver], port), str(number))
                sent[str(number)] = attempt
                if protocol == "tcp":
                    tcp[out] = str(number)
            numbers = _collect(tcp, listeners, until=lambda seen: expected <= {sent.get(each) for each in seen})
            return {sent[number] for number in numbers if number in sent}

    def link_local(self, endpoint: str) -> str:
        """The IPv6 address that the router has on its link to an endpoint."""
        shown = subprocess.run(
            ["ip", "-n", self._router, "-6", "-br", "addr", "show", "dev", link_of(endpoint), "scope", "link"],
            check=True,
            capture_output=True,
            text=True,
        )
        return shown.stdout.split()[2].split("/")[0]

    def close(self) -> None:
        for listener in self._listeners.values():
            listener.close()
        for name in reversed(self._made):
            self._ip(f"netns del {name}")

    def _make(self, name: str) -> str:
        full = f"{self._prefix}{name}"
        self._ip(f"netns add {full}")
        self._made.append(full)
        self._ip(f"-n {full} link set lo up")
        return full

    def _attach(self, name: str, address: str) -> None:
        namespace, link, gateway = self._make(name), link_of(name), "169.254.1.1"
        self._ip(f"-n {self._router} link add {link} type veth peer name eth0 netns {namespace}")
        self._ip(f"-n {self._router} addr add {gateway}/32 dev {link}")
        self._ip(f"-n {self._router} link set {link} up")
        self._ip(f"-n {self._router} route add {address}/32 dev {link}")
        self._ip(f"-n {namespace} addr add {address}/32 dev eth0")
        self._ip(f"-n {namespace} link set eth0 up")
        self._ip(f"-n {namespace} route add {gateway} dev eth0 scope link")
        self._ip(f"-n {namespace} route add default via {gateway}")

    @staticmethod
    def _ip(arguments: str) -> None:
        subprocess.run(["ip", *arguments.split()], check=True)


def link_of(endpoint: str) -> str:
    """The router's end of an endpoint's link; pods' have the name that the plugin ptp gives."""
    return f"veth{endpoint}" if endpoint in PORT_NAMES else f"v{endpoint}"


def _socket(protocol: str) -> socket.socket:
    kinds = {
        "tcp": (socket.SOCK_STREAM, 0),
        "udp": (socket.SOCK_DGRAM, 0),
        "sctp": (socket.SOCK_RAW, 132),
        "other": (socket.SOCK_RAW, 253),
    }
    made = socket.socket(socket.AF_INET, *kinds[protocol])
    made.setblocking(False)
    return made


def _split(attempt: str) -> tuple[str, str, str, int]:
    path, protocol, port = attempt.split(":")
    sender, receiver = path.split(">")
    return sender, receiver, protocol, int(port)


def _send(out: socket.socket, target: tuple[str, int], payload: str) -> None:
    if out.type == socket.SOCK_STREAM:
        out.connect_ex(target)
    elif out.type == socket.SOCK_RAW:
        # Source port, destination port, tag, checksum: how an SCTP packet starts.
        header = bytes(2) + target[1].to_bytes(2, "big") + bytes(8)
        out.sendto(header + payload.encode(), (target[0], 0))
    else:
        out.sendto(payload.encode(), target)


def _collect(
    tcp: dict[socket.socket, str], listeners: set[socket.socket], until: Callable[[set[str]], bool]
) -> set[str]:
    """The numbers that arrive: until all are there that should, and for a while longer."""
    seen: set[str] = set()
    listeners = {listener for listener in listeners if listener.type != socket.SOCK_STREAM}
    deadline = time.monotonic() + ARRIVAL_S
    grace = None
    while time.monotonic() < (grace or deadline):
        readable, writable, _ = select.select(listeners, tcp, [], 0.02)
        for out in writable:
            assert out.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0
            seen.add(tcp.pop(out))
        for listener in readable:
            payload = listener.recv(4096)
            seen.add((payload[20 + 12 :] if listener.type == socket.SOCK_RAW else payload).decode())
        if grace is None and until(seen):
            grace = time.monotonic() + GRACE_S
    return seen


@pytest.fixture(scope="module")
def network() -> Iterator[Network]:
    with contextlib.closing(Network()) as made:
        yield made


NAMESPACES = [{"metadata": {"name": team, "labels": {"team": team}}} for team in ("red", "blue")]
PORT_NAMES = {"red-web": {"http": 8080}, "red-db": {"http": 9090}, "blue-web": {"http": 8080}, "blue-job": {}}
CASES = yaml.safe_load(Path(__file__).with_name("test_netpol_cases.yaml").read_text())


def pods(changes: dict[str, dict]) -> list[dict]:
    made = []
    for endpoint, names in PORT_NAMES.items():
        change = changes.get(endpoint, {})
        team, app = endpoint.split("-")
        ports = [{"name": name, "containerPort": number} for name, number in names.items()]
        spec = {"containers": [{"name": "main", "ports": ports}], "hostNetwork": change.get("hostNetwork", False)}
        address = ADDRESSES["node" if spec["hostNetwork"] else endpoint]
        status = {"phase": "Running", "podIP": address, **change.get("status", {})}
        metadata = {"uid": endpoint, "namespace": team, "name": app, "labels": {"app": app}}
        made.append({"metadata": metadata, "spec": spec, "status": status})
    return made


def policies(*specs: dict) -> list[dict]:
    return [
        {"metadata": {"namespace": spec.get("namespace", "red"), "name": f"policy-{number}"}, "spec": spec}
        for number, spec in enumerate(specs)
    ]


DENY = {"policyTypes": ["Ingress", "Egress"]}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_kernel_delivers_what_kubernetes_allows(network: Network, case: dict) -> None:
    arrives, dropped = case.get("arrives", []), case.get("dropped", [])
    network.enforce(policies(*case.get("policies", [])), pods(case.get("pods", {})))
    assert network.probe(arrives + dropped, set(arrives)) == set(arrives)


SERVICE = f"""
table ip services {{
    chain prerouting {{
        type nat hook prerouting priority dstnat
        ip daddr {ADDRESSES["service"]} tcp dport 80 dnat to {ADDRESSES["red-web"]}:8080
        ip daddr {ADDRESSES["service"]} tcp dport 6443 dnat to {ADDRESSES["node"]}:6443
    }}
    chain postrouting {{
        type nat hook postrouting priority srcnat
        ip saddr {ADDRESSES["red-web"]} ip daddr {ADDRESSES["red-web"]} masquerade
    }}
}}
"""


@pytest.fixture
def service(network: Network) -> Iterator[None]:
    """A service address that is translated where kube-proxy does it, to red-web; port 6443 to the node."""
    network.load(SERVICE)
    network.listen("red-web", "tcp", 8080)
    network.listen("node", "tcp", 6443)
    yield
    network.load("delete table ip services")


def test_rules_see_the_pod_behind_a_service(network: Network, service: None) -> None:
    to_web = {"to": [{"namespaceSelector": {"matchLabels": {"team": "red"}}}], "ports": [{"port": 8080}]}
    network.enforce(policies({"namespace": "blue", "policyTypes": ["Egress"], "egress": [to_web]}), pods({}))
    attempts = ["blue-job>service:tcp:80", "blue-job>service:tcp:6443"]
    assert network.probe(attempts, {attempts[0]}) == {attempts[0]}


def test_rules_see_the_node_behind_a_service(network: Network, service: None) -> None:
    to_node = {"to": [{"ipBlock": {"cidr": f"{ADDRESSES['node']}/32"}}]}
    network.enforce(policies({"namespace": "blue", "policyTypes": ["Egress"], "egress": [to_node]}), pods({}))
    attempts = ["blue-job>service:tcp:80", "blue-job>service:tcp:6443"]
    assert network.probe(attempts, {attempts[1]}) == {attempts[1]}


def test_pod_reaches_itself_through_its_service(network: Network, service: None) -> None:
    network.enforce(policies(DENY), pods({}))
    attempts = ["red-web>service:tcp:80", "red-db>service:tcp:80"]
    assert network.probe(attempts, {attempts[0]}) == {attempts[0]}


def test_replies_pass_and_connections_survive_a_replacement(network: Network) -> None:
    network.enforce(policies({"policyTypes": ["Ingress", "Egress"], "ingress": [{"ports": [{"port": 80}]}]}), pods({}))
    listener = network.listen("red-web", "tcp", 80)
    with network.inside("blue-web", socket.socket) as client:
        client.settimeout(ARRIVAL_S)
        client.connect((ADDRESSES["red-web"], 80))
        server = accept_from(listener, client.getsockname())
        with server:
            network.enforce(policies(DENY), pods({}))
            client.sendall(b"question")
            assert server.recv(64) == b"question"
            server.sendall(b"answer")
            assert client.recv(64) == b"answer"


def accept_from(listener: socket.socket, address: tuple[str, int]) -> socket.socket:
    """The connection of one client; those that earlier attempts left in the queue are closed."""
    while True:
        assert select.select([listener], [], [], ARRIVAL_S)[0]
        connection, peer = listener.accept()
        if peer == address:
            connection.settimeout(ARRIVAL_S)
            return connection
        connection.close()


def test_ruleset_that_nft_refuses_leaves_the_old_one_in_force(network: Network) -> None:
    network.enforce(policies(DENY), pods({}))
    with pytest.raises(errors.LocalClusterError, match="nft refused"):
        network.load("delete table inet kpo_netpol\nadd rule inet kpo_netpol nowhere drop\n")
    assert network.probe(["blue-web>red-web:tcp:80"], set()) == set()


def test_link_local_addresses_are_no_way_round_the_rules(network: Network) -> None:
    network.enforce(policies(DENY), pods({}))
    address = network.link_local("red-web")
    listener = network.inside("node", lambda: socket.socket(socket.AF_INET6, socket.SOCK_DGRAM))
    sender = network.inside("red-web", lambda: socket.socket(socket.AF_INET6, socket.SOCK_DGRAM))
    with listener, sender:
        listener.bind(("::", 53))
        scope = network.inside("red-web", lambda: socket.if_nametoindex("eth0"))
        # The kernel may find no neighbour to send to at all: its solicitation is dropped as well.
        with contextlib.suppress(OSError):
            sender.sendto(b"x", (address, 53, 0, scope))
        assert select.select([listener], [], [], GRACE_S)[0] == []
