"""The root with the real Terraform in front of a Google that is played: pools come, change, are replaced and go."""

import json

from tests.fakes.gke.policies import OWNER
from tests.fakes.gke.stage import CLUSTER, PARENT, wait_for
from tests.terraform.workspace import ROOT, Workspace, interrupt

REPOSITORY = "projects/acme-images/locations/europe-west1/repositories/tasks"
POOL = 'module.gke_node_pool.google_container_node_pool.pool["standard"]'


def variables(**pool):
    standard = {"machine_type": "n2-standard-4", "max_nodes_per_zone": 3, "min_nodes_per_zone": 1, **pool}
    return {
        "cluster": {"name": "airflow"},
        "location": "europe-west1",
        "node_pools": {"standard": standard},
        "project": "acme-data",
        "service_account": {"email": "nodes@acme-data.iam.gserviceaccount.com"},
    }


def with_an_account_made():
    images = {"location": "europe-west1", "project": "acme-images", "repository": "tasks"}
    return {**variables(), "artifact_registries": {"images": images}, "service_account": {}}


def pools(google):
    """Return the pools that are there, without the one that the cluster began with."""
    with google.world.lock:
        return {each["name"]: each for each in google.world.list_pools(CLUSTER) if each["name"] != "default-pool"}


def roles(google, account, resource):
    """Return the roles that an account has on a project or a repository."""
    with google.world.lock:
        bindings = google.world.policies.get(resource).get("bindings", [])
    return sorted(each["role"] for each in bindings if f"serviceAccount:{account['email']}" in each["members"])


def test_pools_are_made_as_planned_and_a_second_plan_is_empty(workspace, google):
    wanted = variables(disk={"size_gb": 50}, labels={"team": "data"}, max_pods_per_node=64, spot=True)
    wanted["node_pools"]["big"] = {"machine_type": "n2-highmem-16", "max_nodes": 6, "zones": ["europe-west1-b"]}
    wanted["node_pools"]["green"] = {**wanted["node_pools"]["big"], "upgrade": {"strategy": "BLUE_GREEN"}}
    workspace.apply(wanted)
    assert sorted(name.rpartition("-")[0] for name in pools(google)) == ["big", "green", "standard"]
    (standard,) = (pool for name, pool in pools(google).items() if name.startswith("standard"))
    assert standard["config"]["taints"] == [
        {"effect": effect, "key": "kpo-provision.io/pool", "value": "standard"}
        for effect in ("NO_SCHEDULE", "NO_EXECUTE")
    ]
    assert standard["config"]["labels"] == {"team": "data", "kpo-provision.io/pool": "standard"}
    assert standard["config"]["workloadMetadataConfig"] == {"mode": "GKE_METADATA"}
    assert (standard["config"]["spot"], standard["config"]["diskSizeGb"]) == (True, 50)
    assert standard["maxPodsConstraint"] == {"maxPodsPerNode": "64"}
    assert workspace.plan(wanted) == {}


def test_what_nodes_can_take_on_changes_the_pool_in_place(workspace, google):
    workspace.apply(variables())
    (name,) = pools(google)
    changed = variables(labels={"team": "data"}, auto_upgrade=False, max_nodes_per_zone=5, upgrade={"max_surge": 2})
    assert workspace.plan(changed) == {POOL: ["update"]}
    workspace.apply(changed)
    assert list(pools(google)) == [name]
    assert pools(google)[name]["config"]["labels"]["team"] == "data"
    assert pools(google)[name]["autoscaling"]["maxNodeCount"] == 5
    assert pools(google)[name]["management"] == {"autoRepair": True}
    assert pools(google)[name]["upgradeSettings"]["maxSurge"] == 2
    assert workspace.plan(changed) == {}


def test_a_pool_with_another_taint_is_there_before_the_old_one_goes(workspace, google):
    workspace.apply(variables())
    changed = variables(taints=[{"effect": "NoSchedule", "key": "team", "value": "data"}])
    assert workspace.plan(changed) == {POOL: ["create", "delete"]}
    before = len(google.calls)
    workspace.apply(changed)
    verbs = [method for method, _ in google.calls[before:] if method in ("POST", "DELETE")]
    assert verbs == ["POST", "DELETE"]
    assert len(pools(google)) == 1
    assert workspace.plan(changed) == {}


def test_a_pool_that_someone_deleted_is_made_again(workspace, google):
    workspace.apply(variables())
    (name,) = pools(google)
    with google.world.lock:
        google.world.delete_pool(f"{CLUSTER}/nodePools/{name}")
    wait_for(lambda: not pools(google))
    assert workspace.plan(variables()) == {POOL: ["create"]}
    workspace.apply(variables())
    assert list(pools(google)) == [name]


