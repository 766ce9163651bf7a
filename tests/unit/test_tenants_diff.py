"""Whether a live object is judged equal exactly when applying it would change nothing."""

import base64
import copy

from hypothesis import given
from hypothesis import strategies as st

from kpo_provision.tenants import diff

SCALARS = st.one_of(st.booleans(), st.integers(min_value=2), st.text(min_size=1))
NAMES = st.text(alphabet="abcxyz./", min_size=1, max_size=6)
TREES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, min_size=1, max_size=3) | st.dictionaries(NAMES, inner, min_size=1, max_size=3),
    max_leaves=12,
)
MANIFESTS = st.dictionaries(NAMES, TREES, min_size=1, max_size=4)


def leaf_paths(value, path=()):
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    if items is None:
        yield path
        return
    for name, inner in items:
        yield from leaf_paths(inner, (*path, name))


def changed_at(manifest, path):
    changed = copy.deepcopy(manifest)
    target = changed
    for name in path[:-1]:
        target = target[name]
    target[path[-1]] = "something else entirely"
    return changed


@given(MANIFESTS)
def test_an_object_equals_itself(manifest):
    assert diff.differs(manifest, copy.deepcopy(manifest)) == ()


@given(MANIFESTS, st.data())
def test_any_changed_leaf_is_found(manifest, data):
    path = data.draw(st.sampled_from(list(leaf_paths(manifest))))
    assert diff.differs(manifest, changed_at(manifest, path))


@given(MANIFESTS, st.data())
def test_any_missing_leaf_is_found(manifest, data):
    path = data.draw(st.sampled_from(list(leaf_paths(manifest))))
    live = copy.deepcopy(manifest)
    target = live
    for name in path[:-1]:
        target = target[name]
    del target[path[-1]]
    assert diff.differs(manifest, live)


@given(MANIFESTS)
def test_what_the_server_adds_beside_is_no_difference(manifest):
    live = copy.deepcopy(manifest) | {"status": {"phase": "Active"}, "metadata2": {"uid": "1"}}
    assert diff.differs(manifest, live) == ()


@given(MANIFESTS, TREES)
def test_an_added_list_element_is_found(manifest, extra):
    assert diff.differs({"rules": [manifest]}, {"rules": [manifest, extra]})


def test_quantities_are_compared_by_value():
    desired = {"spec": {"hard": {"requests.cpu": "1000m", "requests.memory": "3840Mi", "pods": 10}}}
    live = {"spec": {"hard": {"requests.cpu": "1", "requests.memory": "3932160Ki", "pods": "10"}}}
    assert diff.differs(desired, live) == ()
    live["spec"]["hard"]["requests.cpu"] = "1001m"
    assert diff.differs(desired, live) == ("spec.hard.requests.cpu",)


def test_limits_inside_a_list_are_quantities_too():
    desired = {"spec": {"limits": [{"type": "Container", "default": {"cpu": "0.1"}}]}}
    live = {"spec": {"limits": [{"type": "Container", "default": {"cpu": "100m"}}]}}
    assert diff.differs(desired, live) == ()


def test_text_that_looks_like_a_quantity_is_text_elsewhere():
    assert diff.differs({"metadata": {"labels": {"size": "1000m"}}}, {"metadata": {"labels": {"size": "1"}}})


def test_an_empty_selector_that_was_narrowed_is_found():
    desired = {"spec": {"podSelector": {}}}
    assert diff.differs(desired, {"spec": {"podSelector": {"matchLabels": {"app": "x"}}}}) == ("spec.podSelector",)


def test_a_selector_with_one_more_label_is_found():
    desired = {"spec": {"podSelector": {"matchLabels": {"app": "x"}}}}
    live = {"spec": {"podSelector": {"matchLabels": {"app": "x", "tier": "y"}}}}
    assert diff.differs(desired, live) == ("spec.podSelector.matchLabels",)


def test_empty_and_left_out_are_the_same():
    assert diff.differs({"spec": {"ingress": [], "podSelector": {}}}, {"spec": {}}) == ()


def test_false_and_zero_are_not_left_out():
    assert diff.differs({"automountServiceAccountToken": False}, {}) == ("automountServiceAccountToken",)
    assert diff.differs({"replicas": 0}, {}) == ("replicas",)


def test_secrets_are_compared_by_their_bytes():
    content = b'{"auths":{"registry.example":{"auth":"dTpw"}}}' * 4
    desired = {"kind": "Secret", "data": {"c": base64.b64encode(content).decode()}}
    wrapped = {"kind": "Secret", "data": {"c": base64.encodebytes(content).decode()}}
    assert diff.differs(desired, wrapped) == ()
    assert diff.differs({"kind": "Secret", "stringData": {"c": content.decode()}}, wrapped) == ()


@given(st.binary(min_size=1), st.binary(min_size=1))
def test_a_secret_that_differs_is_found_and_not_shown(wanted, found):
    desired = {"kind": "Secret", "data": {"key": base64.b64encode(wanted).decode()}}
    live = {"kind": "Secret", "data": {"key": base64.b64encode(found).decode()}}
    assert diff.differs(desired, live) == (() if wanted == found else ("data.key",))
