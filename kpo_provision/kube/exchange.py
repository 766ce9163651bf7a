"""One HTTP/1.1 exchange after another over one connection: a request in one write, its answer read to the end.

``http.client`` writes head and body apart and reads headers as those of an e-mail, which costs the client as much CPU
as all the rest of a request. Only what an API server and the front doors before it send is understood here.
"""

from __future__ import annotations

import http.client
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from io import BufferedReader
from urllib.parse import urlsplit

from kpo_provision.kube import dial
from kpo_provision.kube.connection import Connection

_LONGEST_LINE_BYTES = 1 << 16
_MOST_HEADERS = 100
_WITHOUT_BODY = frozenset({204, 304})


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A whole answer; the names of its headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    keeps_open: bool
    """Whether another request may follow on the connection."""


class Channel:
    """An open connection to an API server."""

    def __init__(self, connection: Connection) -> None:
        """Connect.

        Raises:
            OSError: It did not work; ``dial.unreachable`` puts it into words.
        """
        self.sock: socket.socket = dial.dial(connection).sock
        self._reader: BufferedReader = self.sock.makefile("rb")
        self._host = urlsplit(connection.server).netloc.rpartition("@")[2]

    def close(self) -> None:
        """Close it; a second time does nothing."""
        self._reader.close()
        self.sock.close()

    def exchange(self, method: str, target: str, headers: Mapping[str, str], body: bytes | None) -> Answer:
        """Send a request and read its answer.

        Raises:
            OSError: The connection broke, or nothing came in time.
            http.client.HTTPException: The answer is cut off, or is no HTTP; or the request cannot be written as one.
        """
        lines = [f"{method} {target} HTTP/1.1", f"Host: {self._host}", "Accept-Encoding: identity"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        if body is not None:
            lines.append(f"Content-Length: {len(body)}")
        if any("\r" in line or "\n" in line for line in lines):
            raise http.client.InvalidURL("a line break in a header or in the address of a request")
        head = "\r\n".join((*lines, "\r\n")).encode("latin-1")
        self.sock.sendall(head + body if body else head)
        return self._read_answer()

    def _read_answer(self) -> Answer:
        version, status = self._read_status()
        headers = self._read_headers()
        while 100 <= status < 200:
            version, status = self._read_status()
            headers = self._read_headers()
        has_end = True
        if status in _WITHOUT_BODY:
            body = b""
        elif headers.get("transfer-encoding", "").lower() == "chunked":
            body = self._read_chunks()
        elif "content-length" in headers:
            body = self._read_exactly(_parse_size(headers["content-length"], base=10))
        else:
            body, has_end = self._reader.read(), False
        wishes = headers.get("connection", "").lower()
        keeps_open = has_end and "close" not in wishes and (version != b"HTTP/1.0" or "keep-alive" in wishes)
        return Answer(status=status, headers=headers, body=body, keeps_open=keeps_open)

    def _read_status(self) -> tuple[bytes, int]:
        line = self._reader.readline(_LONGEST_LINE_BYTES)
        if not line:
            raise http.client.RemoteDisconnected("the server closed the connection without an answer")
        version, _, rest = line.rstrip().partition(b" ")
        code = rest[:3]
        if not version.startswith(b"HTTP/1.") or not code.isdigit():
            raise http.client.BadStatusLine(line.decode("latin-1"))
        return version, int(code)

    def _read_headers(self) -> dict[str, str]:
        headers: dict[str, str] = {}
        for _ in range(_MOST_HEADERS):
            line = self._read_line()
            if not line:
                return headers
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        raise http.client.HTTPException(f"the answer has more than {_MOST_HEADERS} headers")

    def _read_chunks(self) -> bytes:
        chunks: list[bytes] = []
        while size := _parse_size(self._read_line().partition(";")[0], base=16):
            chunks.append(self._read_exactly(size))
            self._read_line()
        self._read_headers()  # trailers, which say nothing that is wanted
        return b"".join(chunks)

    def _read_line(self) -> str:
        line = self._reader.readline(_LONGEST_LINE_BYTES)
        if not line.endswith(b"\n"):
            raise http.client.IncompleteRead(line)
        return line.rstrip(b"\r\n").decode("latin-1")

    def _read_exactly(self, size: int) -> bytes:
        content = self._reader.read(size)
        if len(content) < size:
            raise http.client.IncompleteRead(content, size - len(content))
        return content


def _parse_size(text: str, *, base: int) -> int:
    try:
        size = int(text, base)
    except ValueError:
        size = -1
    if size < 0:
        raise http.client.HTTPException(f"{text[:20]!r} is no size")
    return size
