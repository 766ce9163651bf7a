"""The few requests that starting and stopping needs, made as the cluster's administrator.

Small on purpose: whoever works with what runs in the cluster goes through ``kpo_provision.kube``.
"""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Mapping
from typing import Any

from kpo_provision import errors
from kpo_provision.local.options import Layout

FIELD_MANAGER = "kpo-local"
_TIMEOUT_S = 15


class ApiClient:
    """One connection to the API server at 127.0.0.1, as administrator."""

    def __init__(self, layout: Layout, *, port: int, timeout_s: float = _TIMEOUT_S) -> None:
        context = ssl.create_default_context(cafile=str(layout.pki / "ca.crt"))
        context.load_cert_chain(layout.pki / "admin.crt", layout.pki / "admin.key")
        self._connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=timeout_s, context=context)

    def __enter__(self) -> ApiClient:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def read(self, path: str) -> dict[str, Any]:
        """GET the object or list at ``path``."""
        return self._request("GET", path)

    def apply(self, path: str, manifest: Mapping[str, Any]) -> None:
        """Apply ``manifest`` on the server; what others added to the object stays."""
        self._request(
            "PATCH",
            f"{path}?fieldManager={FIELD_MANAGER}&force=true",
            manifest,
            media_type="application/apply-patch+yaml",
        )

    def patch(self, path: str, changes: Mapping[str, Any]) -> None:
        """Merge ``changes`` into the object at ``path``."""
        self._request("PATCH", path, changes, media_type="application/merge-patch+json")

    def delete(self, path: str) -> None:
        """Delete the object at ``path`` without waiting for its grace period; one that is gone is fine."""
        try:
            self._request("DELETE", f"{path}?gracePeriodSeconds=0")
        except errors.ApiError as e:
            if not e.is_not_found:
                raise

    def _request(
        self, verb: str, path: str, body: Mapping[str, Any] | None = None, media_type: str = ""
    ) -> dict[str, Any]:
        headers = {"Content-Type": media_type} if body is not None else {}
        try:
            self._connection.request(verb, path, body=json.dumps(body) if body is not None else None, headers=headers)
            answer = self._connection.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException) as e:
            self._connection.close()
            raise errors.ClusterError(
                f"the local API server did not answer {verb} {path.partition('?')[0]}: {e}",
                hint="kpo-provision local status shows what runs",
            ) from e
        return _parse_answer(verb, path.partition("?")[0], answer, content)


def _parse_answer(verb: str, target: str, answer: http.client.HTTPResponse, content: bytes) -> dict[str, Any]:
    is_json = answer.headers.get_content_type() == "application/json"
    parsed: dict[str, Any] = json.loads(content) if is_json else {"message": content.decode("utf-8", "replace")}
    if answer.status >= 400:
        raise errors.ApiError(
            verb=verb,
            target=target,
            status=answer.status,
            reason=str(parsed.get("reason", answer.reason)),
            message=str(parsed.get("message", "")),
        )
    return parsed
