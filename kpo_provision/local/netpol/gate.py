"""``kpo-gate``: a CNI plugin that lets a pod start only once its network policies are in force.

It is chained behind the plugin that gives the pod its address. It tells the policy agent that address, and waits for
the agent's word that the kernel has the rules for it. Nothing of the pod runs before; without that word the pod does
not start, and its kubelet tries again. Taking a pod away asks nobody.

It is run by its path, in an interpreter without site-packages, once for each pod: it must not import this package, nor
anything that is slow to import.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import time

NAME = "kpo-gate"
VERSIONS = ("1.0.0", "1.1.0")
_AGENT_SHARE = 0.9
"""How much of the time that is left the agent may take: its reason for saying no must arrive in time."""
_PAUSE_S = 0.05
_PATIENCE_S = 5.0

# Error codes of the CNI specification.
INVALID_ENVIRONMENT, INVALID_CONFIGURATION, TRY_AGAIN_LATER, NOT_AVAILABLE = 4, 7, 11, 50


class CniError(Exception):
    """What the runtime is told, and puts into an event of the pod."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


def main() -> int:
    """Do what the runtime asks for in ``CNI_COMMAND``."""
    status = 0
    try:
        result = _obey(os.environ.get("CNI_COMMAND", ""))
    except CniError as e:
        result, status = {"cniVersion": VERSIONS[0], "code": e.code, "msg": str(e)}, 1
    if result is not None:
        json.dump(result, sys.stdout)
    return status


def _obey(command: str) -> dict[str, object] | None:
    match command:
        case "ADD":
            return _let_in()
        case "CHECK":
            _let_in()
        case "STATUS":
            _check_agent()
        case "VERSION":
            return {"cniVersion": VERSIONS[0], "supportedVersions": VERSIONS}
        case "DEL" | "GC":
            pass
        case _:
            raise CniError(INVALID_ENVIRONMENT, f"CNI_COMMAND {command!r} is not known")
    return None


def _let_in() -> dict[str, object]:
    """Wait until the pod's rules are in force; give the result of the plugin before as it is."""
    try:
        configuration = json.load(sys.stdin)
        place, timeout_s = str(configuration["socket"]), float(configuration["timeoutSeconds"])
        previous: dict[str, object] = configuration["prevResult"]
        addresses = [entry["address"].partition("/")[0] for entry in configuration["prevResult"]["ips"]]
    except (ValueError, KeyError, TypeError) as e:
        raise CniError(INVALID_CONFIGURATION, f"the configuration cannot be used: {e!r}") from e
    numbers = [address for address in addresses if ":" not in address]
    if not numbers:
        raise CniError(INVALID_CONFIGURATION, "the plugin before this one gave the pod no IPv4 address")
    _wait_for_rules(place, {**_read_pod(), "address": numbers[0]}, timeout_s)
    return previous


def _check_agent() -> None:
    try:
        _connect(json.load(sys.stdin)["socket"], _PATIENCE_S).close()
    except (OSError, ValueError, KeyError, TypeError) as e:
        raise CniError(NOT_AVAILABLE, f"the network policy agent cannot be reached: {e!r}") from e


def _read_pod() -> dict[str, str]:
    arguments = dict(part.partition("=")[::2] for part in os.environ.get("CNI_ARGS", "").split(";"))
    try:
        return {
            "namespace": arguments["K8S_POD_NAMESPACE"],
            "name": arguments["K8S_POD_NAME"],
            "uid": arguments.get("K8S_POD_UID", ""),
        }
    except KeyError as e:
        raise CniError(INVALID_ENVIRONMENT, f"CNI_ARGS does not say {e.args[0]}") from e


def _wait_for_rules(place: str, announcement: dict[str, str], timeout_s: float) -> None:
    """Ask until the agent has answered; one that is away may be back in a moment."""
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            problem = _ask(place, announcement, max(deadline - time.monotonic(), _PAUSE_S))
        except OSError as e:
            if time.monotonic() + _PAUSE_S < deadline:
                time.sleep(_PAUSE_S)
                continue
            problem = f"the network policy agent did not answer at {place}: {e}"
        if problem:
            raise CniError(
                TRY_AGAIN_LATER,
                f"network policies of pod {announcement['namespace']}/{announcement['name']} are not in force after"
                f" {timeout_s:.0f} s: {problem}",
            )
        return


def _ask(place: str, announcement: dict[str, str], left_s: float) -> str:
    """Announce the pod's address; give what is in the way of its rules, or nothing when they are in force."""
    question = {**announcement, "patience_s": _AGENT_SHARE * left_s}
    with _connect(place, left_s) as connection:
        connection.sendall(json.dumps(question).encode() + b"\n")
        with connection.makefile("rb") as stream:
            line = stream.readline()
    if not line:
        raise ConnectionResetError("it ended without an answer")
    return str(json.loads(line)["problem"])


def _connect(place: str, timeout_s: float) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(timeout_s)
    try:
        connection.connect(place)
    except OSError:
        connection.close()
        raise
    return connection


if __name__ == "__main__":
    sys.exit(main())
