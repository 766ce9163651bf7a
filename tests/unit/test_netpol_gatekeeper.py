import json
import socket
import stat
import threading
import time
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from kpo_provision.local.netpol import objects
from kpo_provision.local.netpol.announcements import Announcements
from kpo_provision.local.netpol.gatekeeper import Gatekeeper

DEADLINE_S = 10.0
WEB = objects.Pod(uid="u", namespace="red", name="web", labels={}, address=objects.NO_ADDRESS)
QUESTION = {"namespace": "red", "name": "web", "uid": "u", "address": "10.0.0.7", "patience_s": DEADLINE_S}


class Agent:
    """A gatekeeper at work, whose rules are in force when the test says so."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.announcements = Announcements(threading.Event())
        threading.Thread(target=Gatekeeper(place, self.announcements).run, daemon=True).start()

    def enforce(self, *pods: objects.Pod) -> list[objects.Pod]:
        located = self.announcements.locate(pods)
        self.announcements.confirm()
        return located

    def connect(self) -> socket.socket:
        """Connect as soon as somebody listens."""
        deadline = time.monotonic() + DEADLINE_S
        while True:
            connection = socket.socket(socket.AF_UNIX)
            connection.settimeout(DEADLINE_S)
            try:
                connection.connect(str(self.place))
            except OSError:
                connection.close()
                assert time.monotonic() < deadline, "nobody listens"
                time.sleep(0.01)
            else:
                return connection

    def ask(self, line: bytes) -> str:
        with self.connect() as connection, connection.makefile("rb") as stream:
            connection.sendall(line + b"\n")
            return str(json.loads(stream.readline())["problem"])


@pytest.fixture
def agent(tmp_path: Path) -> Agent:
    return Agent(tmp_path / "gate.sock")


def test_nobody_is_answered_before_the_first_rules_are_in_force(agent: Agent) -> None:
    with socket.socket(socket.AF_UNIX) as connection:
        assert connection.connect_ex(str(agent.place)) != 0
    agent.enforce()
    agent.connect().close()


def test_socket_that_an_earlier_agent_left_is_replaced_and_only_roots(tmp_path: Path) -> None:
    place = tmp_path / "gate.sock"
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(place))
    agent = Agent(place)
    agent.enforce()
    agent.connect().close()
    assert stat.S_IMODE(place.stat().st_mode) == 0o600


def test_pod_is_let_in_once_its_rules_are_in_force(agent: Agent) -> None:
    agent.enforce(WEB)
    with agent.connect() as connection, connection.makefile("rb") as stream:
        connection.sendall(json.dumps(QUESTION).encode() + b"\n")
        deadline = time.monotonic() + DEADLINE_S
        while not agent.announcements.is_awaited:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        (located,) = agent.enforce(WEB)
        assert located.address == IPv4Address("10.0.0.7")
        assert json.loads(stream.readline()) == {"problem": ""}


def test_pod_that_is_not_known_is_refused_with_the_reason(agent: Agent) -> None:
    agent.enforce()
    assert "has not shown" in agent.ask(json.dumps({**QUESTION, "patience_s": 0}).encode())


@pytest.mark.parametrize(
    "line", [b"x", b"[]", b"{}", json.dumps({**QUESTION, "address": "10.0.0.7/32"}).encode(), b"\xff"]
)
def test_question_that_cannot_be_read_is_refused_and_the_next_one_answered(agent: Agent, line: bytes) -> None:
    agent.enforce()
    assert "does not understand" in agent.ask(line)
    agent.connect().close()
    assert "has not shown" in agent.ask(json.dumps({**QUESTION, "patience_s": 0}).encode())
