"""The verbs of the Kubernetes API over plain dictionaries; all that the rest of the package knows of a cluster.

Decides nothing: what to write, in which order, and what a refusal means is for the callers.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from kpo_provision import plan
from kpo_provision.kube import refusals, streams
from kpo_provision.kube.connection import Connection, ServerVersion
from kpo_provision.kube.kinds import KINDS, Kind, Manifest
from kpo_provision.kube.transport import JSON, HttpTransport, Request, Transport

if TYPE_CHECKING:
    from kpo_provision.kube.exec import ExecResult

_APPLY_PATCH = "application/apply-patch+yaml"
_MERGE_PATCH = "application/merge-patch+json"
_METADATA_LIST = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessReview:
    """Whether the caller may do one thing, in the API server's own judgement."""

    allowed: bool
    reason: str


class Api:
    """An API server's verbs, safe to use from several threads. Errors name objects, and never show their content."""

    def __init__(self, connection: Connection, *, transport: Transport | None = None) -> None:
        self.connection = connection
        self._transport = transport or HttpTransport(connection)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close idle connections; the next request opens new ones."""
        self._transport.close()

    def abort(self) -> None:
        """Cut the requests that other threads wait for, so that an interruption need not wait for their answers."""
        self._transport.abort()

    def read(self, kind: str, name: str, namespace: str | None = None) -> Manifest:
        """Get one object.

        Raises:
            errors.ApiError: It is not there (``is_not_found``), or may not be read.
        """
        request = Request(method="GET", path=KINDS[kind].path(namespace, name))
        return self._send(request, verb="read", target=_target(kind, namespace, name))

    def list(
        self,
        kind: str,
        namespace: str | None = None,
        *,
        label_selector: str | None = None,
        field_selector: str | None = None,
        metadata_only: bool = False,
    ) -> list[Manifest]:
        """Get all objects of a kind, in one namespace or in all; each says its kind, which the server leaves out."""
        described = KINDS[kind]
        query = _given(labelSelector=label_selector, fieldSelector=field_selector)
        accept = _METADATA_LIST if metadata_only else JSON
        request = Request(method="GET", path=described.path(namespace), query=query, accept=accept)
        listed = self._send(request, verb="list", target=_target(described.plural, namespace, ""))
        return [item | {"apiVersion": described.api_version, "kind": kind} for item in listed.get("items") or ()]

    def create(self, manifest: Manifest, *, dry_run: bool = False) -> Manifest:
        """Create one object and return it as the server has it; after a dry run the server does not have it.

        Raises:
            errors.ApiError: It exists already (409), or admission, quota or RBAC refuses it (403).
        """
        kind, namespace, name = _identity(manifest)
        query = {"fieldManager": plan.FIELD_MANAGER, "fieldValidation": "Strict"}
        query |= {"dryRun": "All"} if dry_run else {}
        request = Request(method="POST", path=kind.path(namespace), query=query, body=_encode(manifest))
        return self._send(request, verb="create", target=_target(kind.name, namespace, name))

    def apply(self, manifest: Manifest, *, force: bool = False) -> Manifest:
        """Create or update one object by server-side apply as our field manager.

        Raises:
            errors.ApplyConflictError: Another manager owns a field that would change, and ``force`` is off.
            errors.ApiError: The server refuses the object.
        """
        kind, namespace, name = _identity(manifest)
        # An unknown field is refused in any case. Strict validation would have the server parse the body once more, to
        # find keys that stand twice, which those of a dictionary cannot.
        query = {"fieldManager": plan.FIELD_MANAGER, "fieldValidation": "Ignore", "force": str(force).lower()}
        path = kind.path(namespace, name)
        request = Request(method="PATCH", path=path, query=query, body=_encode(manifest), content_type=_APPLY_PATCH)
        return self._send(request, verb="apply", target=_target(kind.name, namespace, name))

    def patch(self, kind: str, name: str, namespace: str | None, body: Mapping[str, Any]) -> Manifest:
        """Change fields of one object by merge patch; a resourceVersion in ``body`` makes the server check it (409)."""
        request = Request(
            method="PATCH",
            path=KINDS[kind].path(namespace, name),
            query={"fieldManager": plan.FIELD_MANAGER},
            body=_encode(body),
            content_type=_MERGE_PATCH,
        )
        return self._send(request, verb="patch", target=_target(kind, namespace, name))

    def delete(self, kind: str, name: str, namespace: str | None = None, *, grace_s: int | None = None) -> None:
        """Ask for one object's deletion; ``wait_for_`` functions see it gone."""
        options: Manifest = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background"}
        if grace_s is not None:
            options["gracePeriodSeconds"] = grace_s
        request = Request(method="DELETE", path=KINDS[kind].path(namespace, name), body=_encode(options))
        self._send(request, verb="delete", target=_target(kind, namespace, name))

    def watch(
        self,
        kind: str,
        *,
        namespace: str | None = None,
        label_selector: str | None = None,
        field_selector: str | None = None,
        resource_version: str | None = None,
        timeout_s: float = 60,
    ) -> Iterator[Manifest]:
        """Yield ``{"type", "object"}`` events until ``timeout_s`` have passed; a broken connection is resumed.

        Without ``resource_version`` the present objects come first, as ADDED. Bookmarks are kept from the caller.

        Raises:
            errors.ApiError: The version is too old to watch from (410), or the kind may not be watched.
        """
        query = _given(labelSelector=label_selector, fieldSelector=field_selector, resourceVersion=resource_version)
        request = Request(method="GET", path=KINDS[kind].path(namespace), query=query, timeout_s=timeout_s)
        return streams.watch(self.connection, request, target=_target(KINDS[kind].plural, namespace, ""))

    def stream_log(self, pod: str, namespace: str, container: str, *, timeout_s: float = 60) -> Iterator[str]:
        """Follow a container's log line by line, without line ends, until it ends.

        Raises:
            errors.WaitTimeoutError: It had not ended after ``timeout_s``.
            errors.ApiError: There is no such log, or it may not be read.
        """
        path = KINDS["Pod"].path(namespace, pod, subresource="log")
        request = Request(
            method="GET", path=path, query={"container": container, "follow": "true"}, timeout_s=timeout_s
        )
        return streams.follow_log(self.connection, request, target=_target("log of Pod", namespace, pod))

    def exec(
        self, pod: str, namespace: str, container: str, command: Sequence[str], *, timeout_s: float = 30
    ) -> ExecResult:
        """Run a command in a container as KubernetesPodOperator does: an HTTP GET that becomes a web socket.

        Raises:
            errors.WaitTimeoutError: The command had not ended after ``timeout_s``.
            errors.ApiError: The server refuses the exec.
        """
        from kpo_provision.kube import exec as pod_exec  # only who verifies has use for it

        path = KINDS["Pod"].path(namespace, pod, subresource="exec")
        call = pod_exec.ExecCall(path=path, container=container, command=tuple(command), timeout_s=timeout_s)
        return pod_exec.run(self.connection, call, target=_target("Pod", namespace, pod))

    def request_token(self, account: str, namespace: str, *, seconds: int = 600) -> str:
        """Get a bound token of a service account; the server's shortest is 600 seconds."""
        body = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": {"expirationSeconds": seconds},
        }
        path = KINDS["ServiceAccount"].path(namespace, account, subresource="token")
        request = Request(method="POST", path=path, body=_encode(body), repeatable=True)
        answer = self._send(request, verb="request a token of", target=_target("ServiceAccount", namespace, account))
        return str(answer["status"]["token"])

    def review_access(
        self, verb: str, resource: str, *, namespace: str, group: str = "", subresource: str = "", name: str = ""
    ) -> AccessReview:
        """Ask whether the caller may ``verb`` a ``resource`` (SelfSubjectAccessReview)."""
        attributes = _given(
            verb=verb, resource=resource, namespace=namespace, group=group, subresource=subresource, name=name
        )
        kind = KINDS["SelfSubjectAccessReview"]
        body = {"apiVersion": kind.api_version, "kind": kind.name, "spec": {"resourceAttributes": attributes}}
        request = Request(method="POST", path=kind.path(), body=_encode(body), repeatable=True)
        status = self._send(request, verb="review", target=f"access to {resource} in {namespace}")["status"]
        return AccessReview(allowed=bool(status.get("allowed")), reason=str(status.get("reason", "")))

    def server_version(self) -> ServerVersion:
        """Ask for the server's version: the cheapest request that proves address, trust and login."""
        found = self._send(Request(method="GET", path="/version"), verb="read", target="/version")
        major, minor = (int(re.sub(r"\D.*", "", str(found[part])) or 0) for part in ("major", "minor"))
        return ServerVersion(release=(major, minor), text=str(found["gitVersion"]))

    def _send(self, request: Request, *, verb: str, target: str) -> Manifest:
        response = self._transport.send(request)
        if response.status >= 400:
            raise refusals.parse_refusal(response.status, response.body, verb=verb, target=target)
        decoded: Manifest = json.loads(response.body)
        return decoded


def _identity(manifest: Manifest) -> tuple[Kind, str | None, str]:
    metadata = manifest["metadata"]
    return KINDS[manifest["kind"]], metadata.get("namespace"), metadata.get("name") or metadata.get("generateName", "")


def _target(kind: str, namespace: str | None, name: str) -> str:
    where = "/".join(part for part in (namespace, name) if part)
    return f"{kind} {where}" if where else kind


def _given(**values: str | None) -> dict[str, str]:
    return {key: value for key, value in values.items() if value}


def _encode(body: Mapping[str, Any]) -> bytes:
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()
