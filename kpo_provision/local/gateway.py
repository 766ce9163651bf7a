"""Carries connections from the machine's 127.0.0.1 into the cluster's network namespace.

The sockets it accepts on were opened outside and inherited; those it connects are made inside. Bytes go from one
to the other through a pipe with splice(2), without passing through this process.
"""

from __future__ import annotations

import os
import resource
import socket
import sys
import threading
import time
from collections.abc import Sequence

from kpo_provision.local.daemons import FIRST_DESCRIPTOR

_CHUNK_BYTES = 1 << 18
_STACK_BYTES = 256 << 10
_PAUSE_S = 0.1
_BACKLOG = 1024


def main(targets: Sequence[str]) -> None:
    """Serve each inherited socket for its target, given as ``HOST:PORT``."""
    threading.stack_size(_STACK_BYTES)
    # A connection takes six descriptors; the usual limit of 1024 is far below what is allowed.
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    threads = []
    for descriptor, target in enumerate(targets, start=FIRST_DESCRIPTOR):
        host, _, port = target.rpartition(":")
        listener = socket.socket(fileno=descriptor)
        listener.listen(_BACKLOG)
        threads.append(threading.Thread(target=_serve, args=(listener, (host, int(port)))))
    for thread in threads:
        thread.start()


def _serve(listener: socket.socket, target: tuple[str, int]) -> None:
    while True:
        try:
            outside, _ = listener.accept()
        except OSError:
            # Out of descriptors, or the client went away again. Those who wait stay in the queue.
            time.sleep(_PAUSE_S)
            continue
        threading.Thread(target=_carry, args=(outside, target), daemon=True).start()


def _carry(outside: socket.socket, target: tuple[str, int]) -> None:
    with outside:
        try:
            inside = socket.create_connection(target)
        except OSError:
            return  # nobody listens there (yet): the client sees its connection closed
        with inside:
            for end in (inside, outside):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            back = threading.Thread(target=_pump, args=(inside, outside), daemon=True)
            back.start()
            _pump(outside, inside)
            back.join()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    """Move bytes until ``source`` ends, then tell ``sink`` that no more will come."""
    outlet, inlet = os.pipe()
    try:
        while moved := os.splice(source.fileno(), inlet, _CHUNK_BYTES):
            while moved:
                moved -= os.splice(outlet, sink.fileno(), moved)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        _abort(source, sink)
    finally:
        os.close(outlet)
        os.close(inlet)


def _abort(*ends: socket.socket) -> None:
    # One direction broke: end the other as well, which may be waiting for bytes that will never come.
    for end in ends:
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            continue


if __name__ == "__main__":
    main(sys.argv[1:])
