"""What goes wrong on the way to node pools is told with a way out, and the next run finishes without a second pool."""

import base64
import os
import signal
from pathlib import Path

import pytest

from tests.fakes.gke.faults import Fault
from tests.fakes.gke.stage import CLUSTER, PARENT, wait_for

pytestmark = pytest.mark.machine

_BUSY_S = 2.0


@pytest.fixture
def site(site):
    """Two pools without a node, which are made in no time."""
    site.edit(lambda text: text.replace("    minNodes: 1 ", "    # minNodes: 1 "))
    return site


def apply(site):
    return site.run("apply", "--no-verify")


def finish(site):
    """Apply once more: everything stands, once, and nothing is left to do."""
    site.succeed("apply", "--no-verify")
    assert site.names() == ["big", "standard"]
    assert {pool["status"] for pool in site.pools().values()} == {"RUNNING"}
    assert "no changes" in site.succeed("plan").out


def posts(google):
    return [path for method, path in google.calls if method == "POST" and path.endswith("/nodePools")]


def fault(google, **fields):
    google.faults.pending.append(Fault(**fields))


def test_missing_credentials_say_how_to_log_in_and_nothing_is_begun(site, google):
    del site.environ["GOOGLE_OAUTH_ACCESS_TOKEN"]
    site.environ["NO_GCE_CHECK"] = "true"
    run = apply(site)
    assert (run.code, google.mutations) == (5, [])
    assert "gcloud auth application-default login" in run.err


def test_a_wrong_project_is_named(site, google):
    google.world.projects = {"other"}
    run = apply(site)
    assert (run.code, google.mutations) == (5, [])
    assert "target.gke.project" in run.err


def test_a_missing_cluster_is_told_with_what_was_probably_meant(site, google):
    site.spec.write_text(site.spec.read_text().replace("cluster: airflow", "cluster: airflaw"))
    run = apply(site)
    assert (run.code, google.mutations) == (5, [])
    assert "did you mean airflow?" in run.err


def test_a_name_that_somebody_elses_pool_has_is_refused_before_anything_is_done(site, google):
    site.succeed("apply", "--no-verify")
    for name in site.pools():
        with google.world.lock:
            del google.world.pools[f"{CLUSTER}/nodePools/{name}"]["body"]["config"]["labels"]
    site.folder.joinpath(".kpo-provision", "acme", "terraform.tfstate").unlink()
    before = len(google.mutations)
    run = apply(site)
    assert (run.code, len(google.mutations)) == (5, before)
    assert "did not make for acme" in run.err
    assert "node-pools delete" in run.err


def test_a_quota_that_is_too_small_says_what_to_ask_for_and_the_next_run_finishes(site, google):
    site.spec.write_text(site.spec.read_text().replace("    # minNodes: 1 ", "    minNodes: 1 "))
    google.world.cpu_quota = 8
    run = apply(site)
    assert run.code == 4
    assert "more quota" in run.err
    google.world.cpu_quota = None
    finish(site)


def test_a_pool_that_google_fails_to_make_is_taken_away_and_made_anew_by_the_next_run(site, google):
    google.world.failures.append({"type": "CREATE_NODE_POOL", "code": 8, "message": "GCE_STOCKOUT in europe-west1-b"})
    run = apply(site)
    assert run.code == 4
    assert "ERROR" in {pool["status"] for pool in site.pools().values()}
    assert "could not be made by Google" in site.succeed("plan", code=8).out
    finish(site)


def test_a_cluster_that_is_busy_is_waited_for(site, google):
    google.world.operations.duration_s = _BUSY_S
    with google.world.lock:
        google.world.update_cluster(CLUSTER, {"update": {"desiredMasterVersion": "1.34.5-gke.100"}})
        google.world.operations.duration_s = 0.2
    finish(site)


@pytest.mark.parametrize("status", [429, 503])
def test_refusals_that_pass_are_waited_out(site, google, status):
    fault(google, method="POST", path="/nodePools$", status=status, times=2)
    fault(google, method="GET", path="/operations/", status=status, times=2)
    finish(site)
    assert len(posts(google)) == 4


def test_another_operation_in_the_way_is_told_as_such_when_it_does_not_end(site, google):
    fault(
        google, method="POST", path="/nodePools$", status=409, message="Cluster is busy: Error 409", reason="conflict"
    )
    run = apply(site)
    assert run.code == 4
    assert "busy with another operation" in run.err
    finish(site)


def test_a_connection_that_breaks_after_the_work_was_begun_makes_no_second_pool(site, google):
    fault(google, method="POST", path="/nodePools$", cut="after")
    apply(site)
    finish(site)


def test_a_connection_that_breaks_while_an_operation_is_waited_for_is_opened_again(site, google):
    fault(google, method="GET", path="/operations/", cut="before", times=3)
    fault(google, method="GET", path="/operations/", cut="after", times=3)
    finish(site)
    assert len(posts(google)) == 2


def test_a_state_that_was_lost_is_made_up_from_what_is_there(site, google):
    site.succeed("apply", "--no-verify")
    before = sorted(site.pools())
    site.folder.joinpath(".kpo-provision", "acme", "terraform.tfstate").unlink()
    assert "<=" in site.succeed("plan", code=8).out
    finish(site)
    assert (sorted(site.pools()), len(posts(google))) == (before, 2)


