"""Rules between fields: each is judged alone, and also when the spec is wrong elsewhere."""

import pathlib

import pytest
import yaml

from kpo_provision import errors, plan, spec
from kpo_provision.spec import rules

GOLDEN = pathlib.Path(__file__).parent.parent / "golden" / "spec_errors"


def make_spec(**changes):
    """Make a valid spec with top-level keys replaced; None leaves one out."""
    document = {
        "apiVersion": "kpo-provision.io/v1",
        "kind": "Installation",
        "metadata": {"name": "acme"},
        "namespacePrefix": "astronomer",
        "target": {"kubeconfig": {"version": "1.36"}},
        "registries": {
            "acme": {"server": "registry.acme.io", "credentials": {"dockerConfig": "config.json"}},
            "twin": {"server": "registry.acme.io", "credentials": {"dockerConfig": "config.json"}},
        },
        "nodePools": {"standard": {}, "large": {}},
        "tenants": {"etl": {"extraCapacity": 10, "pool": "standard"}},
        **changes,
    }
    return {key: value for key, value in document.items() if value is not None}


def find_issues(document):
    try:
        spec.parse_spec(yaml.safe_dump(document, sort_keys=False), file="spec.yaml")
    except errors.SpecError as error:
        return error.issues
    return ()


def etl(**keys):
    return {"tenants": {"etl": {"extraCapacity": 10, "pool": "standard", **keys}}}


def pool(**keys):
    return {"nodePools": {"standard": keys}}


def local_registry(server="registry.local:5000"):
    return {"registries": {"acme": {"server": server, "credentials": {"localCluster": {}}}}}


BROKEN = yaml.safe_load(GOLDEN.joinpath("broken_rules.yaml").read_text())


@pytest.mark.parametrize("case", BROKEN, ids=[case["id"] for case in BROKEN])
def test_a_broken_rule_is_one_issue_that_names_the_field(case):
    [issue] = find_issues(make_spec(**case["changes"]))
    assert issue.path == case["path"]
    assert case["problem"] in issue.problem
    assert case.get("allowed", "") in issue.allowed
    assert issue.line > 0


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({}, id="plain"),
        pytest.param({"tenants": {"etl": {"extraCapacity": 0}}}, id="no pool where KPO is off"),
        pytest.param({"nodePools": {"one": {}}, "tenants": {"etl": {"extraCapacity": 1}}}, id="the only pool"),
        pytest.param({"tenants": {"r" * 52: {"extraCapacity": 0}}}, id="namespace of 63 characters"),
        pytest.param({"target": {"local": {}}, **local_registry()}, id="local registry"),
        pytest.param(pool(largestPod={"cpu": "100m", "memory": "384Mi"}), id="largest pod of one AU"),
        pytest.param(etl(workerServiceAccount="a" * 100 + ".b"), id="long account name"),
        pytest.param({"tenants": {}, "registries": None}, id="no tenants yet"),
    ],
)
def test_what_breaks_no_rule_is_accepted(changes):
    assert find_issues(make_spec(**changes)) == ()


def test_rules_are_judged_though_the_spec_is_wrong_elsewhere():
    issues = find_issues(make_spec(kind="Spec", metadata=None, **etl(pool="gpu", registries=["nope"])))
    assert [issue.path for issue in issues] == ["", "kind", "tenants.etl.pool", "tenants.etl.registries[0]"]


def test_a_misspelled_choice_is_one_issue():
    [issue] = find_issues(make_spec(target={"kubeconfg": {}}))
    assert issue.allowed == "did you mean kubeconfig?"


@pytest.mark.parametrize("wrong", ["nodePools", "registries", "tenants", "target", "admission"])
@pytest.mark.parametrize("value", ["text", 1, [], [{}], {"etl": 1}, {"acme": []}])
def test_rules_bear_any_shape_of_document(wrong, value):
    assert find_issues(make_spec(**{wrong: value}))


def test_the_reserved_accounts_are_those_of_the_plan():
    assert plan.TASK_SERVICE_ACCOUNT in rules.RESERVED_ACCOUNTS
