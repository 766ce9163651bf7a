"""Watches that break and logs that end."""

import contextlib
import socket

import pytest

from kpo_provision import errors
from kpo_provision.kube.api import Api
from kpo_provision.kube.connection import Connection
from tests.fakes.api_server import FakeApiServer, Fault


def config_map(value):
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "c", "namespace": "etl"},
        "data": {"value": value},
    }


@pytest.fixture
def server():
    with FakeApiServer() as running:
        running.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "etl"}})
        yield running


@pytest.fixture
def api(server):
    with Api(server.connection) as opened:
        yield opened


def test_a_watch_that_is_cut_goes_on_where_it_was(server, api):
    server.put(config_map("1"))
    with contextlib.closing(api.watch("ConfigMap", namespace="etl", timeout_s=20)) as events:
        assert next(events)["object"]["data"] == {"value": "1"}
        server.hang_up()
        server.put(config_map("2"))
        server.put(config_map("3"))
        assert [next(events)["object"]["data"]["value"] for _ in range(2)] == ["2", "3"]


def test_a_watch_from_a_forgotten_version_fails(server, api):
    server.refuse("GET", "/configmaps", status=410, reason="Expired", message="too old resource version")
    with pytest.raises(errors.ApiError, match="watch configmaps etl: 410 Expired"):
        next(api.watch("ConfigMap", namespace="etl", resource_version="1", timeout_s=20))


def test_a_watch_of_a_server_that_is_not_there_fails_at_once():
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{reserved.getsockname()[1]}"
        with pytest.raises(errors.ClusterError, match="refuses connections"):
            next(Api(Connection(server=url, context="prod")).watch("Pod", timeout_s=20))


def test_a_log_is_read_line_by_line(server, api):
    server.logs["etl", "probe"] = "one\ntwo\r\n\nlast without end"
    assert list(api.stream_log("probe", "etl", "base")) == ["one", "two", "", "last without end"]


def test_a_log_that_is_refused_says_whose(server, api):
    server.refuse("GET", "/pods/probe/log", status=400, reason="BadRequest", message="container is waiting to start")
    with pytest.raises(errors.ApiError, match="read log of Pod etl/probe: 400 BadRequest: container is waiting"):
        list(api.stream_log("probe", "etl", "base"))


def test_a_log_that_breaks_off_is_an_error(server, api):
    server.faults.append(Fault(status=0))
    with pytest.raises(errors.ClusterError, match="cannot be reached"):
        list(api.stream_log("probe", "etl", "base"))


def test_a_log_without_end_is_given_up_with_what_was_seen():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        connection = Connection(server=f"http://127.0.0.1:{listening.getsockname()[1]}", context="prod")
        lines = Api(connection).stream_log("probe", "etl", "base", timeout_s=0.2)
        answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nhello\n\r\n"
        with contextlib.closing(lines), serving(listening, answer):
            assert next(lines) == "hello"
            with pytest.raises(errors.WaitTimeoutError, match="the end of the log of Pod etl/probe; last seen: hello"):
                next(lines)


@contextlib.contextmanager
def serving(listening, answer):
    """Send an answer to the first caller and keep the connection open."""
    import threading

    accepted = []

    def serve():
        caller, _ = listening.accept()
        accepted.append(caller)
        caller.recv(65536)
        caller.sendall(answer)

    thread = threading.Thread(target=serve)
    thread.start()
    yield
    thread.join()
    accepted[0].close()
