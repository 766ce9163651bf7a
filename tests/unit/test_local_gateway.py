import os
import socket
import subprocess
import sys
import threading

import pytest

from kpo_provision.local.daemons import FIRST_DESCRIPTOR

# The supervisor hands the socket over at this descriptor; so does this child, before it becomes a gateway.
_START = f"""
import os, sys
os.dup2(int(sys.argv[1]), {FIRST_DESCRIPTOR})
os.execv(sys.executable, [sys.executable, "-m", "kpo_provision.local.gateway", sys.argv[2]])
"""


@pytest.fixture
def gateway():
    """Start a gateway for a target; gives the address that it listens on."""
    processes = []
    listeners = []

    def start(target: tuple[str, int]) -> tuple[str, int]:
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)
        argv = [sys.executable, "-c", _START, str(listener.fileno()), f"{target[0]}:{target[1]}"]
        processes.append(subprocess.Popen(argv, pass_fds=[listener.fileno()]))
        return listener.getsockname()

    yield start
    for process in processes:
        process.kill()
        process.wait()
    for listener in listeners:
        listener.close()


@pytest.fixture
def echo():
    """A server that answers, once its client has said all, with the same bytes."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve():
            connection, _ = server.accept()
            with connection, connection.makefile("rb") as stream:
                connection.sendall(stream.read())

        thread = threading.Thread(target=serve)
        thread.start()
        yield server.getsockname()
        thread.join()


def test_bytes_arrive_whole_in_both_directions_after_a_half_close(gateway, echo):
    sent = os.urandom(5_000_000)
    with socket.create_connection(gateway(echo), timeout=20) as client:
        client.sendall(sent)
        client.shutdown(socket.SHUT_WR)
        with client.makefile("rb") as stream:
            assert stream.read() == sent


def test_connection_is_closed_when_nobody_listens_inside(gateway):
    with socket.create_server(("127.0.0.1", 0)) as server:
        target = server.getsockname()
    with socket.create_connection(gateway(target), timeout=20) as client:
        assert client.recv(1) == b""
