"""A small Kubernetes API server in this process: storage, server-side apply, labels, watches, quotas and faults.

It runs the contract suite that the real one runs. No admission, no RBAC, no schema.
"""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from collections import deque
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from kpo_provision.kube.connection import Connection
from kpo_provision.kube.kinds import KINDS, Kind
from tests.fakes.object_store import ObjectStore, Refused, matches

_BY_PLURAL = {(kind.api_version, kind.plural): kind for kind in KINDS.values()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What happens to a request in place of an answer; status 0 resets the connection."""

    status: int
    retry_after: str | None = None
    after_handling: bool = False


class FakeApiServer:
    """Use as a context manager. ``calls`` is every request as (method, path)."""

    def __init__(self, *, token=None, quota_controller=True, slow_deletion=False):
        self.token = token
        self.calls = []
        self.faults = deque()
        self.refusals = {}
        self.logs = {}
        self.version = ("1", "37", "v1.37.2")
        self.store = ObjectStore(quota_controller=quota_controller, slow_deletion=slow_deletion)
        self.stopping = threading.Event()
        self._server = _Server(self)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self._server.shutdown()
        self._server.hang_up()
        self._thread.join()
        self._server.server_close()

    @property
    def connection(self):
        url = f"http://127.0.0.1:{self._server.server_address[1]}"
        return Connection(server=url, context="fake", authorize=lambda: f"Bearer {self.token}" if self.token else None)

    @property
    def mutations(self):
        return [call for call in self.calls if call[0] != "GET"]

    def speak_tls(self, context):
        """Serve HTTPS from now on."""
        self._server.tls = context

    def hang_up(self):
        """Cut every open connection, as a restart does."""
        self._server.hang_up()

    def refuse(self, method, path_end, *, status=403, reason="Forbidden", message="refused by the test"):
        """Answer every request to a path that ends so with an error."""
        self.refusals[method, path_end] = (status, reason, message)

    def put(self, manifest, *, manager="someone"):
        """Store an object as another manager would."""
        metadata = manifest["metadata"]
        key = (manifest["kind"], metadata.get("namespace", ""), metadata["name"])
        return self.store.apply(key, manifest, manager=manager, force=True)

    def get(self, kind, name, namespace=""):
        return self.store.objects.get((kind, namespace, name))


class _Server(ThreadingHTTPServer):
    daemon_threads = False
    block_on_close = True

    def __init__(self, state):
        self.state = state
        self.tls = None
        self._open = set()
        super().__init__(("127.0.0.1", 0), _Handler)

    def get_request(self):
        accepted, address = super().get_request()
        if self.tls:
            try:
                accepted = self.tls.wrap_socket(accepted, server_side=True)
            except BaseException:
                accepted.close()
                raise
        self._open.add(accepted)
        return accepted, address

    def shutdown_request(self, request):
        self._open.discard(request)
        super().shutdown_request(request)

    def hang_up(self):
        for opened in list(self._open):
            with contextlib.suppress(OSError):
                opened.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def do_GET(self):
        self._serve()

    do_POST = do_PATCH = do_DELETE = do_GET  # noqa: N815

    def handle(self):
        with contextlib.suppress(OSError):
            super().handle()

    def _serve(self):
        state = self.server.state
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        url = urlsplit(self.path)
        query = {name: values[-1] for name, values in parse_qs(url.query).items()}
        state.calls.append((self.command, url.path))
        fault = state.faults.popleft() if state.faults else None
        if fault and fault.status:
            headers = {"Retry-After": fault.retry_after} if fault.retry_after is not None else {}
            self._answer(fault.status, {"reason": "Fault", "message": "fault of the test"}, headers)
        elif fault and not fault.after_handling:
            self._reset()
        else:
            self._handle(state, url.path, query, json.loads(body) if body else {}, resets=fault is not None)

    def _handle(self, state, path, query, body, *, resets):
        try:
            self._admit(state, path)
            status, answer = self._route(state, path, query, body)
        except Refused as refused:
            status, answer = refused.status, refused.body
        if resets:
            self._reset()
        elif answer is not None:
            self._answer(status, answer, {})

    def _admit(self, state, path):
        if state.token and self.headers.get("Authorization") != f"Bearer {state.token}":
            raise Refused(401, "Unauthorized", "Unauthorized")
        for (method, end), refusal in state.refusals.items():
            if method == self.command and path.endswith(end):
                raise Refused(*refusal)

    def _route(self, state, path, query, body):
        if path == "/version":
            return 200, dict(zip(("major", "minor", "gitVersion"), state.version, strict=True))
        kind, namespace, name, subresource = _parse_path(path)
        key = (kind.name, namespace, name)
        if self.command == "GET":
            return 200, self._get(state, key, subresource, query)
        if self.command == "POST":
            post = self._admit_pod if query.get("dryRun") else self._post
            return 201, post(state.store, key, subresource, body)
        if self.command == "DELETE":
            return 200, state.store.delete(key)
        if "apply" not in self.headers["Content-Type"]:
            return 200, state.store.merge(key, body)
        force = query.get("force") == "true"
        return 200, state.store.apply(key, body, manager=query["fieldManager"], force=force)

    def _get(self, state, key, subresource, query):
        kind, namespace, name = key
        if subresource == "log":
            return self._text(state.logs[namespace, name])
        if query.get("watch"):
            return self._watch(state, kind, namespace, query)
        if name:
            return state.store.read(key)
        found = state.store.list(kind, namespace, query.get("labelSelector"), query.get("fieldSelector"))
        return {"kind": f"{kind}List", "items": [_anonymous(item) for item in found]}

    def _admit_pod(self, store, _key, _subresource, pod):
        """Judge a pod as the guard does, once it is there: only KPO's pods may ask for a pool."""
        guarded = ("ValidatingAdmissionPolicy", "", "kpo-pool-guard") in store.objects
        if guarded and "kubernetes_pod_operator" not in pod["metadata"].get("labels", {}):
            raise Refused(403, "Forbidden", "ValidatingAdmissionPolicy 'kpo-pool-guard' denied the request")
        return pod

    def _post(self, store, key, subresource, body):
        kind, namespace, name = key
        if subresource == "token":
            return {"status": {"token": f"token-of-{namespace}-{name}"}}
        if kind == "SelfSubjectAccessReview":
            attributes = body["spec"]["resourceAttributes"]
            return {"status": {"allowed": attributes["resource"] != "secrets", "reason": "by the test"}}
        return store.create((kind, namespace, body["metadata"]["name"]), body)

    def _watch(self, state, kind, namespace, query):
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        seen = int(query["resourceVersion"]) if "resourceVersion" in query else 0
        deadline = time.monotonic() + float(query["timeoutSeconds"])
        fields = query.get("fieldSelector")
        index = 0
        while (left := deadline - time.monotonic()) > 0 and not state.stopping.is_set():
            with state.store.changed:
                state.store.changed.wait_for(lambda: len(state.store.events) > index, timeout=min(left, 0.05))  # noqa: B023
                fresh = state.store.events[index:]
                index = len(state.store.events)
            for event in fresh:
                found = event["object"]
                ours = found["kind"] == kind and namespace in ("", found["metadata"].get("namespace", ""))
                if ours and int(found["metadata"]["resourceVersion"]) > seen and matches(found, None, fields):
                    self._chunk(json.dumps(event).encode() + b"\n")
        self._chunk(b"")

    def _chunk(self, data):
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")

    def _text(self, text):
        self.send_response(200)
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    def _answer(self, status, answer, headers):
        data = json.dumps(answer).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _reset(self):
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)


def _parse_path(path):
    parts = path.strip("/").split("/")
    size = 2 if parts[0] == "api" else 3
    api_version, rest = "/".join(parts[1:size]), parts[size:]
    namespace = ""
    if rest[0] == "namespaces" and len(rest) > 2:
        namespace, rest = rest[1], rest[2:]
    kind = _BY_PLURAL.get((api_version, rest[0]))
    if not isinstance(kind, Kind):
        raise Refused(404, "NotFound", "the server could not find the requested resource")
    return kind, namespace, rest[1] if len(rest) > 1 else "", rest[2] if len(rest) > 2 else ""


def _anonymous(item):
    return {name: value for name, value in item.items() if name not in ("apiVersion", "kind")}
