"""What goes wrong on the way to node pools is told with a way out, and the next run finishes without a second pool."""

import base64

import pytest

from tests.fakes.gke.faults import Fault
from tests.fakes.gke.stage import CLUSTER, wait_for
from tests.gke.empty_pools import apply, finish, posts

pytestmark = pytest.mark.machine

_BUSY_S = 2.0


def fault(google, **fields):
    google.faults.pending.append(Fault(**fields))


def test_missing_credentials_say_how_to_log_in_and_nothing_is_begun(empty, google):
    del empty.environ["GOOGLE_OAUTH_ACCESS_TOKEN"]
    empty.environ["NO_GCE_CHECK"] = "true"
    run = apply(empty)
    assert (run.code, google.mutations) == (5, [])
    assert "gcloud auth application-default login" in run.err


def test_a_wrong_project_is_named(empty, google):
    google.world.projects = {"other"}
    run = apply(empty)
    assert (run.code, google.mutations) == (5, [])
    assert "target.gke.project" in run.err


def test_a_missing_cluster_is_told_with_what_was_probably_meant(empty, google):
    empty.spec.write_text(empty.spec.read_text().replace("cluster: airflow", "cluster: airflaw"))
    run = apply(empty)
    assert (run.code, google.mutations) == (5, [])
    assert "did you mean airflow?" in run.err


def test_a_name_that_somebody_elses_pool_has_is_refused_before_anything_is_done(empty, google):
    empty.succeed("apply", "--no-verify")
    for name in empty.pools():
        with google.world.lock:
            del google.world.pools[f"{CLUSTER}/nodePools/{name}"]["body"]["config"]["labels"]
    empty.lose_state()
    before = len(google.mutations)
    run = apply(empty)
    assert (run.code, len(google.mutations)) == (5, before)
    assert "did not make for acme" in run.err
    assert "node-pools delete" in run.err


def test_a_quota_that_is_too_small_says_what_to_ask_for_and_the_next_run_finishes(empty, google):
    empty.spec.write_text(empty.spec.read_text().replace("    # minNodes: 1 ", "    minNodes: 1 "))
    google.world.cpu_quota = 8
    run = apply(empty)
    assert run.code == 4
    assert "more quota" in run.err
    google.world.cpu_quota = None
    finish(empty)


def test_a_pool_that_google_fails_to_make_is_taken_away_and_made_anew_by_the_next_run(empty, google):
    google.world.failures.append({"type": "CREATE_NODE_POOL", "code": 8, "message": "GCE_STOCKOUT in europe-west1-b"})
    run = apply(empty)
    assert run.code == 4
    assert "ERROR" in {pool["status"] for pool in empty.pools().values()}
    assert "could not be made by Google" in empty.succeed("plan", code=8).out
    finish(empty)


def test_a_cluster_that_is_busy_is_waited_for(empty, google):
    google.world.operations.duration_s = _BUSY_S
    with google.world.lock:
        google.world.update_cluster(CLUSTER, {"update": {"desiredMasterVersion": "1.34.5-gke.100"}})
        google.world.operations.duration_s = 0.2
    finish(empty)


@pytest.mark.parametrize("status", [429, 503])
def test_refusals_that_pass_are_waited_out(empty, google, status):
    fault(google, method="POST", path="/nodePools$", status=status, times=2)
    fault(google, method="GET", path="/operations/", status=status, times=2)
    finish(empty)
    assert len(posts(google)) == 4


def test_another_operation_in_the_way_is_told_as_such_when_it_does_not_end(empty, google):
    fault(
        google, method="POST", path="/nodePools$", status=409, message="Cluster is busy: Error 409", reason="conflict"
    )
    run = apply(empty)
    assert run.code == 4
    assert "busy with another operation" in run.err
    finish(empty)


def test_a_connection_that_breaks_after_the_work_was_begun_makes_no_second_pool(empty, google):
    fault(google, method="POST", path="/nodePools$", cut="after")
    apply(empty)
    finish(empty)


def test_a_connection_that_breaks_while_an_operation_is_waited_for_is_opened_again(empty, google):
    fault(google, method="GET", path="/operations/", cut="before", times=3)
    fault(google, method="GET", path="/operations/", cut="after", times=3)
    finish(empty)
    assert len(posts(google)) == 2


def test_a_state_that_was_lost_is_made_up_from_what_is_there(empty, google):
    empty.succeed("apply", "--no-verify")
    before = sorted(empty.pools())
    empty.lose_state()
    assert "<=" in empty.succeed("plan", code=8).out
    finish(empty)
    assert (sorted(empty.pools()), len(posts(google))) == (before, 2)


def test_no_secret_is_in_anything_that_is_written_or_said(empty):
    registry = (
        "acme: {server: registry.acme.io, credentials: {usernamePassword: {username: u, passwordFrom: {env: ACME}}}}"
    )
    text = empty.spec.read_text().replace("pool: standard}", "pool: standard, registries: [acme]}")
    empty.spec.write_text(text.replace("nodePools:", f"registries:\n  {registry}\nnodePools:"))
    empty.environ |= {"ACME": "a-password-of-acme", "TF_LOG": "TRACE"}
    run = empty.succeed("apply", "--no-verify")
    said = (
        run.out
        + run.err
        + "".join(path.read_bytes().decode(errors="replace") for path in empty.folder.rglob("*") if path.is_file())
    )
    for secret in ("a-password-of-acme", base64.b64encode(b"u:a-password-of-acme").decode()):
        assert secret not in said
    assert empty.environ["GOOGLE_OAUTH_ACCESS_TOKEN"] not in said
    assert (empty.folder / ".kpo-provision" / ".gitignore").read_text() == "*\n"


def test_pools_on_which_kpo_pods_run_go_only_with_a_yes(empty, google, api):
    empty.succeed("apply", "--no-verify")
    pod = launch(api)
    empty.spec.write_text(empty.spec.read_text().replace("    # minNodes: 1 ", "    dedicated: false # "))
    before = len(google.mutations)
    asked = apply(empty)
    assert (asked.code, len(google.mutations)) == (2, before)
    assert pod in asked.err
    assert "--yes" in asked.err
    empty.succeed("apply", "--no-verify", "--yes")
    assert empty.names() == ["big", "standard"]


def test_a_cluster_that_the_spec_has_made_comes_and_goes_with_its_pools_though_the_state_was_lost(made, google):
    assert "still to be made" in made.succeed("plan", code=8).out
    made.succeed("apply", "--no-verify")
    made.lose_state()
    finish(made)
    assert len(posts(google)) == 3
    made.lose_state()
    made.succeed("destroy", "--yes")
    assert made.cluster not in google.world.clusters
    assert google.world.accounts.bodies == {}


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
