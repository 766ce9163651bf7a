import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from kpo_provision.local import cgroups, launch, machine, waiting

_AS_NOBODY = """
import os
from kpo_provision import errors, local, progress
if os.geteuid() == 0:
    os.setuid(65534)
try:
    local.up(local.LocalOptions.from_environment({}), progress.Silent())
except errors.LocalClusterError as e:
    print(e, e.hint)
"""


def test_up_without_root_says_so():
    answer = subprocess.run([sys.executable, "-c", _AS_NOBODY], capture_output=True, text=True, check=True)
    assert "need root" in answer.stdout
    assert "sudo" in answer.stdout


def test_program_with_a_loader_is_not_static(tmp_path):
    assert not machine.is_static(Path(sys.executable).resolve())
    (tmp_path / "static").write_bytes(b"\x7fELF" + bytes(100))
    assert machine.is_static(tmp_path / "static")


def test_holder_of_a_port_is_found():
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert f"(process {os.getpid()})" in launch.find_listener(server.getsockname()[1])
        port = server.getsockname()[1]
    assert launch.find_listener(port) == ""


def test_controllers_are_handed_down_on_a_unified_hierarchy(tmp_path):
    (tmp_path / "cgroup.controllers").write_text("cpu memory misc pids\n")
    (tmp_path / "cgroup.subtree_control").write_text("")
    cgroups.create_group("kpo-local-x/nodes", root=tmp_path)
    assert (tmp_path / "kpo-local-x" / "nodes").is_dir()
    assert (tmp_path / "cgroup.subtree_control").read_text() == "+cpu +memory +pids"


def ready(status: str, heartbeat: str) -> dict:
    condition = {"type": "Ready", "status": status, "lastHeartbeatTime": heartbeat, "message": "CNI is not up"}
    return {"status": {"conditions": [condition]}}


@pytest.mark.parametrize(
    ("node", "problem"),
    [
        (None, "not registered"),
        ({"status": {}}, "no status yet"),
        (ready("True", "2026-01-01T00:00:09Z"), "no heartbeat yet"),
        (ready("False", "2026-01-01T00:00:11Z"), "CNI is not up"),
        (ready("True", "2026-01-01T00:00:10Z"), ""),
    ],
)
def test_node_counts_as_ready_only_by_what_its_kubelet_says_now(node, problem):
    started_at = 1767225610.7  # 2026-01-01T00:00:10.7Z
    assert waiting.describe_unready(node, since=started_at) == problem
