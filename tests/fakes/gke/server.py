"""The simulator's front: HTTP, logins, faults, and a door for tests at ``/_simulator``."""

import contextlib
import json
import socket
import threading
from dataclasses import asdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from tests.fakes.gke import answers, routes
from tests.fakes.gke.faults import CutError, Fault, Faults, strike_after, strike_before
from tests.fakes.gke.login import Login
from tests.fakes.gke.world import World

_TICK_S = 0.05


class Simulator:
    """Use as a context manager. ``calls`` is every request to the API as (method, path)."""

    def __init__(self, world=None, *, port=0, plane=None):
        self.world = world or World()
        self.plane = plane
        self.faults = Faults()
        self.login = Login(plane)
        self.calls = []
        self._server = _Server(("127.0.0.1", port), self)
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}),
            threading.Thread(target=self._tick),
        ]
        if plane:
            self.world.endpoint, self.world.authority = plane.endpoint, plane.authority
            self.world.has_nodes = plane.is_settled

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stopping.set()
        self._server.shutdown()
        for thread in self._threads:
            thread.join()
        self._server.server_close()

    @property
    def url(self):
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def mutations(self):
        return [call for call in self.calls if call[0] != "GET"]

    def _tick(self):
        while not self._stopping.wait(_TICK_S):
            if self.plane:
                self.plane.follow(self.world)
            self.world.settle()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address, simulator):
        self.simulator = simulator
        super().__init__(address, _Handler)


class _Handler(BaseHTTPRequestHandler):
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def do_GET(self):
        simulator, path = self.server.simulator, urlsplit(self.path).path
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if path == "/_simulator/token":
            self._answer(200, simulator.login.exchange())
            return
        body = json.loads(raw) if raw else {}
        if path.startswith("/_simulator/"):
            self._answer(200, _control(simulator, self.command, path.removeprefix("/_simulator/"), body))
            return
        simulator.calls.append((self.command, path))
        self._serve(simulator, path, body)

    do_POST = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815

    def _serve(self, simulator, path, body):
        fault = simulator.faults.take(self.command, path)
        try:
            strike_before(fault)
            simulator.login.require(self.headers.get("Authorization", ""))
            answer = routes.answer(simulator.world, self.command, path, body)
            strike_after(fault)
        except answers.RefusedError as refused:
            self._answer(refused.code, refused.body, retry_after=fault.retry_after if fault else None)
        except CutError:
            self.close_connection = True
            with contextlib.suppress(OSError):
                self.connection.shutdown(socket.SHUT_RDWR)
        else:
            self._answer(200, answer)

    def _answer(self, status, document, *, retry_after=None):
        data = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=UTF-8")
        self.send_header("Content-Length", str(len(data)))
        if retry_after:
            self.send_header("Retry-After", retry_after)
        self.end_headers()
        self.wfile.write(data)


def _control(simulator, method, name, body):
    """Serve the tests' door: ``faults`` (GET, POST, DELETE), ``failures`` (POST: how operations end), ``calls``."""
    if name == "faults" and method == "POST":
        simulator.faults.pending.append(Fault(**body))
    elif name == "faults" and method == "DELETE":
        simulator.faults.pending.clear()
    elif name == "failures" and method == "POST":
        simulator.world.failures.append({"type": None, "code": 13, "message": "fault of the test"} | body)
    elif name == "disabled" and method == "POST":
        simulator.world.disabled = set(body["projects"])
    return {
        "faults": [asdict(fault) for fault in simulator.faults.pending],
        "failures": simulator.world.failures,
        "calls": simulator.calls,
    }
