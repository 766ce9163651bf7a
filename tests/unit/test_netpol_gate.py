"""The gate as the container runtime runs it, before an agent that says what the test wants."""

import json
import os
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kpo_provision.local import nodes
from kpo_provision.local.netpol import gate, gatekeeper
from kpo_provision.local.options import Layout

RESULT = {
    "cniVersion": "1.0.0",
    "interfaces": [{"name": "veth1"}, {"name": "eth0", "sandbox": "/run/netns/x"}],
    "ips": [{"address": "fd00::7/64"}, {"address": "10.0.0.7/32", "gateway": "10.0.0.1", "interface": 1}],
    "dns": {},
}
ARGUMENTS = "IgnoreUnknown=1;K8S_POD_NAMESPACE=red;K8S_POD_NAME=web;K8S_POD_INFRA_CONTAINER_ID=c;K8S_POD_UID=u"
IN_FORCE, AWAY = b'{"problem": ""}\n', b""
NODE = nodes.NodeRecord(name="kpo-system", index=0, labels={})


class Agent:
    """Listens where the gate asks, and gives one scripted answer after the other."""

    def __init__(self, folder: Path) -> None:
        self.place = folder / "agent.sock"
        self.questions: list[dict[str, Any]] = []
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self.place))

    def answer(self, *answers: bytes) -> None:
        self._listener.listen()
        threading.Thread(target=self._serve, args=(answers,), daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _serve(self, answers: tuple[bytes, ...]) -> None:
        for answer in answers:
            connection, _ = self._listener.accept()
            with connection, connection.makefile("rb") as stream:
                self.questions.append(json.loads(stream.readline()))
                connection.sendall(answer)


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Agent]:
    made = Agent(tmp_path)
    yield made
    made.close()


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """The executable, as a node gets it."""
    layout = Layout(root=tmp_path)
    nodes.prepare_node(layout, NODE, cgroup="x", has_sys_resource=True, runc=Path("/r"), cni=Path("/c"))
    return layout.nodes / NODE.name / "cni-bin" / gate.NAME


def run(program: Path, command: str, place: Path, *, arguments: str = ARGUMENTS, **changes: Any) -> tuple[int, Any]:
    """Run the plugin; gives its exit status and the JSON that it wrote."""
    plugin = {"type": "kpo-gate", "socket": str(place), "timeoutSeconds": 20}
    configuration = {"cniVersion": "1.0.0", "name": "kpo-local", "prevResult": RESULT, **plugin, **changes}
    done = subprocess.run(
        [program],
        input=json.dumps(configuration),
        env={**os.environ, "CNI_COMMAND": command, "CNI_ARGS": arguments},
        capture_output=True,
        text=True,
        check=False,
    )
    assert not done.stderr
    return done.returncode, json.loads(done.stdout) if done.stdout else None


def test_pod_is_announced_and_the_result_passed_on(program: Path, agent: Agent) -> None:
    agent.answer(IN_FORCE)
    assert run(program, "ADD", agent.place) == (0, RESULT)
    (question,) = agent.questions
    assert 0 < question.pop("patience_s") < 20
    assert question == {"namespace": "red", "name": "web", "uid": "u", "address": "10.0.0.7"}


def test_question_is_one_that_the_agent_understands(program: Path, agent: Agent) -> None:
    agent.answer(IN_FORCE)
    run(program, "ADD", agent.place)
    announcement, _ = gatekeeper.parse_question(json.dumps(agent.questions[0]).encode())
    assert (announcement.key, announcement.uid, str(announcement.address)) == (("red", "web"), "u", "10.0.0.7")


def test_pod_whose_rules_are_not_in_force_does_not_start(program: Path, agent: Agent) -> None:
    agent.answer(b'{"problem": "nft refused"}\n')
    status, answer = run(program, "ADD", agent.place)
    assert (status, answer["code"]) == (1, gate.TRY_AGAIN_LATER)
    assert "red/web" in answer["msg"]
    assert "nft refused" in answer["msg"]


