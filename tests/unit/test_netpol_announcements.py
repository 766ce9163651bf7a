import dataclasses
import threading
from ipaddress import IPv4Address

import pytest

from kpo_provision.local.netpol import objects
from kpo_provision.local.netpol.announcements import Announcement, Announcements

GIVEN = IPv4Address("10.0.0.7")
WEB = objects.Pod(uid="u", namespace="red", name="web", labels={}, address=objects.NO_ADDRESS)
ANNOUNCED = Announcement(namespace="red", name="web", uid="u", address=GIVEN)


@pytest.fixture
def announcements() -> Announcements:
    return Announcements(threading.Event())


def enforce(announcements: Announcements, *pods: objects.Pod) -> list[objects.Pod]:
    """What an enforcer does that always succeeds; gives the pods that the rules are made from."""
    located = announcements.locate(pods)
    announcements.confirm()
    return located


def at(pod: objects.Pod, address: str) -> objects.Pod:
    return dataclasses.replace(pod, address=IPv4Address(address))


def test_pod_has_no_rules_before_it_has_an_address(announcements: Announcements) -> None:
    assert enforce(announcements, WEB) == []
    assert enforce(announcements, at(WEB, "10.0.0.8")) == [at(WEB, "10.0.0.8")]


def test_announced_address_is_the_pods(announcements: Announcements) -> None:
    announcements.hold(ANNOUNCED)
    assert enforce(announcements, WEB) == [at(WEB, "10.0.0.7")]
    assert announcements.wait_for_rules(ANNOUNCED, timeout_s=0) == ""


def test_announced_address_counts_more_than_the_one_of_an_earlier_sandbox(announcements: Announcements) -> None:
    announcements.hold(ANNOUNCED)
    assert enforce(announcements, at(WEB, "10.0.0.8")) == [at(WEB, "10.0.0.7")]


def test_address_that_is_announced_is_nobody_elses(announcements: Announcements) -> None:
    before = objects.Pod(uid="old", namespace="blue", name="job", labels={}, address=GIVEN)
    announcements.hold(ANNOUNCED)
    assert enforce(announcements, before, WEB) == [at(WEB, "10.0.0.7")]


def test_address_that_is_announced_anew_is_the_last_ones(announcements: Announcements) -> None:
    job = objects.Pod(uid="j", namespace="blue", name="job", labels={}, address=objects.NO_ADDRESS)
    announcements.hold(ANNOUNCED)
    announcements.hold(Announcement(namespace="blue", name="job", uid="j", address=GIVEN))
    assert enforce(announcements, WEB, job) == [at(job, "10.0.0.7")]


def test_pod_that_the_watch_has_not_brought_yet_waits_for_it(announcements: Announcements) -> None:
    announcements.hold(ANNOUNCED)
    enforce(announcements)
    assert announcements.is_awaited
    enforce(announcements, WEB)
    assert not announcements.is_awaited
    assert announcements.wait_for_rules(ANNOUNCED, timeout_s=0) == ""


@pytest.mark.parametrize("other", [(), (dataclasses.replace(WEB, uid="before"),)], ids=["no pod", "another uid"])
def test_pod_that_is_not_known_does_not_start(announcements: Announcements, other: tuple[objects.Pod, ...]) -> None:
    announcements.hold(ANNOUNCED)
    assert enforce(announcements, *other) == []
    assert "has not shown" in announcements.wait_for_rules(ANNOUNCED, timeout_s=0)


def test_address_of_a_pod_that_was_refused_is_forgotten(announcements: Announcements) -> None:
    announcements.hold(ANNOUNCED)
    announcements.wait_for_rules(ANNOUNCED, timeout_s=0)
    assert not announcements.is_awaited
    assert enforce(announcements, WEB) == []


def test_pod_without_a_uid_is_known_by_its_name(announcements: Announcements) -> None:
    nameless = dataclasses.replace(ANNOUNCED, uid="")
    announcements.hold(nameless)
    enforce(announcements, WEB)
    assert announcements.wait_for_rules(nameless, timeout_s=0) == ""


def test_address_is_forgotten_with_its_pod(announcements: Announcements) -> None:
    announcements.hold(ANNOUNCED)
    enforce(announcements, WEB)
    enforce(announcements)
    assert enforce(announcements, WEB) == []


def test_end_of_a_pod_forgets_nothing_of_the_next_one_with_its_name(announcements: Announcements) -> None:
    announcements.hold(ANNOUNCED)
    enforce(announcements, WEB)
    following = dataclasses.replace(ANNOUNCED, uid="next", address=IPv4Address("10.0.0.9"))
    announcements.hold(following)
    enforce(announcements)
    enforce(announcements, dataclasses.replace(WEB, uid="next"))
    assert announcements.wait_for_rules(following, timeout_s=0) == ""
