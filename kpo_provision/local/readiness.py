"""Asks, without waiting long, whether a daemon serves."""

from __future__ import annotations

import http.client
import socket
import ssl
import urllib.parse
from pathlib import Path

_TIMEOUT_S = 2


def is_ready(probe: str, *, authority: Path) -> bool:
    """Try what ``probe`` names: ``tcp:HOST:PORT``, ``unix:PATH`` or an ``https://`` URL."""
    kind, _, place = probe.partition(":")
    try:
        if kind == "https":
            return _answers(probe, authority)
        if kind == "unix":
            with socket.socket(socket.AF_UNIX) as connection:
                connection.connect(place)
        else:
            host, _, port = place.rpartition(":")
            socket.create_connection((host, int(port)), timeout=_TIMEOUT_S).close()
    except (OSError, http.client.HTTPException):
        return False
    return True


def _answers(url: str, authority: Path) -> bool:
    parts = urllib.parse.urlsplit(url)
    connection = http.client.HTTPSConnection(
        parts.netloc, timeout=_TIMEOUT_S, context=ssl.create_default_context(cafile=str(authority))
    )
    try:
        connection.request("GET", parts.path)
        return connection.getresponse().status == 200
    finally:
        connection.close()