@pytest.mark.parametrize("command", ["ADD", "CHECK"])
def test_pod_does_not_start_while_the_agent_is_away(program: Path, tmp_path: Path, command: str) -> None:
    status, answer = run(program, command, tmp_path / "nobody.sock", timeoutSeconds=0.1)
    assert (status, answer["code"]) == (1, gate.TRY_AGAIN_LATER)
    assert "did not answer" in answer["msg"]


def test_agent_that_ends_while_it_is_asked_is_asked_again(program: Path, agent: Agent) -> None:
    agent.answer(AWAY, AWAY, IN_FORCE)
    assert run(program, "ADD", agent.place) == (0, RESULT)


def test_agent_that_says_nothing_is_not_waited_for_for_ever(program: Path, agent: Agent) -> None:
    agent.answer()
    status, answer = run(program, "ADD", agent.place, timeoutSeconds=0.1)
    assert (status, answer["code"]) == (1, gate.TRY_AGAIN_LATER)


@pytest.mark.parametrize("command", ["DEL", "GC"])
def test_pod_can_be_taken_away_without_the_agent(program: Path, tmp_path: Path, command: str) -> None:
    assert run(program, command, tmp_path / "nobody.sock", prevResult=None) == (0, None)


def test_check_says_nothing_when_the_rules_are_in_force(program: Path, agent: Agent) -> None:
    agent.answer(IN_FORCE)
    assert run(program, "CHECK", agent.place) == (0, None)


def test_status_says_whether_the_agent_listens(program: Path, agent: Agent, tmp_path: Path) -> None:
    agent.answer()
    assert run(program, "STATUS", agent.place) == (0, None)
    status, answer = run(program, "STATUS", tmp_path / "nobody.sock")
    assert (status, answer["code"]) == (1, gate.NOT_AVAILABLE)


def test_version_names_those_that_are_spoken(program: Path, tmp_path: Path) -> None:
    _, answer = run(program, "VERSION", tmp_path)
    assert answer == {"cniVersion": "1.0.0", "supportedVersions": ["1.0.0", "1.1.0"]}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        pytest.param({"prevResult": None}, gate.INVALID_CONFIGURATION, id="first in the chain"),
        pytest.param({"prevResult": {"ips": []}}, gate.INVALID_CONFIGURATION, id="no address"),
        pytest.param({"prevResult": {"ips": [{"address": "fd00::7/64"}]}}, gate.INVALID_CONFIGURATION, id="IPv6 alone"),
        pytest.param({"socket": None, "timeoutSeconds": "x"}, gate.INVALID_CONFIGURATION, id="no time"),
        pytest.param({"arguments": "K8S_POD_NAME=web"}, gate.INVALID_ENVIRONMENT, id="no namespace"),
        pytest.param({"arguments": ""}, gate.INVALID_ENVIRONMENT, id="no arguments"),
    ],
)
def test_pod_that_cannot_be_announced_does_not_start(program: Path, agent: Agent, changes: Any, code: int) -> None:
    status, answer = run(program, "ADD", agent.place, **changes)
    assert (status, answer["code"]) == (1, code)


def test_unknown_command_is_refused(program: Path, tmp_path: Path) -> None:
    status, answer = run(program, "FROB", tmp_path)
    assert (status, answer["code"]) == (1, gate.INVALID_ENVIRONMENT)


def test_node_runs_the_gate_behind_what_gives_the_address(program: Path) -> None:
    folder = program.parents[1]
    configuration = json.loads((folder / "cni" / "10-ptp.conflist").read_text())
    assert [plugin["type"] for plugin in configuration["plugins"]] == ["ptp", "kpo-gate"]
    assert 'bin_dirs = ["/c", "/run/kpo/nodes/kpo-system/cni-bin"]' in (folder / "containerd.toml").read_text()
