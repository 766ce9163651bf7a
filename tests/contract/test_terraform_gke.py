"""From a spec to node pools: rendered variables, our root, the real Terraform, and a Google that is played."""

import pytest

from kpo_provision import catalog, errors, progress, spec, terraform
from kpo_provision.render import tfvars
from kpo_provision.sizing import pools
from tests.fakes.gke.stage import CLUSTER, play_google
from tests.terraform.workspace import make_environment

SPEC = """\
apiVersion: kpo-provision.io/v1
kind: Installation
metadata: {name: acme}
namespacePrefix: astronomer
target:
  gke:
    project: acme-data
    location: europe-west1
    cluster: CLUSTER
    version: "1.34"
    nodeServiceAccount: nodes@acme-data.iam.gserviceaccount.com
nodePools:
  standard: {largestPod: {cpu: 3500m, memory: 13Gi}, machineFamilies: [n2, e2]}
  big: {machineType: n2-highmem-16, spot: true, zones: [europe-west1-b], minNodes: 1, maxNodes: 6}
tenants:
  etl: {extraCapacity: 40, pool: standard}
  science: {extraCapacity: 300, pool: big}
"""


@pytest.fixture
def google():
    with play_google() as simulator:
        yield simulator


class Site:
    """The root of this repository in a folder of its own, for one spec."""

    def __init__(self, folder, mirror, google):
        self.folder = folder
        self.environ = make_environment(folder, mirror, google=google)

    def open(self, cluster="airflow"):
        installation = spec.parse_spec(SPEC.replace("CLUSTER", cluster), file="spec.yaml")
        size = pools.size_pools(installation, catalog.load_catalog(), pools.SizeOptions())
        target = installation.target.gke
        variables = tfvars.render_tfvars(installation, target, size)
        where = terraform.Where(installation="acme", base=self.folder, environ=self.environ, progress=progress.Silent())
        return terraform.open_gke(where, target, variables)


@pytest.fixture
def site(tmp_path, mirror, google):
    return Site(tmp_path, mirror, google)


def live_pools(google):
    with google.world.lock:
        return sorted(each["name"] for each in google.world.list_pools(CLUSTER) if each["name"] != "default-pool")


def test_pools_are_made_as_sized_found_again_and_removed(site, google):
    driver = site.open()
    summary = driver.plan()
    kinds = {change.key: change.kind for change in summary.changes if change.type == "google_container_node_pool"}
    assert kinds == {"big": terraform.ChangeKind.CREATE, "standard": terraform.ChangeKind.CREATE}

    driver.apply(summary)
    made = driver.read_outputs()

    assert made.require("cluster")["name"] == "airflow"
    assert made.require("node_pools")["big"]["machine_type"] == "n2-highmem-16"
    assert [name.rpartition("-")[0] for name in live_pools(google)] == ["big", "standard"]
    assert not site.open().plan().has_changes
    driver.apply(driver.plan(destroy=True))
    assert live_pools(google) == []


def test_a_pool_that_is_not_in_the_state_is_refused_with_a_way_out_and_imported(site, google):
    driver = site.open()
    driver.apply(driver.plan())
    before = live_pools(google)
    site.folder.joinpath(".kpo-provision", "acme", "terraform.tfstate").unlink()
    driver = site.open()
    with pytest.raises(errors.TerraformError, match="lready exists") as caught:
        driver.apply(driver.plan())
    assert "take it over" in caught.value.hint

    driver = site.open()
    target = spec.parse_spec(SPEC.replace("CLUSTER", "airflow"), file="spec.yaml").target.gke
    pool_ids = {name.rpartition("-")[0]: terraform.identify_pool(target, name) for name in before}
    driver.declare_imports({terraform.address_pool(pool): resource_id for pool, resource_id in pool_ids.items()})
    driver.apply(driver.plan())

    assert live_pools(google) == before
    assert not driver.plan().has_changes


def test_a_missing_cluster_is_named_with_what_to_check(site):
    with pytest.raises(errors.TerraformError, match="clusters/airflaw") as caught:
        site.open("airflaw").plan()
    assert "under target.gke" in caught.value.hint


def test_missing_credentials_say_how_to_log_in(site):
    del site.environ["GOOGLE_OAUTH_ACCESS_TOKEN"]
    with pytest.raises(errors.TerraformError) as caught:
        site.open().plan()
    assert "gcloud auth application-default login" in caught.value.hint


def test_a_quota_that_is_too_small_says_what_to_ask_for(site, google):
    google.world.cpu_quota = 8
    driver = site.open()
    with pytest.raises(errors.TerraformError) as caught:
        driver.apply(driver.plan())
    assert "more quota" in caught.value.hint
