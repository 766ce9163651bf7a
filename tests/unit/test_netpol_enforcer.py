from ipaddress import IPv4Address

import pytest

from kpo_provision import errors
from kpo_provision.local.netpol import objects
from kpo_provision.local.netpol.announcements import Announcement, Announcements
from kpo_provision.local.netpol.enforcer import Enforcer
from kpo_provision.local.netpol.inventory import Inventory


class Kernel:
    """Takes rulesets, or refuses the first ``refusals`` of them."""

    def __init__(self, refusals: int = 0) -> None:
        self.applied: list[str] = []
        self._refusals = refusals

    def apply(self, script: str) -> None:
        if self._refusals:
            self._refusals -= 1
            raise errors.LocalClusterError("nft refused")
        self.applied.append(script)


def listed() -> Inventory:
    inventory = Inventory()
    inventory.policies.replace({})
    inventory.pods.replace({})
    inventory.namespaces.replace({})
    return inventory


def test_nothing_is_applied_before_all_three_kinds_are_listed() -> None:
    inventory, kernel = Inventory(), Kernel()
    enforcer = Enforcer(inventory, Announcements(inventory.changed), kernel.apply)
    inventory.policies.replace({})
    inventory.pods.replace({})
    assert not enforcer.sync()
    inventory.namespaces.replace({})
    assert enforcer.sync()
    assert len(kernel.applied) == 1


def test_change_that_leads_to_the_same_rules_is_not_applied() -> None:
    inventory, kernel = listed(), Kernel()
    enforcer = Enforcer(inventory, Announcements(inventory.changed), kernel.apply)
    assert enforcer.sync()
    inventory.namespaces.put("a", objects.Namespace(name="a", labels={}))
    assert not enforcer.sync()
    assert len(kernel.applied) == 1


def test_refused_ruleset_is_applied_at_the_next_try() -> None:
    kernel = Kernel(refusals=1)
    inventory = listed()
    enforcer = Enforcer(inventory, Announcements(inventory.changed), kernel.apply)
    with pytest.raises(errors.LocalClusterError):
        enforcer.sync()
    assert enforcer.sync()
    assert len(kernel.applied) == 1


POD = objects.Pod(uid="u", namespace="red", name="web", labels={}, address=objects.NO_ADDRESS)
ANNOUNCED = Announcement(namespace="red", name="web", uid="u", address=IPv4Address("10.0.0.7"))


def test_announced_pod_may_start_when_the_kernel_has_its_address() -> None:
    inventory, kernel = listed(), Kernel()
    announcements = Announcements(inventory.changed)
    inventory.pods.put("u", POD)
    announcements.hold(ANNOUNCED)
    assert inventory.changed.is_set()
    Enforcer(inventory, announcements, kernel.apply).sync()
    assert "10.0.0.7" in kernel.applied[-1]
    assert announcements.wait_for_rules(ANNOUNCED, timeout_s=0) == ""


def test_announced_pod_does_not_start_when_the_kernel_refuses_its_rules() -> None:
    inventory = listed()
    announcements = Announcements(inventory.changed)
    inventory.pods.put("u", POD)
    announcements.hold(ANNOUNCED)
    with pytest.raises(errors.LocalClusterError):
        Enforcer(inventory, announcements, Kernel(refusals=1).apply).sync()
    assert "load the rules" in announcements.wait_for_rules(ANNOUNCED, timeout_s=0)


def test_announced_pod_does_not_start_while_policies_may_be_missed() -> None:
    inventory, kernel = listed(), Kernel()
    announcements = Announcements(inventory.changed)
    enforcer = Enforcer(inventory, announcements, kernel.apply)
    inventory.pods.put("u", POD)
    inventory.policies.lose()
    announcements.hold(ANNOUNCED)
    enforcer.sync()
    assert "cannot read all policies" in announcements.wait_for_rules(ANNOUNCED, timeout_s=0)
    announcements.hold(ANNOUNCED)
    inventory.changed.clear()
    inventory.policies.replace({})
    assert inventory.changed.is_set()
    enforcer.sync()
    assert announcements.wait_for_rules(ANNOUNCED, timeout_s=0) == ""
