import pytest

from kpo_provision.local.netpol.selectors import parse_selector

LABELS = {"app": "web", "tier": "front"}


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        pytest.param({}, True, id="empty selects everything"),
        pytest.param({"matchLabels": {"app": "web"}}, True, id="label"),
        pytest.param({"matchLabels": {"app": "web", "tier": "back"}}, False, id="labels must all match"),
        pytest.param({"matchLabels": {"zone": ""}}, False, id="absent label is not an empty one"),
        pytest.param({"matchLabels": None, "matchExpressions": None}, True, id="null is empty"),
        pytest.param({"key": "app", "operator": "In", "values": ["db", "web"]}, True, id="In"),
        pytest.param({"key": "zone", "operator": "In", "values": ["a"]}, False, id="In needs the key"),
        pytest.param({"key": "app", "operator": "NotIn", "values": ["web"]}, False, id="NotIn"),
        pytest.param({"key": "zone", "operator": "NotIn", "values": ["a"]}, True, id="NotIn takes an absent key"),
        pytest.param({"key": "app", "operator": "Exists"}, True, id="Exists"),
        pytest.param({"key": "zone", "operator": "Exists"}, False, id="Exists needs the key"),
        pytest.param({"key": "zone", "operator": "DoesNotExist"}, True, id="DoesNotExist"),
        pytest.param({"key": "app", "operator": "DoesNotExist"}, False, id="DoesNotExist refuses the key"),
    ],
)
def test_selector_matches_as_kubernetes_does(selector: dict, expected: bool) -> None:
    document = {"matchExpressions": [selector]} if "key" in selector else selector
    assert parse_selector(document).matches(LABELS) is expected


def test_labels_and_expressions_must_both_match() -> None:
    selector = parse_selector(
        {"matchLabels": {"app": "web"}, "matchExpressions": [{"key": "tier", "operator": "DoesNotExist"}]}
    )
    assert selector.matches({"app": "web"})
    assert not selector.matches(LABELS)


def test_unknown_operator_is_no_silent_match() -> None:
    selector = parse_selector({"matchExpressions": [{"key": "app", "operator": "Near", "values": ["web"]}]})
    with pytest.raises(ValueError, match="Near"):
        selector.matches(LABELS)
