import threading
from collections.abc import Iterator
from typing import Any

import pytest

from kpo_provision import errors
from kpo_provision.local.netpol import objects
from kpo_provision.local.netpol.inventory import Collection
from kpo_provision.local.netpol.watch import Resource, Watch

NAMESPACES = Resource(path="/namespaces", parse=objects.parse_namespace)
PODS = Resource(path="/pods", parse=objects.parse_pod)


def namespace(uid: str, version: str, **labels: str) -> dict[str, Any]:
    return {"metadata": {"uid": uid, "name": uid, "labels": labels, "resourceVersion": version}}


def pod(version: str, phase: str) -> dict[str, Any]:
    return {
        "metadata": {"uid": "p", "namespace": "red", "name": "web", "resourceVersion": version},
        "spec": {"containers": []},
        "status": {"phase": phase, "podIP": "10.0.0.1"},
    }


def bookmark(version: str) -> dict[str, Any]:
    return {"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": version}}}


class Server:
    """Gives one scripted answer after the other; an exception in a watch breaks it there."""

    def __init__(self, listed: list[dict[str, Any]], *watches: list[dict[str, Any] | errors.ClusterError]) -> None:
        self._listed = listed
        self._watches = iter(watches)
        self.asked: list[str] = []

    def read_json(self, path: str) -> dict[str, Any]:
        self.asked.append(path)
        return {"metadata": {"resourceVersion": "10"}, "items": self._listed}

    def read_events(self, path: str, *, silence_s: float) -> Iterator[dict[str, Any]]:  # noqa: ARG002
        self.asked.append(path.rpartition("&")[2])
        for event in next(self._watches):
            if isinstance(event, errors.ClusterError):
                raise event
            yield event


BROKEN = errors.ClusterError("connection reset")


def follow(server: Server, resource: Resource[Any] = NAMESPACES) -> Collection[Any]:
    collection: Collection[Any] = Collection(threading.Event())
    with pytest.raises(errors.ClusterError):
        Watch(server, resource, collection).follow()
    return collection


def test_events_change_the_listed_objects() -> None:
    server = Server(
        [namespace("a", "1"), namespace("b", "2")],
        [
            {"type": "ADDED", "object": namespace("c", "11")},
            {"type": "MODIFIED", "object": namespace("a", "12", team="red")},
            {"type": "DELETED", "object": namespace("b", "13")},
            BROKEN,
        ],
    )
    assert follow(server).snapshot() == (
        objects.Namespace(name="a", labels={"team": "red"}),
        objects.Namespace(name="c", labels={}),
    )


def test_watch_that_ends_in_order_goes_on_from_the_last_version() -> None:
    server = Server([], [{"type": "ADDED", "object": namespace("c", "11")}], [bookmark("15")], [BROKEN])
    follow(server)
    assert server.asked == ["/namespaces", "resourceVersion=10", "resourceVersion=11", "resourceVersion=15"]


def test_version_that_is_too_old_ends_the_watch() -> None:
    gone = {"type": "ERROR", "object": {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old"}}
    server = Server([], [gone])
    with pytest.raises(errors.ApiError, match="410 Expired: too old"):
        Watch(server, NAMESPACES, Collection(threading.Event())).follow()


def test_watch_that_ends_without_an_event_is_not_asked_again_at_once() -> None:
    server = Server([], [])
    follow(server)
    assert server.asked == ["/namespaces", "resourceVersion=10"]


def test_list_drops_what_it_does_not_name() -> None:
    collection: Collection[Any] = Collection(threading.Event())
    for listed in ([namespace("a", "1"), namespace("b", "2")], [namespace("b", "2")]):
        with pytest.raises(errors.ClusterError):
            Watch(Server(listed, [BROKEN]), NAMESPACES, collection).follow()
    assert collection.snapshot() == (objects.Namespace(name="b", labels={}),)


def test_finished_pod_leaves_the_collection() -> None:
    server = Server([pod("1", "Running")], [{"type": "MODIFIED", "object": pod("11", "Succeeded")}, BROKEN])
    assert follow(server, PODS).snapshot() == ()


def test_only_what_can_change_a_rule_counts_as_a_change() -> None:
    changed = threading.Event()
    collection: Collection[Any] = Collection(changed)
    collection.replace({"a": objects.Namespace(name="a", labels={})})
    changed.clear()
    collection.put("a", objects.Namespace(name="a", labels={}))
    collection.put("never-seen", None)
    assert not changed.is_set()
    collection.put("a", objects.Namespace(name="a", labels={"team": "red"}))
    assert changed.is_set()


def test_first_list_counts_as_a_change_even_if_it_is_empty() -> None:
    changed = threading.Event()
    Collection(changed).replace({})
    assert changed.is_set()
