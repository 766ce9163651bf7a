"""Keeps the ruleset in step with the inventory."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from kpo_provision import errors
from kpo_provision.local.netpol import rules
from kpo_provision.local.netpol.announcements import Announcements
from kpo_provision.local.netpol.inventory import Inventory

LOG = logging.getLogger(__name__)

SETTLE_S = 0.02
"""One action of a user is often a burst of events. A pod that waits to start does not wait for this as well."""
FIRST_DELAY_S = 0.1
LAST_DELAY_S = 5.0


class Enforcer:
    """Compiles the inventory and applies the ruleset where it is another one than that in force."""

    def __init__(self, inventory: Inventory, announcements: Announcements, apply: Callable[[str], None]) -> None:
        self._inventory = inventory
        self._announcements = announcements
        self._apply = apply
        self._in_force = ""

    def run(self) -> None:
        """Follow the inventory for ever."""
        while True:
            self._inventory.changed.wait()
            if not self._announcements.is_awaited:
                time.sleep(SETTLE_S)
            self._sync_until_applied()

    def sync(self) -> bool:
        """Bring nftables up to date; gives whether the ruleset was replaced."""
        started = time.monotonic()
        # Cleared before the look, so that a change during it is seen in the next round.
        self._inventory.changed.clear()
        # Asked before the look as well: what is found is at least as new as this.
        is_current = self._inventory.is_current
        policies = self._inventory.policies.snapshot()
        pods = self._inventory.pods.snapshot()
        namespaces = self._inventory.namespaces.snapshot()
        if policies is None or pods is None or namespaces is None:
            # Rules from half the objects could let through what the other half forbids.
            return False
        located = self._announcements.locate(pods)
        script = rules.compile_ruleset(policies, located, namespaces)
        is_new = script != self._in_force
        if is_new:
            self._apply(script)
            self._in_force = script
            elapsed_ms = 1000 * (time.monotonic() - started)
            LOG.info("rules replaced: %d policies, %d pods, %.0f ms", len(policies), len(located), elapsed_ms)
        if is_current:
            # Nobody starts by rules that may lack a policy which is there already.
            self._announcements.confirm()
        return is_new

    def _sync_until_applied(self) -> None:
        delay_s = FIRST_DELAY_S
        while True:
            try:
                self.sync()
            except errors.LocalClusterError as error:
                LOG.warning("%s (%s); trying again in %.1f s", error, error.hint, delay_s)
            else:
                return
            time.sleep(delay_s)
            delay_s = min(2 * delay_s, LAST_DELAY_S)
