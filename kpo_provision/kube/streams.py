"""Answers that keep coming: watches and logs. Each has a connection of its own, and a deadline."""

from __future__ import annotations

import http.client
import json
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from kpo_provision import errors
from kpo_provision.kube import dial, refusals, transport
from kpo_provision.kube.connection import Connection
from kpo_provision.kube.kinds import Manifest
from kpo_provision.kube.transport import Request

_RESUME_PAUSE_S = 0.5
_LONGEST_LINE_BYTES = 4 << 20


@dataclass(frozen=True, slots=True)
class _Stream:
    channel: socket.socket
    answer: http.client.HTTPResponse

    def lines(self, deadline: float) -> Iterator[bytes]:
        """Yield lines; TimeoutError when the deadline passes first."""
        while (left_s := deadline - time.monotonic()) > 0:
            self.channel.settimeout(left_s)
            line = self.answer.readline(_LONGEST_LINE_BYTES)
            if not line:
                return
            yield line
        raise TimeoutError("the deadline passed")


def watch(connection: Connection, request: Request, *, target: str) -> Iterator[Manifest]:
    """Yield events until the request's time is over; a lost connection is taken up where it broke.

    Raises:
        errors.ApiError: The server refuses, or has forgotten the version to resume from (410).
        errors.ClusterError: The server cannot be reached to begin with.
    """
    deadline = time.monotonic() + request.timeout_s
    query = dict(request.query) | {"watch": "true", "allowWatchBookmarks": "true"}
    was_open = False
    while (left_s := deadline - time.monotonic()) > 0:
        query["timeoutSeconds"] = str(int(left_s) + 1)
        try:
            with _opened(connection, replace(request, query=query), verb="watch", target=target) as stream:
                was_open = True
                for line in stream.lines(deadline):
                    event = _parse_event(line, target=target)
                    query["resourceVersion"] = event["object"]["metadata"]["resourceVersion"]
                    if event["type"] != "BOOKMARK":
                        yield event
        except errors.ApiError:
            raise
        except errors.ClusterError:
            if not was_open:
                raise
        except (OSError, http.client.HTTPException, ValueError):
            # A cut connection, or half a line of JSON before it: resumed until the deadline.
            pass
        time.sleep(max(0.0, min(_RESUME_PAUSE_S, deadline - time.monotonic())))


def follow_log(connection: Connection, request: Request, *, target: str) -> Iterator[str]:
    """Yield log lines without their ends until the container's log ends.

    Raises:
        errors.WaitTimeoutError: The log went on for longer than the request's time.
        errors.ApiError: The server refuses.
        errors.ClusterError: The server cannot be reached, or the connection broke.
    """
    last_seen = "no line"
    try:
        with _opened(connection, request, verb="read", target=target) as stream:
            for line in stream.lines(time.monotonic() + request.timeout_s):
                last_seen = line.decode(errors="replace").rstrip("\r\n")
                yield last_seen
    except TimeoutError as error:
        what = f"the end of the {target}"
        raise errors.WaitTimeoutError(what=what, waited_s=request.timeout_s, last_seen=last_seen) from error
    except (OSError, http.client.HTTPException) as error:
        raise dial.unreachable(connection, error) from error


def _parse_event(line: bytes, *, target: str) -> Manifest:
    event: Manifest = json.loads(line)
    if event["type"] == "ERROR":
        status = event["object"]
        body = json.dumps(status).encode()
        raise refusals.parse_refusal(status.get("code", 500), body, verb="watch", target=target)
    return event


@contextmanager
def _opened(connection: Connection, request: Request, *, verb: str, target: str) -> Iterator[_Stream]:
    try:
        channel = dial.dial(connection)
    except OSError as error:
        raise dial.unreachable(connection, error) from error
    try:
        opened = channel.sock
        opened.settimeout(request.timeout_s)
        path = dial.base_path(connection) + transport.url(request)
        channel.request(request.method, path, headers=transport.headers(connection, request))
        answer = channel.getresponse()
        try:
            if answer.status >= 400:
                raise refusals.parse_refusal(answer.status, answer.read(), verb=verb, target=target)
            yield _Stream(opened, answer)
        finally:
            answer.close()
    finally:
        channel.close()
