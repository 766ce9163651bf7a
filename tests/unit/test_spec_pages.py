"""What is made from the model: the JSON Schema, the starting specs and the reference page."""

import pathlib

import jsonschema
import pytest
import yaml

from kpo_provision import spec
from kpo_provision.spec import levels, reference, schema, starter

ROOT = pathlib.Path(__file__).parent.parent.parent
EXAMPLES = sorted(ROOT.joinpath("examples").glob("*.yaml"))

STARTERS = {
    "local": starter.render_starter("local", name="acme"),
    "kubeconfig": starter.render_starter("kubeconfig", name="acme"),
    "gke": starter.render_starter("gke", name="acme"),
    "selfHosted": starter.render_starter("selfHosted", name="acme"),
    "kubeconfig with a context": starter.render_starter("kubeconfig", name="acme", context='arn:aws:eks/a "b": #c'),
}


def validator():
    document = schema.render_schema()
    jsonschema.Draft202012Validator.check_schema(document)
    return jsonschema.Draft202012Validator(document)


def find_keywords(document):
    """Yield every (keyword, content) of a schema, but no names of properties."""
    for keyword, content in document.items():
        yield keyword, content
        below = content.values() if keyword in ("$defs", "properties") else [content]
        for part in below:
            if isinstance(part, dict) and keyword != "default":
                yield from find_keywords(part)


@pytest.mark.parametrize("text", STARTERS.values(), ids=STARTERS.keys())
def test_a_starter_is_valid_as_it_stands(text):
    installation = spec.parse_spec(text, file="spec.yaml")
    assert {release: tenant.extra_capacity for release, tenant in installation.tenants.items()} == {
        "frigid-vacuum-0996": 10,
        "solar-orbit-4143": 0,
    }
    assert validator().is_valid(yaml.safe_load(text))


def test_a_starter_keeps_the_name_of_its_context():
    installation = spec.parse_spec(STARTERS["kubeconfig with a context"], file="spec.yaml")
    assert installation.target.kubeconfig is not None
    assert installation.target.kubeconfig.context == 'arn:aws:eks/a "b": #c'


@pytest.mark.parametrize("name", ["no", "1", "1e3", "null"])
def test_a_starter_is_valid_for_a_name_that_yaml_would_misread(name):
    assert spec.parse_spec(starter.render_starter("local", name=name), file="spec.yaml").metadata.name == name


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_is_valid_and_fits_the_schema(path):
    spec.load_spec(path)
    assert validator().is_valid(yaml.safe_load(path.read_text()))


def test_there_are_examples():
    assert EXAMPLES


@pytest.mark.parametrize("level", levels.LEVELS, ids=str)
def test_the_schema_refuses_an_unknown_key_at_every_level(level):
    document = schema.render_schema()
    part = document["$defs"][level.model.__name__] if level.path else document
    assert part["additionalProperties"] is False
    assert tuple(part["properties"]) == level.keys


@pytest.mark.parametrize(
    "change",
    [
        {"target": {}},
        {"target": {"local": {}, "kubeconfig": {}}},
        {"target": {"local": None}},
        {"namespacePrefix": "Not_A_Label"},
        {"namespacePrefix": "a" * 64},
        {"tenants": {"Not_A_Label": {"extraCapacity": 1}}},
        {"tenants": {"etl": {"extraCapacity": -1}}},
        {"tenants": {"etl": {"extraCapacity": 1, "pool": None}}},
        {"nodePools": {"standard": {"largestPod": {"cpu": "1.5.0", "memory": "1Gi"}}}},
        {"nodePools": {"standard": {"largestPod": {"cpu": 0, "memory": "1Gi"}}}},
        {"kind": "Spec"},
    ],
    ids=str,
)
def test_the_schema_refuses_what_one_value_may_not_be(change):
    assert not validator().is_valid({**yaml.safe_load(STARTERS["local"]), **change})


def test_the_schema_offers_no_null_and_no_generated_titles():
    keywords = list(find_keywords(schema.render_schema()))
    assert [content for keyword, content in keywords if keyword == "title"] == ["kpo-provision installation"]
    assert not [content for keyword, content in keywords if keyword == "anyOf" or content == "null"]


def test_every_key_is_described():
    document = schema.render_schema()
    for part in (document, *document["$defs"].values()):
        for key, content in part["properties"].items():
            assert "description" in content or "$ref" in content, key


def test_the_reference_page_is_up_to_date():
    page = ROOT.joinpath("docs", "spec.md").read_text(encoding="utf-8")
    assert page == reference.render_reference(), "write docs/spec.md anew from reference.render_reference()"
