"""Runs a command in a container over a web socket, in the way that KubernetesPodOperator does.

The official client's stream module is not used: it turns every refusal into an exception without the server's words.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from kpo_provision import errors
from kpo_provision.kube import dial, refusals, transport
from kpo_provision.kube.connection import Connection
from kpo_provision.kube.transport import Request

if TYPE_CHECKING:
    import websocket

_SUBPROTOCOLS = ["v5.channel.k8s.io", "v4.channel.k8s.io"]
_STDOUT, _STDERR, _STATUS = 1, 2, 3


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecResult:
    """What a command printed, and how it ended."""

    stdout: str
    stderr: str
    exit_code: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecCall:
    """What to run and where."""

    path: str
    container: str
    command: tuple[str, ...]
    timeout_s: float

    @property
    def url(self) -> str:
        """Path and query; ``command`` comes once a word."""
        words = [("container", self.container), ("stdout", "true"), ("stderr", "true")]
        return f"{self.path}?{urlencode(words + [('command', word) for word in self.command])}"


@dataclass(slots=True)
class _Output:
    stdout: bytearray = field(default_factory=bytearray)
    stderr: bytearray = field(default_factory=bytearray)
    status: bytearray = field(default_factory=bytearray)

    def take(self, frame: bytes) -> None:
        channels = {_STDOUT: self.stdout, _STDERR: self.stderr, _STATUS: self.status}
        if frame and frame[0] in channels:
            channels[frame[0]].extend(frame[1:])


def run(connection: Connection, call: ExecCall, *, target: str) -> ExecResult:
    """Run the command to its end.

    Raises:
        errors.WaitTimeoutError: It had not ended after ``call.timeout_s``.
        errors.ApiError: The server refuses, or the runtime could not start the command.
        errors.ClusterError: The server cannot be reached, or the connection broke.
    """
    import websocket

    deadline = time.monotonic() + call.timeout_s
    output = _Output()
    try:
        with _opened(connection, call, target=target) as socket:
            while not output.status:
                socket.settimeout(max(0.001, deadline - time.monotonic()))
                opcode, frame = socket.recv_data()
                if opcode == websocket.ABNF.OPCODE_CLOSE:
                    break
                output.take(frame)
    except (websocket.WebSocketTimeoutException, TimeoutError) as error:
        seen = bytes(output.stdout or output.stderr).decode(errors="replace") or "no output"
        what = f"{call.command[0]} in {target}"
        raise errors.WaitTimeoutError(what=what, waited_s=call.timeout_s, last_seen=seen) from error
    except (websocket.WebSocketException, OSError) as error:
        raise dial.unreachable(connection, error) from error
    return ExecResult(
        stdout=output.stdout.decode(errors="replace"),
        stderr=output.stderr.decode(errors="replace"),
        exit_code=_exit_code(bytes(output.status), target=target),
    )


@contextmanager
def _opened(connection: Connection, call: ExecCall, *, target: str) -> Iterator[websocket.WebSocket]:
    import websocket

    address = urlsplit(connection.server)
    scheme = "wss" if address.scheme == "https" else "ws"
    login = transport.headers(connection, Request(method="GET", path=call.path, accept="*/*"))
    channel = dial.dial(connection)
    try:
        yield websocket.create_connection(
            f"{scheme}://{address.netloc}{dial.base_path(connection)}{call.url}",
            timeout=call.timeout_s,
            socket=channel.sock,
            header=[f"{name}: {value}" for name, value in login.items()],
            subprotocols=_SUBPROTOCOLS,
            suppress_origin=True,
            redirect_limit=0,
        )
    except websocket.WebSocketBadStatusException as error:
        body = error.resp_body or b""
        raise refusals.parse_refusal(error.status_code, body, verb="exec in", target=target) from error
    finally:
        channel.close()


def _exit_code(status: bytes, *, target: str) -> int:
    answer: dict[str, Any] = json.loads(status) if status else {}
    if answer.get("status") == "Success":
        return 0
    for cause in (answer.get("details") or {}).get("causes") or ():
        if cause.get("reason") == "ExitCode":
            return int(cause["message"])
    if not answer:
        raise errors.ClusterError(f"exec in {target}: the connection closed before the command's result came")
    raise refusals.parse_refusal(answer.get("code", 500), status, verb="exec in", target=target)
