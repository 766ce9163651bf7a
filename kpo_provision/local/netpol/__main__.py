"""``python -m kpo_provision.local.netpol --kubeconfig FILE``: runs until SIGTERM.

It leaves its rules behind: without the agent nothing that was closed opens, and no pod starts. Whatever else ends one
of its threads ends the process, so that whoever supervises it sees that the rules no longer follow.
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import threading
from pathlib import Path
from types import FrameType

from kpo_provision import errors
from kpo_provision.local.netpol import api, nft, objects
from kpo_provision.local.netpol.announcements import Announcements
from kpo_provision.local.netpol.enforcer import Enforcer
from kpo_provision.local.netpol.gatekeeper import Gatekeeper
from kpo_provision.local.netpol.inventory import Inventory
from kpo_provision.local.netpol.watch import Resource, Watch
from kpo_provision.local.options import NETPOL_SOCKET

LOG = logging.getLogger("kpo_provision.local.netpol")


def main() -> None:
    """Start the watches and enforce in the main thread."""
    parser = argparse.ArgumentParser(prog="kpo-netpol", description="Keep nftables in step with network policies.")
    parser.add_argument("--kubeconfig", type=Path, required=True, help="kubeconfig with certificates as files")
    parser.add_argument("--gate", type=Path, default=NETPOL_SOCKET, help="socket at which starting pods are announced")
    options = parser.parse_args()
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGINT, _stop)
    threading.excepthook = _end_process
    try:
        source = api.load_kubeconfig(options.kubeconfig)
    except errors.ClusterError as error:
        LOG.critical("%s (%s)", error, error.hint)
        raise SystemExit(error.exit_code) from error
    inventory = Inventory()
    announcements = Announcements(inventory.changed)
    policies = Resource(path="/apis/networking.k8s.io/v1/networkpolicies", parse=objects.parse_policy)
    pods = Resource(path="/api/v1/pods", parse=objects.parse_pod)
    namespaces = Resource(path="/api/v1/namespaces", parse=objects.parse_namespace)
    for run in (
        Watch(source, policies, inventory.policies).run,
        Watch(source, pods, inventory.pods).run,
        Watch(source, namespaces, inventory.namespaces).run,
        Gatekeeper(options.gate, announcements).run,
    ):
        threading.Thread(target=run, daemon=True).start()
    Enforcer(inventory, announcements, nft.apply_ruleset).run()


def _stop(_number: int, _frame: FrameType | None) -> None:
    # Also in the middle of a replacement: it is one transaction, either done or not.
    raise SystemExit(0)


def _end_process(failure: threading.ExceptHookArgs) -> None:
    LOG.critical("a thread ended", exc_info=failure.exc_value)
    os._exit(errors.ExitCode.BUG)


if __name__ == "__main__":
    main()
