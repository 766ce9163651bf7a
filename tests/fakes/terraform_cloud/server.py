"""The simulator's front: HTTP, the token, uploads and downloads, and answers of 429 on demand."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from tests.fakes.terraform_cloud import routes
from tests.fakes.terraform_cloud.laptop import log_in
from tests.fakes.terraform_cloud.world import TOKEN, RefusedError, World

_API = "/api/v2"
_TYPE = "application/vnd.api+json"


class Simulator:
    """Use as a context manager. ``calls`` is every request as (method, path); ``busy`` how many get 429 next.

    ``providers`` are settings of Terraform that say where runs find providers.
    """

    def __init__(self, *, providers=None):
        self.calls = []
        self.busy = 0
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._server.simulator = self
        self.world = World(lambda folder: log_in(folder, self.url, providers=providers))
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self.world.close()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def url(self):
        return f"http://127.0.0.1:{self._server.server_port}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def do_GET(self):
        simulator = self.server.simulator
        address = urlsplit(self.path)
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        simulator.calls.append((self.command, address.path))
        if raw:
            simulator.world.received.append(raw)
        try:
            if address.path.startswith("/blobs/"):
                self._serve_blob(simulator, address, raw)
            else:
                self._serve_api(simulator, address, raw)
        except RefusedError as refused:
            error = {"status": str(refused.code), "title": refused.detail, "detail": refused.detail}
            self._answer(refused.code, {"errors": [error]})

    do_POST = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815

    def _serve_api(self, simulator, address, raw):
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            raise RefusedError(401, "unauthorized")
        if simulator.busy and not address.path.endswith("/ping"):
            simulator.busy -= 1
            raise RefusedError(429, "too many requests")
        body = json.loads(raw) if raw else {}
        self._answer(*routes.answer(simulator, self.command, address.path.removeprefix(_API), body))

    def _serve_blob(self, simulator, address, raw):
        """Take or give what has an address of its own, which is all that protects it."""
        _, _, key, name = address.path.split("/")
        world = simulator.world
        if name == "slug":
            world.uploads[key].content = raw
            self._send(200, b"")
        elif name in ("plan", "apply"):
            asked = parse_qs(address.query)
            start = int(asked["offset"][0])
            log = bytes(getattr(world.runs[key], name).log)
            self._send(200, log[start : start + int(asked["limit"][0])])
        elif self.command == "PUT":
            setattr(world.states[key], "content" if name == "state" else "document", raw)
            self._send(200, b"")
        else:
            self._send(200, world.states[key].content)

    def _answer(self, status, document):
        self._send(status, b"" if document is None else json.dumps(document).encode())

    def _send(self, status, data):
        self.send_response(status)
        for name, value in (("TFP-API-Version", "2.6"), ("TFP-AppName", "HCP Terraform"), ("Content-Type", _TYPE)):
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if status != 204:
            self.wfile.write(data)
