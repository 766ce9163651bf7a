import json
from pathlib import Path

import pytest

from kpo_provision import errors
from kpo_provision.local import reuse
from kpo_provision.local.control_plane import control_plane_daemons
from kpo_provision.local.options import Layout, LocalOptions, find_own_home
from kpo_provision.local.recipes import COMPONENTS, SIMULATED_COMPONENTS
from kpo_provision.local.simulated import processes, stages
from kpo_provision.local.simulated.control_plane import simulated_daemons
from kpo_provision.verify.checks.pools import is_simulated

PROGRAMS = {program: f"/bin/{program}" for one in (*COMPONENTS, *SIMULATED_COMPONENTS) for program in one.programs}
BOOT = "sys/kernel/random/boot_id"


class Machine:
    """The part of /proc that tells processes apart."""

    def __init__(self, root: Path) -> None:
        self.proc = root
        self.boot("first")

    def boot(self, name: str) -> None:
        (self.proc / BOOT).parent.mkdir(parents=True, exist_ok=True)
        (self.proc / BOOT).write_text(f"{name}\n")

    def run(self, pid: int, *, started: int, name: str = "etcd", state: str = "S", threads: int = 1) -> None:
        (self.proc / str(pid)).mkdir(exist_ok=True)
        before = " ".join(["0"] * 16)
        (self.proc / str(pid) / "stat").write_text(f"{pid} ({name}) {state} {before} {threads} 0 {started} 0 0\n")


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path / "proc")


@pytest.fixture
def layout(tmp_path, machine):
    """A home whose cluster has the processes 7 and 8."""
    machine.run(7, started=100)
    machine.run(8, started=200, name="odd) S (name")
    layout = Layout(root=tmp_path)
    processes.write_processes(layout, (7, 8), proc=machine.proc)
    return layout


def test_processes_are_those_that_were_written_down(layout, machine):
    assert processes.list_processes(layout, proc=machine.proc) == (7, 8)


def test_pid_that_became_another_process_is_left_alone(layout, machine):
    machine.run(8, started=201)
    assert processes.list_processes(layout, proc=machine.proc) == (7,)


@pytest.mark.parametrize("state", ["Z", "X"])
def test_dead_process_that_nobody_buried_is_none(layout, machine, state):
    machine.run(7, started=100, state=state)
    assert processes.list_processes(layout, proc=machine.proc) == (8,)


def test_process_with_a_living_thread_is_not_dead(layout, machine):
    machine.run(7, started=100, state="Z", threads=2)
    assert processes.list_processes(layout, proc=machine.proc) == (7, 8)


def test_nothing_outlives_a_reboot(layout, machine):
    machine.boot("second")
    assert processes.list_processes(layout, proc=machine.proc) == ()


def test_process_that_is_gone_when_it_is_written_down_is_left_out(layout, machine):
    processes.write_processes(layout, (7, 99), proc=machine.proc)
    assert processes.list_processes(layout, proc=machine.proc) == (7,)


def test_home_without_a_cluster_has_no_processes(tmp_path):
    assert processes.list_processes(Layout(root=tmp_path)) == ()


@pytest.mark.parametrize(
    ("environ", "home"),
    [
        ({"XDG_STATE_HOME": "/srv/state"}, Path("/srv/state/kpo-provision/local")),
        ({}, Path.home() / ".local/state/kpo-provision/local"),
    ],
)
def test_user_without_root_has_a_home_of_their_own(environ, home):
    assert find_own_home(environ) == home


def test_home_of_a_real_cluster_is_not_used_for_a_simulated_one(tmp_path):
    options = LocalOptions(home=tmp_path, cache=tmp_path, simulated=True)
    assert reuse.choose_simulated(options)
    options.layout.settings.write_text(json.dumps({"api_port": 1}))
    with pytest.raises(errors.LocalClusterError, match="holds a real cluster") as caught:
        reuse.choose_simulated(options)
    assert "KPO_PROVISION_HOME" in caught.value.hint


def test_both_kinds_of_cluster_have_the_same_control_plane():
    real = {daemon.name: daemon for daemon in control_plane_daemons(PROGRAMS, ())}
    simulated = {daemon.name: daemon for daemon in simulated_daemons(PROGRAMS, Layout(root=Path("/h")), api_port=1234)}
    assert simulated.keys() - real.keys() == {"kwok"}
    for name in simulated.keys() & real.keys():
        assert [_flag(text) for text in simulated[name].argv] == [_flag(text) for text in real[name].argv]


def test_simulated_control_plane_takes_one_port_of_this_machine_alone():
    arguments = [
        argument
        for daemon in simulated_daemons(PROGRAMS, Layout(root=Path("/h")), api_port=1234)
        for argument in daemon.argv
    ]
    assert [argument for argument in arguments if "port" in argument] == [
        "--secure-port=1234",
        "--secure-port=0",
        "--secure-port=0",
    ]
    assert "--bind-address=127.0.0.1" in arguments
    assert not any("http://" in argument or "/run/kpo" in argument for argument in arguments)


def test_kwok_is_never_downloaded_because_nothing_could_tell_a_forgery():
    for component in SIMULATED_COMPONENTS:
        assert bool(component.url) == bool(component.checksum_url) == (component.name != "kwok")


def test_nodes_that_kwok_plays_are_known_as_simulated():
    key, value = stages.MARK
    assert is_simulated({"metadata": {"annotations": {key: value}}})


def test_every_node_claims_what_the_machine_has_and_that_it_is_simulated():
    text = stages.render_stages(cpu_count=6, memory_bytes=2**34, disk_bytes=2**40)
    documents = {stage["metadata"]["name"]: stage["spec"] for stage in map(json.loads, text.split("---\n"))}
    ready = documents["node-ready"]["next"]["statusTemplate"]
    resources = json.loads(ready.partition("\nallocatable: ")[2].partition("\n")[0])
    assert resources == {"cpu": "6", "memory": str(2**34), "ephemeral-storage": str(2**40), "pods": "110"}
    assert "reason: Simulated" in ready
    assert "nothing was run" in documents["pod-run"]["next"]["statusTemplate"]


def _flag(argument: str) -> str:
    return argument.partition("=")[0]
