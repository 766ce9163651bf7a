"""From a spec to the values of the Terraform root: as reviewed, and only what the root knows."""

import json
import re
from pathlib import Path

import pytest

from kpo_provision import catalog, spec
from kpo_provision.render import backend, tfvars
from kpo_provision.sizing import pools

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "golden" / "gke"

HEAD = """\
apiVersion: kpo-provision.io/v1
kind: Installation
metadata: {name: acme}
namespacePrefix: astronomer
tenants:
  etl: {extraCapacity: 40, pool: standard}
"""


@pytest.fixture(autouse=True)
def _no_refreshed_catalog(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def render(installation):
    size = pools.size_pools(installation, catalog.load_catalog(), pools.SizeOptions())
    return tfvars.render_tfvars(installation, installation.target.gke, size)


def parse(*, target="", pool="", sizing=""):
    place = "project: acme-data, location: europe-west1, cluster: airflow, version: '1.34'"
    text = f"{HEAD}target: {{gke: {{{place}{target}}}}}\nnodePools:\n  standard: {{{pool}}}\nsizing: {{{sizing}}}\n"
    return spec.parse_spec(text, file="spec.yaml")


def render_one(**parts):
    return render(parse(**parts))["node_pools"]["standard"]


def render_backend(text):
    installation = parse(target=f", backend: {{{text}}}")
    return backend.render_backend("acme", installation.target.gke.backend, base=Path("/specs"))


def test_variables_are_as_reviewed(request):
    golden = GOLDEN / "run.tfvars.json"
    text = json.dumps(render(spec.load_spec(GOLDEN / "spec.yaml")), indent=2, sort_keys=True) + "\n"
    if request.config.getoption("--update-golden"):
        golden.write_text(text)
    assert text == golden.read_text()


def test_every_variable_is_one_of_the_root_and_none_that_it_needs_is_missing():
    text = ROOT.joinpath("variables.tf").read_text()
    declared = dict(re.findall(r'^variable "(\w+)" \{\n(.*?)^\}', text, re.MULTILINE | re.DOTALL))
    rendered = render(spec.load_spec(GOLDEN / "spec.yaml"))
    assert set(rendered) <= set(declared)
    assert {name for name, body in declared.items() if not re.search(r"^  default", body, re.MULTILINE)} <= set(
        rendered
    )
    for variable, values in (("cluster", [rendered["cluster"]]), ("node_pools", rendered["node_pools"].values())):
        for value in values:
            assert set(value) <= set(re.findall(r"^ {4}(\w+) += ", declared[variable], re.MULTILINE))


def test_a_cluster_that_is_there_gets_nothing_but_its_name():
    assert render(parse())["cluster"] == {"name": "airflow", "create": False}


def test_a_region_has_three_zones_and_a_zone_is_one():
    regional = pools.size_pools(parse(), catalog.load_catalog(), pools.SizeOptions()).pools[0]
    assert regional.nodes.zones == 3
    zonal = spec.parse_spec(
        f"{HEAD}target: {{gke: {{project: acme-data, location: europe-west1-b, cluster: airflow, version: '1.34'}}}}\n"
        "nodePools: {standard: {}}\n",
        file="spec.yaml",
    )
    assert pools.size_pools(zonal, catalog.load_catalog(), pools.SizeOptions()).pools[0].nodes.zones == 1


def test_platform_and_version_follow_the_target():
    size = pools.size_pools(parse(), catalog.load_catalog(), pools.SizeOptions())
    assert (size.platform, size.version) == ("gke", "1.34")


def test_zones_of_all_pools_are_those_of_one_that_names_none():
    zones = "zones: [europe-west1-d, europe-west1-b]"
    assert render_one(sizing=zones)["zones"] == ["europe-west1-b", "europe-west1-d"]
    assert "zones" not in render_one()


def test_an_upgrade_without_surge_takes_a_node_away_instead():
    assert render_one(pool="surge: 0")["upgrade"] == {"max_surge": 0, "max_unavailable": 1}


def test_the_image_is_that_of_sizing():
    assert render_one(sizing="os: ubuntu")["image_type"] == "UBUNTU_CONTAINERD"


@pytest.mark.parametrize(
    ("text", "block"),
    [
        ("local: {}", {"backend": {"local": {"path": "terraform.tfstate"}}}),
        ("local: {path: state/acme.tfstate}", {"backend": {"local": {"path": "/specs/state/acme.tfstate"}}}),
        ("gcs: {bucket: acme-state}", {"backend": {"gcs": {"bucket": "acme-state", "prefix": "kpo-provision/acme"}}}),
        (
            "s3: {bucket: acme-state, region: eu-central-1, key: a/b.tfstate}",
            {
                "backend": {
                    "s3": {
                        "bucket": "acme-state",
                        "key": "a/b.tfstate",
                        "region": "eu-central-1",
                        "encrypt": True,
                        "use_lockfile": True,
                    }
                }
            },
        ),
        (
            "remote: {organization: acme, workspace: airflow}",
            {
                "cloud": {
                    "hostname": "app.terraform.io",
                    "organization": "acme",
                    "workspaces": {"name": "airflow"},
                }
            },
        ),
    ],
)
def test_the_state_is_where_the_spec_says(text, block):
    assert render_backend(text) == block
