"""How commands outside talk to the supervisor: one line of JSON to its socket, one line back."""

from __future__ import annotations

import json
import os
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kpo_provision import errors

STATUS = "status"
SYNC = "sync"
"""Read the nodes on disk again: start those that are new, stop those that are gone."""
REVIVE = "revive"
"""Start the daemons that ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DaemonState:
    """What the supervisor knows of one daemon."""

    name: str
    state: str
    """``waiting`` for others, ``starting``, ``ready``, ``done`` (a task) or ``ended`` (which it should not have)."""
    pid: int = 0
    """As the cluster's own processes see it."""
    detail: str = ""
    started_at: float = 0
    """Seconds since 1970, to compare with what Kubernetes writes down."""
    ready_after_s: float = 0
    """How long after the supervisor it was ready."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SupervisorState:
    """The supervisor's answer to every request."""

    daemons: tuple[DaemonState, ...]
    settings: dict[str, Any]

    @property
    def ended(self) -> tuple[DaemonState, ...]:
        """Daemons that ended though they should not have."""
        return tuple(daemon for daemon in self.daemons if daemon.state == "ended")

    @property
    def is_simulated(self) -> bool:
        """Whether its nodes are simulated."""
        return bool(self.settings.get("simulated", False))

    @property
    def is_settled(self) -> bool:
        """Whether nothing is on its way any more."""
        return all(daemon.state not in ("waiting", "starting") for daemon in self.daemons)


def ask_supervisor(path: Path, request: str, *, timeout_s: float = 30) -> SupervisorState | None:
    """Send ``request`` and return the answer, or None when no supervisor listens at ``path``."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(timeout_s)
        try:
            _connect(connection, path)
            connection.sendall(f"{request}\n".encode())
            with connection.makefile("rb") as stream:
                line = stream.readline()
        except (FileNotFoundError, ConnectionError):
            return None
        except PermissionError as e:
            raise errors.LocalClusterError(f"{path.parent} belongs to root", hint="run it again with sudo") from e
        except TimeoutError as e:
            raise errors.LocalClusterError(
                f"the local cluster's supervisor did not answer {request} within {timeout_s:.0f} s",
                hint="kpo-provision local down ends it in any case; then start it again",
            ) from e
    return parse_state(line) if line else None


def parse_state(line: bytes) -> SupervisorState:
    """Read the supervisor's answer; one that says that it could not do as asked becomes an error."""
    answer = json.loads(line)
    if problem := answer.get("problem"):
        raise errors.LocalClusterError(
            f"the local cluster could not change: {errors.clip(problem)}",
            hint="kpo-provision local status shows what runs",
        )
    return SupervisorState(
        daemons=tuple(DaemonState(**daemon) for daemon in answer["daemons"]), settings=answer["settings"]
    )


def _connect(connection: socket.socket, path: Path) -> None:
    # A socket's address holds 107 bytes; a home may be longer, and a descriptor of its folder is not.
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        connection.connect(f"/proc/self/fd/{folder}/{path.name}")
    finally:
        os.close(folder)
