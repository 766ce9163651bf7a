"""What is sent again and what is not, and what a user reads when a server cannot be reached or trusted."""

import datetime
import ipaddress
import socket
import ssl
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from kpo_provision import errors
from kpo_provision.kube import refusals, retry
from kpo_provision.kube.api import Api
from kpo_provision.kube.connection import Connection
from kpo_provision.kube.transport import HttpTransport, Request
from tests.fakes.api_server import FakeApiServer, Fault

NAMESPACE = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "etl"}}


@pytest.fixture
def server():
    with FakeApiServer() as running:
        yield running


@pytest.fixture
def api(server):
    with Api(server.connection) as opened:
        opened.server_version()
        server.calls.clear()
        yield opened


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_an_overloaded_server_is_asked_again(server, api, status):
    server.faults.extend([Fault(status=status), Fault(status=status)])
    api.apply(NAMESPACE)
    assert len(server.calls) == 3


def test_retry_after_is_obeyed_however_often(server, api):
    server.faults.extend(Fault(status=429, retry_after="0") for _ in range(5))
    api.apply(NAMESPACE)
    assert len(server.calls) == 6


def test_a_lost_connection_is_opened_again(server, api):
    server.faults.append(Fault(status=0))
    api.apply(NAMESPACE)
    assert server.get("Namespace", "etl")


def test_an_idle_connection_that_the_server_closed_is_not_used(server, api):
    server.hang_up()
    api.create(NAMESPACE)
    assert [call[0] for call in server.calls] == ["POST"]


def test_a_create_that_may_have_been_carried_out_is_not_repeated(server, api):
    server.faults.append(Fault(status=0, after_handling=True))
    with pytest.raises(errors.ClusterError, match="it may or may not have been carried out"):
        api.create(NAMESPACE)
    assert len(server.calls) == 1


def test_a_create_that_was_turned_away_is_repeated(server, api):
    server.faults.append(Fault(status=429, retry_after="0"))
    api.create(NAMESPACE)
    assert len(server.calls) == 2


def test_a_question_by_post_is_repeated(server, api):
    server.faults.append(Fault(status=0, after_handling=True))
    assert api.request_token("worker", "etl")


def test_a_refusal_is_not_repeated(server, api):
    server.refuse("PATCH", "/namespaces/etl", status=422, reason="Invalid", message="x" * 1000)
    with pytest.raises(errors.ApiError, match="apply Namespace etl: 422 Invalid: xxx") as caught:
        api.apply(NAMESPACE)
    assert len(str(caught.value)) < 400
    assert len(server.calls) == 1


def test_the_retry_budget_runs_out_and_is_earned_back_by_requests():
    budget = retry.RetryBudget()
    granted = sum(budget.spend() for _ in range(200))
    for _ in range(10):
        budget.earn()
    assert granted == 100
    assert [budget.spend() for _ in range(3)] == [True, True, False]


def test_what_a_front_door_sends_in_place_of_a_status_is_shown():
    refusal = refusals.parse_refusal(502, b"<html>Bad\n gateway</html>", verb="read", target="Namespace etl")
    assert str(refusal) == "read Namespace etl: 502 Bad Gateway: <html>Bad gateway</html>"


