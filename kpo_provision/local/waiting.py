"""Waits for the local cluster to come up, and stops waiting as soon as it cannot any more."""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable, Collection
from typing import Any

from kpo_provision import errors
from kpo_provision.local import control, launch
from kpo_provision.local.api_client import ApiClient
from kpo_provision.local.bootstrap import DNS_READY_PATH
from kpo_provision.local.options import Layout, LocalOptions

_INTERVAL_S = 0.1
_TIMEOUT_S = 90


def wait_for_daemons(
    options: LocalOptions, names: Collection[str], *, say: Callable[[str], None]
) -> control.SupervisorState:
    """Wait until the daemons in ``names`` are ready; all of them when it is empty."""
    layout = options.layout
    deadline = time.monotonic() + _TIMEOUT_S
    seen = "nothing of the supervisor yet"
    while time.monotonic() < deadline:
        state = control.ask_supervisor(layout.control, control.STATUS)
        if state is not None:
            _refuse_ended(layout, state)
            pending = [
                f"{daemon.name} is {daemon.state}"
                for daemon in state.daemons
                if daemon.state not in ("ready", "done") and (not names or daemon.name in names)
            ]
            if not pending:
                return state
            seen = ", ".join(pending)
            say(seen)
        elif not launch.list_processes(options):
            raise _lost_supervisor(layout)
        time.sleep(_INTERVAL_S)
    raise errors.WaitTimeoutError(
        what="the local cluster's daemons",
        waited_s=_TIMEOUT_S,
        last_seen=seen,
        hint=f"their logs are in {layout.logs}",
    )


def wait_for_nodes(layout: Layout, api: ApiClient, names: Collection[str], *, say: Callable[[str], None]) -> None:
    """Wait until each node in ``names`` says it is Ready, and says so since its kubelet was started."""
    deadline = time.monotonic() + _TIMEOUT_S
    while True:
        state = control.ask_supervisor(layout.control, control.STATUS)
        if state is None:
            raise _lost_supervisor(layout)
        _refuse_ended(layout, state)
        started_at = {daemon.name: daemon.started_at for daemon in state.daemons}
        nodes = {node["metadata"]["name"]: node for node in api.read("/api/v1/nodes")["items"]}
        problems = [
            f"{name}: {problem}"
            for name in sorted(names)
            if (problem := describe_unready(nodes.get(name), since=started_at.get(f"kubelet-{name}", 0)))
        ]
        if not problems:
            return
        if time.monotonic() > deadline:
            raise errors.WaitTimeoutError(
                what="the local cluster's nodes",
                waited_s=_TIMEOUT_S,
                last_seen="; ".join(problems),
                hint=f"see kubelet-*.log and containerd-*.log in {layout.logs}; local down and up register them again",
            )
        say("; ".join(problems))
        time.sleep(_INTERVAL_S)


def wait_for_dns(layout: Layout, api: ApiClient) -> None:
    """Wait until CoreDNS answers behind its service."""
    deadline = time.monotonic() + _TIMEOUT_S
    while True:
        try:
            api.read(DNS_READY_PATH)
        except errors.ApiError as e:
            if time.monotonic() > deadline:
                raise errors.WaitTimeoutError(
                    what="cluster DNS",
                    waited_s=_TIMEOUT_S,
                    last_seen=str(e),
                    hint=f"kubectl --kubeconfig {layout.kubeconfig} -n kube-system describe pod -l k8s-app=kube-dns",
                ) from e
        else:
            return
        time.sleep(_INTERVAL_S)


def describe_unready(node: dict[str, Any] | None, *, since: float) -> str:
    """Say why ``node`` does not count as Ready, or nothing; before ``since`` another kubelet spoke for it."""
    if node is None:
        return "not registered"
    for condition in node.get("status", {}).get("conditions", ()):
        if condition["type"] == "Ready":
            heartbeat = datetime.datetime.fromisoformat(condition["lastHeartbeatTime"]).timestamp()
            # Kubernetes writes whole seconds.
            if heartbeat < int(since):
                return "no heartbeat yet"
            return "" if condition["status"] == "True" else str(condition.get("message", "not ready"))
    return "no status yet"


def _refuse_ended(layout: Layout, state: control.SupervisorState) -> None:
    for daemon in state.ended:
        raise errors.LocalClusterError(
            f"{daemon.name} of the local cluster is not running: {daemon.detail}{_read_tail(layout, daemon.name)}",
            hint=f"see {layout.logs / daemon.name}.log; the same kpo-provision local up starts it again",
        )


def _lost_supervisor(layout: Layout) -> errors.LocalClusterError:
    return errors.LocalClusterError(
        f"the local cluster's supervisor ended{_read_tail(layout, 'supervisor')}",
        hint=f"see {layout.logs / 'supervisor.log'}; the same kpo-provision local up starts it again",
    )


def _read_tail(layout: Layout, name: str) -> str:
    try:
        lines = (layout.logs / f"{name}.log").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    return f"; its log ends: {errors.clip(lines[-1])}" if lines else ""