def test_kill_of_the_command_leaves_a_run_that_the_next_one_waits_for(site, google):
    google.world.operations.duration_s = _BUSY_S
    process = site.start("apply", "--no-verify")
    wait_for(lambda: len(site.pools()) == 2)
    process.kill()
    process.communicate()
    finish(site)
    assert len(posts(google)) == 2


def test_ctrl_c_lets_terraform_stop_cleanly_and_says_how_to_go_on(site, google):
    google.world.operations.duration_s = _BUSY_S
    process = site.start("apply", "--no-verify")
    wait_for(lambda: len(site.pools()) == 2)
    process.send_signal(signal.SIGINT)
    told, _ = process.communicate()
    assert process.returncode == 130
    assert "next: kpo-provision apply" in told
    finish(site)
    assert len(posts(google)) == 2


def test_two_commands_at_once_work_one_after_the_other(site, google):
    first, second = site.start("apply", "--no-verify"), site.start("apply", "--no-verify")
    told = [process.communicate()[0] for process in (first, second)]
    assert (first.returncode, second.returncode) == (0, 0), told
    assert "Wait for another command that works on the node pools of acme" in "".join(told)
    assert len(posts(google)) == 2
    assert site.names() == ["big", "standard"]


def test_no_secret_is_in_anything_that_is_written_or_said(site):
    registry = (
        "acme: {server: registry.acme.io, credentials: {usernamePassword: {username: u, passwordFrom: {env: ACME}}}}"
    )
    text = site.spec.read_text().replace("pool: standard}", "pool: standard, registries: [acme]}")
    site.spec.write_text(text.replace("nodePools:", f"registries:\n  {registry}\nnodePools:"))
    site.environ |= {"ACME": "a-password-of-acme", "TF_LOG": "TRACE"}
    run = site.succeed("apply", "--no-verify")
    said = (
        run.out
        + run.err
        + "".join(path.read_bytes().decode(errors="replace") for path in site.folder.rglob("*") if path.is_file())
    )
    for secret in ("a-password-of-acme", base64.b64encode(b"u:a-password-of-acme").decode()):
        assert secret not in said
    assert site.environ["GOOGLE_OAUTH_ACCESS_TOKEN"] not in said
    assert (site.folder / ".kpo-provision" / ".gitignore").read_text() == "*\n"


def test_kill_of_terraform_loses_nothing_and_makes_no_second_pool(site, google):
    google.world.operations.duration_s = _BUSY_S
    process = site.start("apply", "--no-verify")
    wait_for(lambda: len(site.pools()) == 2)
    kill_terraform(process.pid)
    told, _ = process.communicate()
    assert process.returncode == 4
    assert "killed by signal 9" in told
    finish(site)
    assert len(posts(google)) == 2


def test_kill_of_terraform_in_a_replacement_ends_with_the_new_pool_alone(site, google):
    site.succeed("apply", "--no-verify")
    (old,) = (name for name in site.pools() if name.startswith("standard"))
    site.spec.write_text(site.spec.read_text().replace("    # minNodes: 1 ", "    dedicated: false # "))
    google.world.operations.duration_s = _BUSY_S
    process = site.start("apply", "--no-verify")
    wait_for(lambda: len(site.pools()) == 3)
    kill_terraform(process.pid)
    process.communicate()
    google.world.operations.duration_s = 0.2
    finish(site)
    assert old not in site.pools()
    assert len(posts(google)) == 3


def test_pools_on_which_kpo_pods_run_go_only_with_a_yes(site, google, api):
    site.succeed("apply", "--no-verify")
    pod = launch(api)
    site.spec.write_text(site.spec.read_text().replace("    # minNodes: 1 ", "    dedicated: false # "))
    before = len(google.mutations)
    asked = apply(site)
    assert (asked.code, len(google.mutations)) == (2, before)
    assert pod in asked.err
    assert "--yes" in asked.err
    site.succeed("apply", "--no-verify", "--yes")
    assert site.names() == ["big", "standard"]


def test_a_cluster_that_the_spec_has_made_comes_and_goes_with_its_pools(site, google):
    site.spec.write_text(site.spec.read_text().replace("cluster: airflow", "cluster: made\n    create: true"))
    path = f"{PARENT}/clusters/made"
    assert "still to be made" in site.succeed("plan", code=8).out
    site.succeed("apply", "--no-verify")
    assert path in google.world.clusters
    site.succeed("destroy", "--yes")
    assert path not in google.world.clusters


def launch(api):
    """Put a pod as KPO makes them on pool standard, whose autoscaler makes a node for it; returns its full name."""
    namespace = "astronomer-frigid-vacuum-0996"
    pool = {"kpo-provision.io/pool": "standard"}
    container = {"name": "base", "image": "task"}
    tolerations = [{"key": key, "operator": "Equal", "value": value} for key, value in pool.items()]
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "task", "namespace": namespace, "labels": {"kubernetes_pod_operator": "True"}},
        "spec": {"containers": [container], "nodeSelector": pool, "tolerations": tolerations},
    }
    api.create(pod)
    wait_for(lambda: "nodeName" in api.read("Pod", "task", namespace)["spec"])
    return f"{namespace}/task"


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
