"""Whether a cluster that is there already is the one that is asked for: real or simulated, and started how.

A home holds one kind of cluster until it is purged: nodes that ran something and nodes that only say so must never be
found in the same list.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

from kpo_provision import errors
from kpo_provision.local import control, machine
from kpo_provision.local.options import API_PORT_VARIABLE, REGISTRY_PORT_VARIABLE, Layout, LocalOptions
from kpo_provision.progress import Progress


def choose_simulated(options: LocalOptions) -> bool:
    """Decide whether to bring up a simulated cluster.

    Raises:
        errors.LocalClusterError: It would be a real one without root, or not what the home holds.
    """
    wanted = options.simulated if options.simulated is not None else _runs_simulated(options)
    if not wanted:
        machine.check_root()
    recorded = read_simulated(options.layout)
    if recorded is not None and recorded != wanted:
        held, other = ("simulated", "without --simulated") if recorded else ("real", "with --simulated")
        again = "kpo-provision local up --simulated" if recorded else "kpo-provision local up"
        raise errors.LocalClusterError(
            f"{options.home} holds a {held} cluster, which cannot be started {other}",
            hint=f"`{again}` starts it, `kpo-provision local down --purge` forgets it; KPO_PROVISION_HOME names "
            "another home",
        )
    return wanted


def read_simulated(layout: Layout) -> bool | None:
    """Read whether the cluster of this home is simulated; None when it never had one."""
    try:
        settings = json.loads(layout.settings.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except PermissionError as e:
        raise errors.LocalClusterError(f"{layout.root} belongs to another user", hint="run it again with sudo") from e
    return bool(settings.get("simulated", False))


def reuse_running(options: LocalOptions, settings: Mapping[str, Any], progress: Progress) -> bool:
    """Mend the cluster that runs and return True, if one does and was started with ``settings``."""
    state = control.ask_supervisor(options.layout.control, control.STATUS)
    if state is None:
        return False
    _refuse_other_ports(options, state.settings)
    if state.settings != settings:
        return False
    if state.ended:
        names = ", ".join(f"{daemon.name} ({daemon.detail})" for daemon in state.ended)
        with progress.step(f"Start again what ended: {names}"):
            control.ask_supervisor(options.layout.control, control.REVIVE)
    return True


def _runs_simulated(options: LocalOptions) -> bool:
    if not os.access(options.home, os.R_OK | os.X_OK):
        return False  # there is none yet, or it is not this user's to use
    state = control.ask_supervisor(options.layout.control, control.STATUS)
    return state is not None and state.is_simulated


def _refuse_other_ports(options: LocalOptions, running: Mapping[str, Any]) -> None:
    ports = {
        API_PORT_VARIABLE: (options.api_port, running["api_port"]),
        REGISTRY_PORT_VARIABLE: (options.registry_port, running.get("registry_port", options.registry_port)),
    }
    for variable, (wanted, found) in ports.items():
        if wanted != found:
            raise errors.LocalClusterError(
                f"the local cluster in {options.home} runs already, at port {found} and not {wanted}",
                hint=f"set {variable}={found}, or run kpo-provision local down first",
            )
