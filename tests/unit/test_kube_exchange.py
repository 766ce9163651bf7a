"""What a channel makes of the answers that API servers and front doors give, and of those that nobody should."""

import http.client
import socket
import threading
from contextlib import contextmanager

import pytest

from kpo_provision.kube.connection import Connection
from kpo_provision.kube.exchange import Channel


@contextmanager
def channel_to(*answers):
    """A channel to a server that gives these answers, one a request, then hangs up; and what it was asked."""
    asked = []

    def serve(listener):
        opened, _ = listener.accept()
        with opened:
            for answer in answers:
                asked.append(opened.recv(1 << 16))
                opened.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        channel = Channel(Connection(server=f"http://127.0.0.1:{listener.getsockname()[1]}", context="test"))
        try:
            yield channel, asked
        finally:
            channel.close()
            thread.join()


def ask(channel, body=None):
    return channel.exchange("GET", "/version", {"Accept": "application/json"}, body)


@pytest.mark.parametrize(
    ("answer", "body", "keeps_open"),
    [
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", b"{}", True, id="length"),
        pytest.param(b"HTTP/1.1 200 OK\r\ncontent-LENGTH:2\r\n\r\n{}", b"{}", True, id="length-in-any-case"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\nA;name=value\r\n123456789}\r\n0\r\n\r\n",
            b"{123456789}",
            True,
            id="chunks",
        ),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nDigest: none\r\n\r\n",
            b"{}",
            True,
            id="chunks-with-a-trailer",
        ),
        pytest.param(b"HTTP/1.1 200 OK\r\n\r\n{}", b"{}", False, id="until-it-hangs-up"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}", b"{}", False, id="last-answer"
        ),
        pytest.param(b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}", b"{}", False, id="http-1.0"),
        pytest.param(b"HTTP/1.1 204 No Content\r\n\r\n", b"", True, id="no-content"),
        pytest.param(
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", b"{}", True, id="interim"
        ),
    ],
)
def test_the_body_is_read_to_its_end(answer, body, keeps_open):
    with channel_to(answer) as (channel, _):
        found = ask(channel)
    assert (found.body, found.keeps_open) == (body, keeps_open)


def test_one_request_follows_another_on_one_connection():
    answers = (
        b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200\r\nContent-Length: 1\r\n\r\n1",
    )
    with channel_to(*answers) as (channel, asked):
        first, second = ask(channel), ask(channel, b'{"a":1}')
    assert (first.status, first.headers["retry-after"], second.status) == (429, "1", 200)
    assert asked[0].startswith(b"GET /version HTTP/1.1\r\nHost: 127.0.0.1:")
    assert b"Content-Length" not in asked[0]
    assert asked[1].endswith(b'\r\nContent-Length: 7\r\n\r\n{"a":1}')


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        pytest.param(b"", http.client.RemoteDisconnected, id="nothing"),
        pytest.param(b"SSH-2.0-OpenSSH_9.2\r\n", http.client.BadStatusLine, id="another-protocol"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Le", http.client.IncompleteRead, id="half-a-head"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}", http.client.IncompleteRead, id="half-a-body"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n{}",
            http.client.IncompleteRead,
            id="half-a-chunk",
        ),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: two\r\n\r\n{}", http.client.HTTPException, id="no-number"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n{}", http.client.HTTPException, id="less-than-none"
        ),
        pytest.param(
            b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 101 + b"\r\n", http.client.HTTPException, id="too-many-headers"
        ),
    ],
)
def test_an_answer_that_is_cut_off_or_no_http_is_an_error(answer, error):
    with channel_to(answer) as (channel, _), pytest.raises(error):
        ask(channel)


def test_a_line_break_in_a_header_is_not_sent():
    with channel_to() as (channel, asked), pytest.raises(http.client.InvalidURL):
        channel.exchange("GET", "/version", {"Authorization": "Bearer a\r\nX-Evil: yes"}, None)
    assert asked == []
