"""One connection to the API server, as a kubeconfig with certificate files describes it.

The only importer of ``http.client`` here; what it and ``ssl`` raise leaves this module as ``errors.ClusterError``.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from kpo_provision import errors

ANSWER_TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiServer:
    """Where the API server is, whom to trust there, and the certificate to show it."""

    host: str
    port: int
    authority: Path
    certificate: Path
    key: Path

    def read_json(self, path: str) -> dict[str, Any]:
        """Get one document."""
        with self._get(path, timeout_s=ANSWER_TIMEOUT_S) as response:
            return _parse_json(path, response.read())

    def read_events(self, path: str, *, silence_s: float) -> Iterator[dict[str, Any]]:
        """Get a document for each line, as they come, until the server ends or says nothing for ``silence_s``."""
        with self._get(path, timeout_s=silence_s) as response:
            while line := response.readline():
                yield _parse_json(path, line)

    @contextlib.contextmanager
    def _get(self, path: str, *, timeout_s: float) -> Iterator[http.client.HTTPResponse]:
        try:
            # Read anew for each connection: certificates are renewed while we run.
            context = ssl.create_default_context(cafile=self.authority)
            context.load_cert_chain(self.certificate, self.key)
            connection = http.client.HTTPSConnection(self.host, self.port, timeout=timeout_s, context=context)
            with contextlib.closing(connection):
                connection.request("GET", path, headers={"Accept": "application/json"})
                response = connection.getresponse()
                _check_status(path, response)
                yield response
        except (OSError, http.client.HTTPException) as error:
            raise errors.ClusterError(
                f"GET {path} from https://{self.host}:{self.port} failed: {errors.clip(repr(error))}",
                hint="is the API server up, and are the kubeconfig's certificates the ones of this cluster?",
            ) from error


def load_kubeconfig(path: Path) -> ApiServer:
    """Read the current context of a kubeconfig; relative file names are relative to it."""
    try:
        return parse_kubeconfig(yaml.safe_load(path.read_text()), path.parent)
    except (OSError, yaml.YAMLError, KeyError, TypeError, StopIteration) as error:
        raise errors.ClusterError(
            f"the kubeconfig {path} cannot be used: {errors.clip(repr(error))}",
            hint="it needs a current-context with certificate-authority, client-certificate and client-key as files",
        ) from error


def parse_kubeconfig(document: Mapping[str, Any], folder: Path) -> ApiServer:
    """Give the API server of the current context."""
    context = _named(document["contexts"], document["current-context"])["context"]
    cluster = _named(document["clusters"], context["cluster"])["cluster"]
    user = _named(document["users"], context["user"])["user"]
    server = urlsplit(cluster["server"])
    return ApiServer(
        host=server.hostname or "",
        port=server.port or 443,
        authority=folder / cluster["certificate-authority"],
        certificate=folder / user["client-certificate"],
        key=folder / user["client-key"],
    )


def _named(entries: list[dict[str, Any]], name: str) -> dict[str, Any]:
    return next(entry for entry in entries if entry["name"] == name)


def _check_status(path: str, response: http.client.HTTPResponse) -> None:
    if response.status == http.client.OK:
        return
    raise errors.ApiError(
        verb="GET",
        target=path,
        status=response.status,
        reason=response.reason,
        message=response.read().decode(errors="replace"),
    )


def _parse_json(path: str, text: bytes) -> dict[str, Any]:
    try:
        document: dict[str, Any] = json.loads(text)
    except ValueError as error:
        raise errors.ClusterError(f"GET {path} was cut off after {len(text)} bytes of a document") from error
    return document
