"""What is said when a cluster's controllers do not do their part in time."""

import pytest

from kpo_provision import errors
from kpo_provision.kube.api import Api
from kpo_provision.tenants import wait
from tests.fakes.api_server import FakeApiServer

NAMESPACE = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "etl"}}
QUOTA = {
    "apiVersion": "v1",
    "kind": "ResourceQuota",
    "metadata": {"name": "kpo-quota", "namespace": "etl"},
    "spec": {"hard": {"pods": "10", "limits.cpu": "1000m"}},
}


def test_a_quota_that_is_in_force_in_other_words_is_in_force():
    with FakeApiServer() as server, Api(server.connection) as api:
        server.put(NAMESPACE)
        server.put(QUOTA | {"spec": {"hard": {"pods": "10", "limits.cpu": "1"}}})
        wait.wait_for_quota(api, QUOTA, deadline_s=0)


def test_a_quota_that_never_comes_into_force_says_what_was_seen_and_suspects_the_controller():
    with FakeApiServer(quota_controller=False) as server, Api(server.connection) as api:
        server.put(NAMESPACE)
        server.put(QUOTA)
        with pytest.raises(errors.WaitTimeoutError) as caught:
            wait.wait_for_quota(api, QUOTA, deadline_s=0.05)
    assert "ResourceQuota etl/kpo-quota to come into force" in str(caught.value)
    assert caught.value.last_seen == "status.hard is empty"
    assert "kube-controller-manager" in caught.value.hint


def test_a_namespace_that_never_goes_away_says_what_holds_it_back():
    with FakeApiServer(slow_deletion=True) as server, Api(server.connection) as api:
        server.put(NAMESPACE)
        api.delete("Namespace", "etl")
        stuck = {"type": "NamespaceFinalizersRemaining", "status": "True", "message": "Some content has finalizers"}
        server.get("Namespace", "etl")["status"]["conditions"] = [stuck]
        with pytest.raises(errors.WaitTimeoutError) as caught:
            wait.wait_for_namespace_gone(api, "etl", deadline_s=0.05)
    assert caught.value.last_seen == "Some content has finalizers"


def test_a_namespace_that_is_gone_is_not_waited_for():
    with FakeApiServer() as server, Api(server.connection) as api:
        wait.wait_for_namespace_gone(api, "etl", deadline_s=0)
