"""Answers the gate: one connection for each pod that is about to start, one line of JSON each way.

It begins to listen only when the first rules are in force, so that nobody is let through by an agent that has just been
started and knows nothing yet.
"""

from __future__ import annotations

import ipaddress
import json
import socket
import threading
from pathlib import Path

from kpo_provision import errors
from kpo_provision.local.netpol.announcements import Announcement, Announcements

_LINE_BYTES = 4096
_ASK_S = 5.0
_MOST_PATIENCE_S = 60.0
_BACKLOG = 256


class Gatekeeper:
    """Takes announcements at a socket, and answers each when its rules are in force."""

    def __init__(self, place: Path, announcements: Announcements) -> None:
        self._place = place
        self._announcements = announcements

    def run(self) -> None:
        """Serve for ever; meant for a daemon thread."""
        self._announcements.wait_for_first_rules()
        self._place.unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(self._place))
            self._place.chmod(0o600)
            listener.listen(_BACKLOG)
            while True:
                connection, _ = listener.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            connection.settimeout(_ASK_S)
            try:
                with connection.makefile("rb") as stream:
                    line = stream.readline(_LINE_BYTES)
                if line:
                    connection.sendall(json.dumps({"problem": self._judge(line)}).encode() + b"\n")
            except OSError:
                return  # whoever asked did not wait for the answer

    def _judge(self, line: bytes) -> str:
        try:
            announcement, patience_s = parse_question(line)
        except (ValueError, KeyError, TypeError) as e:
            return f"the network policy agent does not understand the question: {errors.clip(repr(e))}"
        self._announcements.hold(announcement)
        return self._announcements.wait_for_rules(announcement, timeout_s=min(patience_s, _MOST_PATIENCE_S))


def parse_question(line: bytes) -> tuple[Announcement, float]:
    """Read what the gate sends: the announcement, and how long it can wait."""
    document = json.loads(line)
    announcement = Announcement(
        namespace=str(document["namespace"]),
        name=str(document["name"]),
        uid=str(document["uid"]),
        address=ipaddress.IPv4Address(document["address"]),
    )
    return announcement, float(document["patience_s"])