def test_many_threads_share_a_few_connections(server, api):
    threads = [threading.Thread(target=lambda: [api.server_version() for _ in range(20)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(server.calls) == 80


def test_a_login_that_is_refused_says_so():
    with FakeApiServer(token="right") as server:
        wrong = server.connection.as_bearer("wrong")
        with Api(wrong) as api, pytest.raises(errors.ApiError, match="401 Unauthorized") as caught:
            api.server_version()
    assert "log in again" in caught.value.hint


def sentence_for(connection):
    with Api(connection) as api, pytest.raises(errors.ClusterError) as caught:
        api.server_version()
    assert caught.value.hint
    assert caught.value.exit_code == 6
    return str(caught.value)


def test_a_closed_port_is_refused_at_once_and_named():
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{reserved.getsockname()[1]}"
        said = sentence_for(Connection(server=url, context="prod"))
    assert said == f"the API server {url} (context prod) refuses connections"


def test_a_name_that_does_not_resolve_is_named():
    said = sentence_for(Connection(server="http://no-such-host.invalid:6443", context="prod"))
    assert "the name no-such-host.invalid does not resolve" in said


def test_a_server_that_accepts_and_is_silent_has_not_answered_in_time():
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        transport = HttpTransport(Connection(server=f"http://127.0.0.1:{silent.getsockname()[1]}", context="prod"))
        with pytest.raises(errors.ClusterError, match="did not answer in time"):
            transport.send(Request(method="GET", path="/version", timeout_s=0.05))


def test_an_abort_ends_the_wait_of_another_thread_for_good():
    request = Request(method="GET", path="/version")
    with socket.create_server(("127.0.0.1", 0)) as listening, ThreadPoolExecutor(1) as other:
        transport = HttpTransport(Connection(server=f"http://127.0.0.1:{listening.getsockname()[1]}", context="prod"))
        answered = other.submit(transport.send, request)
        channel, _ = listening.accept()
        with channel:
            channel.recv(65536)
            channel.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            assert answered.result().status == 200
            waiting = other.submit(transport.send, request)
            channel.recv(65536)
            transport.abort()
            with pytest.raises(errors.ClusterError):
                waiting.result()
        listening.setblocking(False)
        with pytest.raises(BlockingIOError):
            listening.accept()


def issue(tmp_path, *, name="localhost", expired=False):
    """Write a self-signed certificate for ``name`` and 127.0.0.1 unless it is for another name, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.datetime.now(datetime.UTC)
    begins, ends = (-20, -10) if expired else (-1, 10)
    addresses = [x509.IPAddress(ipaddress.ip_address("127.0.0.1"))] if name == "localhost" else []
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now + datetime.timedelta(days=begins))
        .not_valid_after(now + datetime.timedelta(days=ends))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name), *addresses]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = tmp_path / f"{name}-{expired}.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    pem.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    return pem


@contextmanager
def tls_server(pem):
    with FakeApiServer() as server:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pem)
        server.speak_tls(context)
        yield server.connection.server.replace("http:", "https:")


def trusting(url, ca, **fields):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(ca)
    return Connection(server=url, context="prod", tls=context, tls_without_identity=context, **fields)


def test_a_trusted_server_is_trusted(tmp_path):
    pem = issue(tmp_path)
    with tls_server(pem) as url, Api(trusting(url, pem)) as api:
        assert api.server_version().release == (1, 37)


def test_a_certificate_for_another_name_is_told_from_an_unknown_one(tmp_path):
    pem = issue(tmp_path, name="other.example")
    with tls_server(pem) as url:
        assert "is for another name" in sentence_for(trusting(url, pem))
        with Api(trusting(url, pem, tls_server_name="other.example")) as api:
            assert api.server_version().release == (1, 37)


def test_a_certificate_of_an_unknown_authority_is_not_trusted(tmp_path):
    with tls_server(issue(tmp_path)) as url:
        stranger = issue(tmp_path, name="stranger.example")
        assert "is not trusted" in sentence_for(trusting(url, stranger))


def test_an_expired_certificate_has_expired(tmp_path):
    pem = issue(tmp_path, expired=True)
    with tls_server(pem) as url:
        assert "has expired" in sentence_for(trusting(url, pem))


def test_a_server_without_tls_does_not_speak_it(tmp_path):
    with FakeApiServer() as server:
        url = server.connection.server.replace("http:", "https:")
        assert "does not speak TLS" in sentence_for(trusting(url, issue(tmp_path)))


def test_requests_go_through_the_proxy(server):
    asked = []
    with proxy(asked) as address:
        connection = replace(server.connection, proxy=f"http://user:pa%20ss@{address}")
        with Api(connection) as api:
            assert api.server_version().release == (1, 37)
    [request] = asked
    assert request.startswith(f"CONNECT {server.connection.server.removeprefix('http://')} ")
    assert "Proxy-Authorization: Basic dXNlcjpwYSBzcw==" in request
    assert "pa%20ss" not in repr(connection)


@contextmanager
def proxy(asked):
    """Run a proxy that tunnels one connection."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=tunnel, args=(listening, asked))
        thread.start()
        yield f"127.0.0.1:{listening.getsockname()[1]}"
        thread.join()


def tunnel(listening, asked):
    client, _ = listening.accept()
    with client:
        request = client.recv(65536).decode()
        asked.append(request)
        host, port = request.split()[1].split(":")
        with socket.create_connection((host, int(port))) as upstream:
            client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            upstream.sendall(client.recv(65536))
            while data := upstream.recv(65536):
                client.sendall(data)
                if data.endswith(b"}"):
                    return