def test_a_pool_that_is_there_already_is_refused_and_can_be_imported(workspace, google):
    workspace.apply(variables())
    before = pools(google)
    workspace.run("state", "rm", POOL)
    refused = workspace.apply(variables(), check=False)
    assert (refused.returncode, "already exists" in refused.stderr) == (1, True)
    workspace.run("import", "-input=false", POOL, f"acme-data/europe-west1/airflow/{next(iter(before))}")
    # An import takes no taint for Terraform's own: they are set once more, as they are.
    assert workspace.plan(variables()) == {POOL: ["update"]}
    workspace.apply(variables())
    assert pools(google) == before
    assert workspace.plan(variables()) == {}


def test_a_pool_that_google_could_not_make_is_known_and_replaced(workspace, google):
    google.world.failures.append({"type": "CREATE_NODE_POOL", "code": 8, "message": "GCE_STOCKOUT in europe-west1-b"})
    failed = workspace.apply(variables(), check=False)
    assert failed.returncode == 1
    assert "error state" in " ".join(failed.stderr.split())
    assert workspace.plan(variables())[POOL] in (["delete", "create"], ["create", "delete"])


def test_an_interrupted_apply_goes_on_where_it_was(workspace, google):
    google.world.operations.duration_s = 3.0
    workspace.write_variables(variables())
    process = workspace.start("apply", "-auto-approve", "-input=false", "-no-color")
    wait_for(lambda: pools(google))
    interrupt(process)
    assert POOL in workspace.run("state", "list").stdout
    workspace.apply(variables())
    assert len([call for call in google.calls if call[0] == "POST"]) == 1
    assert workspace.plan(variables()) == {}


def test_destroy_leaves_nothing_of_ours(workspace, google):
    workspace.apply(variables())
    workspace.run("destroy", "-auto-approve", "-input=false")
    assert pools(google) == {}


def test_an_account_is_made_with_its_roles_and_goes_with_its_pools(workspace, google):
    workspace.apply(with_an_account_made())
    with google.world.lock:
        (account,) = google.world.accounts.bodies.values()
    assert account["email"].startswith("kpo-airflow-")
    assert [pool["config"]["serviceAccount"] for pool in pools(google).values()] == [account["email"]]
    assert roles(google, account, "projects/acme-data") == [
        "roles/autoscaling.metricsWriter",
        "roles/logging.logWriter",
        "roles/monitoring.metricWriter",
        "roles/monitoring.viewer",
        "roles/stackdriver.resourceMetadata.writer",
    ]
    assert roles(google, account, REPOSITORY) == ["roles/artifactregistry.reader"]
    assert workspace.plan(with_an_account_made()) == {}
    workspace.run("destroy", "-auto-approve", "-input=false")
    with google.world.lock:
        assert google.world.accounts.bodies == {}
        assert google.world.policies.get("projects/acme-data")["bindings"] == [OWNER]
        assert "bindings" not in google.world.policies.get(REPOSITORY)
    assert pools(google) == {}


def test_a_role_that_someone_took_away_is_granted_again(workspace, google):
    workspace.apply(with_an_account_made())
    with google.world.lock:
        (account,) = google.world.accounts.bodies.values()
        google.world.policies.set("projects/acme-data", {"policy": {"bindings": [OWNER]}})
    grant = "module.gke_node_pool.module.service_account[0].google_project_iam_member.nodes"
    planned = workspace.plan(with_an_account_made())
    assert {address.partition('["')[0]: actions for address, actions in planned.items()} == {grant: ["create"]}
    workspace.apply(with_an_account_made())
    assert len(roles(google, account, "projects/acme-data")) == 5
    assert workspace.plan(with_an_account_made()) == {}


def test_what_a_spec_renders_to_makes_a_cluster_and_its_pools(workspace, google):
    wanted = json.loads((ROOT / "tests/golden/gke/run.tfvars.json").read_text())
    wanted["cluster"] |= {"create": True, "deletion_protection": False, "name": "made"}
    workspace.apply(wanted)
    with google.world.lock:
        made = google.world.get_cluster(f"{PARENT}/clusters/made")
    names = sorted(pool["name"].rpartition("-")[0] or pool["name"] for pool in made["nodePools"])
    assert names == ["big", "standard", "system"]
    assert made["workloadIdentityConfig"] == {"workloadPool": "acme-data.svc.id.goog"}
    assert made["networkConfig"]["datapathProvider"] == "ADVANCED_DATAPATH"
    assert made["privateClusterConfig"]["enablePrivateNodes"] is True
    assert workspace.plan(wanted) == {}
    workspace.run("destroy", "-auto-approve", "-input=false")
    with google.world.lock:
        assert f"{PARENT}/clusters/made" not in google.world.clusters


def test_a_missing_cluster_is_named(workspace):
    refused = workspace.apply({**variables(), "cluster": {"name": "airflaw"}}, check=False)
    assert "projects/acme-data/locations/europe-west1/clusters/airflaw not found" in " ".join(refused.stderr.split())


def test_missing_credentials_are_told_before_anything_is_done(initialised, mirror):
    refused = Workspace(initialised, mirror).apply(variables(), check=False)
    assert "No credentials loaded" in " ".join(refused.stderr.split())
