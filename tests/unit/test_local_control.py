import json
import os
import socket
import threading

import pytest

from kpo_provision import errors
from kpo_provision.local import control

ANSWER = {
    "problem": "",
    "daemons": [{"name": "etcd", "state": "ended", "detail": "killed"}],
    "settings": {"api_port": 1},
}


@pytest.fixture
def supervisor(tmp_path):
    """Answer one request at a socket whose path is longer than a socket's address may be."""
    folder = tmp_path / ("deep" * 40)
    folder.mkdir()
    threads = []
    server = socket.socket(socket.AF_UNIX)
    descriptor = os.open(folder, os.O_PATH)
    server.bind(f"/proc/self/fd/{descriptor}/control.sock")
    os.close(descriptor)
    server.listen()

    def answer(line: bytes) -> None:
        connection, _ = server.accept()
        with connection, connection.makefile("rb") as stream:
            stream.readline()
            connection.sendall(line)

    def start(line: bytes):
        threads.append(threading.Thread(target=answer, args=(line,)))
        threads[-1].start()
        return folder / "control.sock"

    yield start
    for thread in threads:
        thread.join()
    server.close()


def test_nobody_there_is_no_answer(tmp_path):
    assert control.ask_supervisor(tmp_path / "control.sock", control.STATUS) is None
    assert control.ask_supervisor(tmp_path / "never" / "control.sock", control.STATUS) is None


def test_answer_tells_what_ended(supervisor):
    state = control.ask_supervisor(supervisor(json.dumps(ANSWER).encode() + b"\n"), control.STATUS)
    assert state is not None
    assert [daemon.name for daemon in state.ended] == ["etcd"]
    assert state.settings == {"api_port": 1}


def test_supervisor_that_dies_while_asked_is_no_answer(supervisor):
    assert control.ask_supervisor(supervisor(b""), control.STATUS) is None


def test_what_the_supervisor_could_not_do_is_an_error(supervisor):
    path = supervisor(json.dumps({**ANSWER, "problem": "no address left"}).encode() + b"\n")
    with pytest.raises(errors.LocalClusterError, match="no address left"):
        control.ask_supervisor(path, control.SYNC)
