"""What the rest of the package relies on of an API server: the fake one and the real one answer alike."""

import contextlib
import json
import os
import time
from pathlib import Path

import pytest

from kpo_provision import errors
from kpo_provision.kube.api import Api
from kpo_provision.kube.connection import connect
from kpo_provision.kube.transport import HttpTransport, Request
from tests.fakes.api_server import FakeApiServer

NAMESPACE = f"kube-contract-{os.getpid()}"


@pytest.fixture(scope="module", params=["fake", pytest.param("real", marks=pytest.mark.cluster)])
def connection(request):
    if request.param == "real":
        yield connect(kubeconfig=Path(os.environ["KPO_TEST_KUBECONFIG"]), context=None)
        return
    with FakeApiServer() as server:
        yield server.connection


@pytest.fixture(scope="module")
def api(connection):
    with Api(connection) as opened:
        opened.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
        yield opened
        opened.delete("Namespace", NAMESPACE)
        await_gone(opened, "Namespace", NAMESPACE)


@pytest.fixture
def config_map(request):
    name = request.node.originalname.replace("_", "-")[:60].rstrip("-")
    labels = {"contract": name[:40].rstrip("-")}
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": NAMESPACE, "labels": labels},
        "data": {"a": "1", "b": "2"},
    }


def await_gone(api, kind, name, namespace=None):
    deadline = time.monotonic() + 60
    with contextlib.suppress(errors.ApiError):
        while time.monotonic() < deadline:
            api.read(kind, name, namespace)
            time.sleep(0.1)
        pytest.fail(f"{kind} {name} is still there")


def apply_as(connection, manager, manifest):
    transport = HttpTransport(connection)
    metadata = manifest["metadata"]
    path = f"/api/v1/namespaces/{metadata['namespace']}/configmaps/{metadata['name']}"
    answer = transport.send(
        Request(
            method="PATCH",
            path=path,
            query={"fieldManager": manager, "force": "true"},
            body=json.dumps(manifest).encode(),
            content_type="application/apply-patch+yaml",
        )
    )
    transport.close()
    assert answer.status in (200, 201)


def test_apply_creates_what_read_then_finds(api, config_map):
    api.apply(config_map)
    found = api.read("ConfigMap", config_map["metadata"]["name"], NAMESPACE)
    assert found["data"] == config_map["data"]


def test_apply_of_the_same_changes_nothing(api, config_map):
    first = api.apply(config_map)
    assert api.apply(config_map)["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]


def test_apply_takes_away_what_it_no_longer_mentions(api, config_map):
    api.apply(config_map)
    del config_map["data"]["b"]
    assert api.apply(config_map)["data"] == {"a": "1"}


def test_apply_leaves_the_fields_of_others(api, connection, config_map):
    other = {key: config_map[key] for key in ("apiVersion", "kind", "metadata")} | {"data": {"theirs": "x"}}
    apply_as(connection, "somebody-else", other)
    assert api.apply(config_map)["data"] == {"a": "1", "b": "2", "theirs": "x"}


def test_apply_names_the_manager_and_the_field_it_conflicts_with(api, connection, config_map):
    apply_as(connection, "somebody-else", config_map)
    config_map["data"]["a"] = "ours"
    with pytest.raises(errors.ApplyConflictError) as caught:
        api.apply(config_map)
    assert caught.value.owners == ("somebody-else manages .data.a",)
    assert api.apply(config_map, force=True)["data"]["a"] == "ours"


def test_create_refuses_what_exists(api, config_map):
    api.create(config_map)
    with pytest.raises(errors.ApiError) as caught:
        api.create(config_map)
    assert (caught.value.status, caught.value.reason) == (409, "AlreadyExists")


def test_reading_what_is_not_there_is_not_found(api):
    with pytest.raises(errors.ApiError) as caught:
        api.read("ConfigMap", "nobody", NAMESPACE)
    assert caught.value.is_not_found
    assert f"ConfigMap {NAMESPACE}/nobody" in str(caught.value)


def test_list_finds_by_label_in_all_namespaces_and_says_the_kind(api, config_map):
    api.apply(config_map)
    key, value = next(iter(config_map["metadata"]["labels"].items()))
    found = api.list("ConfigMap", label_selector=f"{key}={value}")
    assert [(item["kind"], item["apiVersion"]) for item in found] == [("ConfigMap", "v1")]
    assert api.list("ConfigMap", NAMESPACE, label_selector=f"{key}=nothing") == []


def test_list_of_metadata_has_names_and_labels(api, config_map):
    api.apply(config_map)
    field = f"metadata.name={config_map['metadata']['name']}"
    [found] = api.list("ConfigMap", NAMESPACE, field_selector=field, metadata_only=True)
    assert found["metadata"]["labels"] == config_map["metadata"]["labels"]


def test_patch_merges(api, config_map):
    api.apply(config_map)
    patched = api.patch("ConfigMap", config_map["metadata"]["name"], NAMESPACE, {"data": {"a": None, "c": "3"}})
    assert patched["data"] == {"b": "2", "c": "3"}


def test_patch_of_a_version_that_has_passed_is_refused(api, config_map):
    stale = api.apply(config_map)["metadata"]["resourceVersion"]
    name = config_map["metadata"]["name"]
    api.patch("ConfigMap", name, NAMESPACE, {"data": {"c": "3"}})
    with pytest.raises(errors.ApiError) as caught:
        api.patch("ConfigMap", name, NAMESPACE, {"metadata": {"resourceVersion": stale}, "data": {"d": "4"}})
    assert caught.value.status == 409


def test_delete_removes_and_then_finds_nothing(api, config_map):
    api.apply(config_map)
    name = config_map["metadata"]["name"]
    api.delete("ConfigMap", name, NAMESPACE, grace_s=0)
    with pytest.raises(errors.ApiError) as caught:
        api.delete("ConfigMap", name, NAMESPACE)
    assert caught.value.is_not_found


def test_watch_tells_what_happens_after_a_version(api, config_map):
    version = api.apply(config_map)["metadata"]["resourceVersion"]
    name = config_map["metadata"]["name"]
    api.patch("ConfigMap", name, NAMESPACE, {"data": {"c": "3"}})
    api.delete("ConfigMap", name, NAMESPACE)
    events = api.watch(
        "ConfigMap",
        namespace=NAMESPACE,
        field_selector=f"metadata.name={name}",
        resource_version=version,
        timeout_s=20,
    )
    with contextlib.closing(events):
        assert [next(events)["type"], next(events)["type"]] == ["MODIFIED", "DELETED"]


def test_watch_without_a_version_begins_with_what_is_there(api, config_map):
    api.apply(config_map)
    field = f"metadata.name={config_map['metadata']['name']}"
    events = api.watch("ConfigMap", namespace=NAMESPACE, field_selector=field, timeout_s=20)
    with contextlib.closing(events):
        assert next(events)["type"] == "ADDED"


def test_watch_ends_when_its_time_is_over(api):
    assert list(api.watch("ConfigMap", namespace=NAMESPACE, field_selector="metadata.name=none", timeout_s=0.3)) == []


def test_a_service_account_gets_a_token_and_a_review_says_what_it_may(api, connection):
    api.apply({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "somebody", "namespace": NAMESPACE}})
    token = api.request_token("somebody", NAMESPACE)
    with Api(connection.as_bearer(token)) as somebody:
        assert not somebody.review_access("get", "secrets", namespace=NAMESPACE).allowed


def test_the_server_tells_its_version(api):
    version = api.server_version()
    assert version.release >= (1, 30)
    assert version.text.startswith("v1.")
