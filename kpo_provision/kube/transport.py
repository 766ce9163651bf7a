"""Requests and responses over keep-alive HTTP/1.1 connections.

Eight times cheaper in CPU than the official client, which would need as much of it as the API server. Knows nothing of
kinds. Behind ``Transport``, so that another one can take its place.
"""

from __future__ import annotations

import http.client
import select
import socket
import time
import weakref
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import urlencode

from kpo_provision import __version__, errors
from kpo_provision.kube import dial, retry
from kpo_provision.kube.connection import Connection
from kpo_provision.kube.exchange import Channel

JSON = "application/json"
USER_AGENT = f"kpo-provision/{__version__}"
_RETRIED_FOR_S = 60.0
_REPEATABLE_METHODS = frozenset({"GET", "PATCH", "PUT", "DELETE"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request. ``repeatable`` says of a POST that sending it twice does no harm."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = field(default=None, repr=False)
    content_type: str = JSON
    accept: str = JSON
    timeout_s: float = 60
    repeatable: bool = False

    @property
    def may_be_repeated(self) -> bool:
        """Whether it may be sent again when nobody knows if the server acted on it."""
        return self.repeatable or self.method in _REPEATABLE_METHODS


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """What the server answered, whatever the status."""

    status: int
    body: bytes = field(repr=False)
    retry_after: str | None = None


class Transport(Protocol):
    """Carries requests to one API server as one identity; used from several threads."""

    def send(self, request: Request) -> Response:
        """Send a request, again where that is safe and promising, and return the last answer."""
        ...

    def close(self) -> None:
        """Close idle connections."""
        ...

    def abort(self) -> None:
        """Cut the requests that other threads wait for: they fail, and are not sent again."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _Lost:
    """An attempt without an answer."""

    cause: Exception
    was_sent: bool


class HttpTransport:
    """A ``Transport`` with as many connections as requests run at once, the warmest used first."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._base_path = dial.base_path(connection)
        self._idle: deque[Channel] = deque()
        self._busy: set[Channel] = set()
        self._aborts = 0
        self._budget = retry.RetryBudget()
        self._has_answered = False
        weakref.finalize(self, _close_all, self._idle)

    def close(self) -> None:
        """Close idle connections."""
        _close_all(self._idle)

    def abort(self) -> None:
        """Cut the requests that other threads wait for: they fail, and are not sent again."""
        self._aborts += 1
        for channel in tuple(self._busy):
            try:
                channel.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # its answer came meanwhile

    def send(self, request: Request) -> Response:
        """Send a request; 429, 5xx and lost connections are tried again for a minute.

        Raises:
            errors.ClusterError: The server cannot be reached or trusted, or did not answer.
        """
        self._budget.earn()
        deadline = time.monotonic() + _RETRIED_FOR_S
        attempt, aborts = 0, self._aborts
        while True:
            outcome = self._attempt(request)
            pause_s = self._pause_s(request, outcome, attempt)
            if pause_s is None or time.monotonic() + pause_s > deadline:
                break
            time.sleep(pause_s)
            if self._aborts != aborts:
                break
            attempt += 1
        if isinstance(outcome, _Lost):
            raise self._failure(request, outcome) from outcome.cause
        return outcome

    def _attempt(self, request: Request) -> Response | _Lost:
        try:
            channel = self._take()
        except OSError as error:
            return _Lost(cause=error, was_sent=False)
        self._busy.add(channel)
        try:
            response = self._exchange(channel, request)
        except (OSError, http.client.HTTPException) as error:
            channel.close()
            return _Lost(cause=error, was_sent=True)
        except BaseException:
            channel.close()
            raise
        finally:
            self._busy.discard(channel)
        self._has_answered = True
        return response

    def _exchange(self, channel: Channel, request: Request) -> Response:
        channel.sock.settimeout(request.timeout_s)
        target = self._base_path + url(request)
        answer = channel.exchange(request.method, target, headers(self._connection, request), request.body)
        if answer.keeps_open:
            self._idle.append(channel)
        else:
            channel.close()
        return Response(status=answer.status, body=answer.body, retry_after=answer.headers.get("retry-after"))

    def _take(self) -> Channel:
        while True:
            try:
                channel = self._idle.pop()
            except IndexError:
                return Channel(self._connection)
            if _is_open(channel):
                return channel
            channel.close()

    def _pause_s(self, request: Request, outcome: Response | _Lost, attempt: int) -> float | None:
        """Return the pause before another attempt, or None when this outcome is final."""
        retry_after = None
        if isinstance(outcome, _Lost):
            # A server that never answered is a wrong address or a wrong certificate more often than a busy one.
            hopeful = self._has_answered and (request.may_be_repeated or not outcome.was_sent)
        else:
            retry_after = outcome.retry_after
            refused_unseen = outcome.status == 429
            hopeful = outcome.status in retry.RETRIED_STATUS and (request.may_be_repeated or refused_unseen)
        if not hopeful or (retry_after is None and not self._budget.spend()):
            return None
        return retry.pause_s(attempt, retry_after=retry_after)

    def _failure(self, request: Request, lost: _Lost) -> errors.ClusterError:
        if not self._has_answered:
            return dial.unreachable(self._connection, lost.cause)
        problem = errors.clip(str(lost.cause) or type(lost.cause).__name__)
        state = "it may or may not have been carried out" if lost.was_sent else "it was not sent"
        return errors.ClusterError(
            f"{request.method} {request.path}: the API server {self._connection.server} stopped answering ({problem}); "
            + state,
            hint="run again when the cluster answers; what was done stays done",
        )


def url(request: Request) -> str:
    """Return path and query."""
    return f"{request.path}?{urlencode(request.query)}" if request.query else request.path


def headers(connection: Connection, request: Request) -> dict[str, str]:
    """Return the headers of a request, with the caller's login."""
    found = {"Accept": request.accept, "User-Agent": USER_AGENT}
    if request.body is not None:
        found["Content-Type"] = request.content_type
    login = connection.authorize()
    if login:
        found["Authorization"] = login
    return found


def _is_open(channel: Channel) -> bool:
    """Tell whether the server has hung up on an idle connection: something to read means a goodbye."""
    poll = select.poll()
    poll.register(channel.sock, select.POLLIN)
    return not poll.poll(0)


def _close_all(idle: deque[Channel]) -> None:
    while idle:
        idle.pop().close()
