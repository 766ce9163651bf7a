"""The cluster's private registry: its one user, its configuration, and how an image gets into it from outside."""

from __future__ import annotations

import base64
import http.client
import json
import secrets
import ssl
import urllib.parse

import bcrypt

from kpo_provision import errors
from kpo_provision.local.control_plane import REGISTRY_PORT
from kpo_provision.local.images import MANIFEST_TYPE, Image
from kpo_provision.local.nodes import REGISTRY_SERVER
from kpo_provision.local.options import CONTROL_PLANE_ADDRESS, INSIDE, Layout
from kpo_provision.local.private_files import write_private

PROBE_REPOSITORY = "kpo/probe"
PROBE_TAG = "1"
_USER = "kpo"
_TIMEOUT_S = 30


def ensure_registry(layout: Layout) -> None:
    """Make the user with a random password, once, and write the registry's configuration."""
    # config.json goes last and holds the password: with it, all of them are there and belong together.
    if not layout.docker_config.exists():
        password = secrets.token_urlsafe(24)
        hashed = bcrypt.hashpw(password.encode(), bcrypt.gensalt(rounds=5)).decode()
        write_private(layout.registry / "htpasswd", f"{_USER}:{hashed}\n")
        write_login(layout, password)
    if not (layout.registry / "registry.json").exists():
        write_private(layout.registry / "registry.json", json.dumps(_configuration(), indent=2) + "\n")


def write_login(layout: Layout, password: str) -> None:
    """Write the login of the registry's user, as ``docker login`` would."""
    login = {"username": _USER, "password": password, "auth": _encode_login(_USER, password)}
    write_private(layout.docker_config, json.dumps({"auths": {REGISTRY_SERVER: login}}, indent=2) + "\n")


def push_image(layout: Layout, image: Image, *, port: int) -> bool:
    """Push ``image`` to the registry at 127.0.0.1; return whether it was not there yet."""
    context = ssl.create_default_context(cafile=str(layout.pki / "ca.crt"))
    connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=_TIMEOUT_S, context=context)
    push = _Push(connection, _load_login(layout))
    try:
        if push.has_manifest(image):
            return False
        for digest, blob in image.blobs.items():
            push.send_blob(digest, blob)
        push.send_manifest(image)
    except (OSError, http.client.HTTPException) as e:
        raise errors.CloudError(
            service=REGISTRY_SERVER,
            operation=f"pushing {PROBE_REPOSITORY}",
            problem=str(e) or type(e).__name__,
            hint=f"see {layout.logs / 'registry.log'}",
        ) from e
    finally:
        connection.close()
    return True


class _Push:
    """The requests of one push, over one connection."""

    def __init__(self, connection: http.client.HTTPSConnection, login: str) -> None:
        self._connection = connection
        self._login = login

    def has_manifest(self, image: Image) -> bool:
        status, headers = self._send("HEAD", f"manifests/{PROBE_TAG}", headers={"Accept": MANIFEST_TYPE})
        return status == 200 and headers.get("Docker-Content-Digest") == image.digest

    def send_blob(self, digest: str, blob: bytes) -> None:
        if self._send("HEAD", f"blobs/{digest}")[0] == 200:
            return
        _, headers = self._send("POST", "blobs/uploads/", wanted=202)
        location = urllib.parse.urlsplit(headers.get("Location", ""))
        query = f"{location.query}&digest={urllib.parse.quote(digest)}"
        self._send("PUT", f"{location.path}?{query}", body=blob, wanted=201)

    def send_manifest(self, image: Image) -> None:
        headers = {"Content-Type": MANIFEST_TYPE}
        self._send("PUT", f"manifests/{PROBE_TAG}", body=image.manifest, headers=headers, wanted=201)

    def _send(
        self, verb: str, path: str, *, body: bytes = b"", headers: dict[str, str] | None = None, wanted: int = 0
    ) -> tuple[int, http.client.HTTPMessage]:
        target = path if path.startswith("/") else f"/v2/{PROBE_REPOSITORY}/{path}"
        every = {"Authorization": f"Basic {self._login}", "Content-Length": str(len(body)), **(headers or {})}
        self._connection.request(verb, target, body=body, headers=every)
        answer = self._connection.getresponse()
        message = answer.read().decode("utf-8", "replace")
        if wanted and answer.status != wanted:
            raise errors.CloudError(
                service=REGISTRY_SERVER,
                operation=f"{verb} {target.partition('?')[0]}",
                problem=f"{answer.status} {message}",
            )
        return answer.status, answer.headers


def _load_login(layout: Layout) -> str:
    config = json.loads(layout.docker_config.read_text(encoding="utf-8"))
    return str(config["auths"][REGISTRY_SERVER]["auth"])


def _encode_login(user: str, password: str) -> str:
    return base64.b64encode(f"{user}:{password}".encode()).decode("ascii")


def _configuration() -> dict[str, object]:
    return {
        "version": "0.1",
        "log": {"level": "warn", "accesslog": {"disabled": True}},
        "storage": {"filesystem": {"rootdirectory": str(INSIDE.registry / "storage")}, "delete": {"enabled": True}},
        "http": {
            "addr": f"{CONTROL_PLANE_ADDRESS}:{REGISTRY_PORT}",
            "secret": secrets.token_hex(16),
            "tls": {"certificate": str(INSIDE.pki / "registry.crt"), "key": str(INSIDE.pki / "registry.key")},
        },
        "auth": {"htpasswd": {"realm": "kpo-local", "path": str(INSIDE.registry / "htpasswd")}},
    }
