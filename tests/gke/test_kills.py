"""Commands that are killed, interrupted or run twice at once: the next run finishes, and no pool is made twice."""

import os
import signal
from pathlib import Path

import pytest

from tests.fakes.gke.stage import wait_for
from tests.gke.empty_pools import finish, posts

pytestmark = pytest.mark.machine

_BUSY_S = 2.0


def test_kill_of_the_command_leaves_a_run_that_the_next_one_waits_for(empty, google):
    google.world.operations.duration_s = _BUSY_S
    process = empty.start("apply", "--no-verify")
    wait_for(lambda: len(empty.pools()) == 2)
    process.kill()
    process.communicate()
    finish(empty)
    assert len(posts(google)) == 2


def test_ctrl_c_lets_terraform_stop_cleanly_and_says_how_to_go_on(empty, google):
    google.world.operations.duration_s = _BUSY_S
    process = empty.start("apply", "--no-verify")
    wait_for(lambda: len(empty.pools()) == 2)
    process.send_signal(signal.SIGINT)
    told, _ = process.communicate()
    assert process.returncode == 130
    assert "next: kpo-provision apply" in told
    finish(empty)
    assert len(posts(google)) == 2


def test_two_commands_at_once_work_one_after_the_other(empty, google):
    first, second = empty.start("apply", "--no-verify"), empty.start("apply", "--no-verify")
    told = [process.communicate()[0] for process in (first, second)]
    assert (first.returncode, second.returncode) == (0, 0), told
    assert "Wait for another command that works on the node pools of acme" in "".join(told)
    assert len(posts(google)) == 2
    assert empty.names() == ["big", "standard"]


def test_kill_of_terraform_loses_nothing_and_makes_no_second_pool(empty, google):
    code, told = apply_and_kill_terraform(empty, when=lambda: len(empty.pools()) == 2)
    assert code == 4
    assert "killed by signal 9" in told
    finish(empty)
    assert len(posts(google)) == 2


def test_kill_of_terraform_in_a_replacement_ends_with_the_new_pool_alone(empty, google):
    empty.succeed("apply", "--no-verify")
    (old,) = (name for name in empty.pools() if name.startswith("standard"))
    empty.spec.write_text(empty.spec.read_text().replace("    # minNodes: 1 ", "    dedicated: false # "))
    apply_and_kill_terraform(empty, when=lambda: len(empty.pools()) == 3)
    google.world.operations.duration_s = 0.2
    finish(empty)
    assert old not in empty.pools()
    assert len(posts(google)) == 3


def test_kill_of_terraform_while_it_makes_the_cluster_ends_with_that_cluster(made, google):
    code, _ = apply_and_kill_terraform(made, when=lambda: made.cluster in google.world.clusters)
    assert code == 4
    google.world.operations.duration_s = 0.2
    finish(made)
    assert len(posts(google)) == 3
    with google.world.lock:
        assert "default-pool" not in {pool["name"] for pool in google.world.list_pools(made.cluster)}


def apply_and_kill_terraform(site, *, when):
    """Begin an apply whose operations take a while, and kill its Terraform; returns how it ended and what it said."""
    site.google.world.operations.duration_s = _BUSY_S
    process = site.start("apply", "--no-verify")
    wait_for(when)
    kill_terraform(process.pid)
    told, _ = process.communicate()
    return process.returncode, told


def kill_terraform(parent):
    """Kill the Terraform that a command runs, without a chance to write anything down."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            name, _, rest = stat.read_text().rpartition(")")
        except OSError:
            continue
        if name.endswith("(terraform") and int(rest.split()[1]) == parent:
            os.kill(int(stat.parent.name), signal.SIGKILL)
            return
    raise AssertionError("no Terraform runs")
