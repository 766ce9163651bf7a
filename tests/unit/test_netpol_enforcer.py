import pytest

from kpo_provision import errors
from kpo_provision.local.netpol import objects
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
    enforcer = Enforcer(inventory, kernel.apply)
    inventory.policies.replace({})
    inventory.pods.replace({})
    assert not enforcer.sync()
    inventory.namespaces.replace({})
    assert enforcer.sync()
    assert len(kernel.applied) == 1


def test_change_that_leads_to_the_same_rules_is_not_applied() -> None:
    inventory, kernel = listed(), Kernel()
    enforcer = Enforcer(inventory, kernel.apply)
    assert enforcer.sync()
    inventory.namespaces.put("a", objects.Namespace(name="a", labels={}))
    assert not enforcer.sync()
    assert len(kernel.applied) == 1


def test_refused_ruleset_is_applied_at_the_next_try() -> None:
    kernel = Kernel(refusals=1)
    enforcer = Enforcer(listed(), kernel.apply)
    with pytest.raises(errors.LocalClusterError):
        enforcer.sync()
    assert enforcer.sync()
    assert len(kernel.applied) == 1
