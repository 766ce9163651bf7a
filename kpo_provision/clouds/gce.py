"""Reads machine types from Compute Engine, over REST with Google's application default credentials."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

import google.auth
import requests
from google.auth import exceptions
from google.auth.transport.requests import AuthorizedSession

from kpo_provision import errors, progress
from kpo_provision.catalog.machine import Cloud, MachineType

_SERVICE = "Compute Engine"
_OPERATION = "machineTypes.list"
_SCOPE = "https://www.googleapis.com/auth/compute.readonly"
_ENDPOINT = "https://compute.googleapis.com/compute/v1/"
ENDPOINT_VARIABLE = "CLOUDSDK_API_ENDPOINT_OVERRIDES_COMPUTE"
"""What gcloud reads too; for private endpoints and for tests."""
_PAGE_SIZE = 500
_MAX_PAGES = 1000
_TIMEOUT_S = 60
_ARCHITECTURES = {"ARM64": "arm64", "X86_64": "amd64"}
_UNREACHABLE = "check the network and HTTPS_PROXY; the shipped list serves without"
_HINTS: dict[int, str] = {
    HTTPStatus.UNAUTHORIZED: "the credentials are not valid any more; `gcloud auth application-default login`",
    HTTPStatus.FORBIDDEN: "the identity needs compute.machineTypes.list (roles/compute.viewer), and the project the "
    "Compute Engine API",
    HTTPStatus.NOT_FOUND: "check the names of project and zone",
}


def read_machine_types(
    *, project: str | None, zone: str | None, step: progress.Step
) -> tuple[str, tuple[MachineType, ...]]:
    """Read every machine type of a zone, or of all zones; returns the project too, for the credentials may name one.

    Raises:
        errors.CloudError: There are no credentials or no project, or the API refuses or cannot be reached.
    """
    try:
        credentials, default_project = google.auth.default(scopes=[_SCOPE])
    except exceptions.TransportError as e:
        raise _failure(f"the project of the credentials is not known: {e}", hint=_UNREACHABLE) from e
    except exceptions.GoogleAuthError as e:
        raise _failure(str(e), hint="log in with `gcloud auth application-default login`") from e
    chosen = project or default_project
    if chosen is None:
        raise _failure("the credentials name no project", hint="name one with --project")
    machines: dict[str, MachineType] = {}
    with AuthorizedSession(credentials) as session:
        for item in _list_items(session, f"projects/{chosen}", zone=zone):
            machine = _parse_machine(item)
            machines[machine.name] = machine
            step.say(f"{len(machines)} machine types")
    return chosen, tuple(machines.values())


def _list_items(session: AuthorizedSession, parent: str, *, zone: str | None) -> Iterator[dict[str, Any]]:
    base = os.environ.get(ENDPOINT_VARIABLE) or _ENDPOINT
    path = f"{parent}/zones/{zone}/machineTypes" if zone else f"{parent}/aggregated/machineTypes"
    parameters: dict[str, str | int] = {"maxResults": _PAGE_SIZE}
    for _ in range(_MAX_PAGES):
        page = _get(session, base.rstrip("/") + "/" + path, parameters)
        items = page.get("items", [])
        if isinstance(items, dict):
            items = [item for scoped in items.values() for item in scoped.get("machineTypes", [])]
        yield from items
        if not page.get("nextPageToken"):
            return
        parameters["pageToken"] = page["nextPageToken"]
    raise _failure(f"the list has more than {_MAX_PAGES} pages")


def _get(session: AuthorizedSession, url: str, parameters: Mapping[str, str | int]) -> dict[str, Any]:
    try:
        response = session.get(url, params=dict(parameters), timeout=_TIMEOUT_S)
        document = response.json()
    except (exceptions.TransportError, requests.ConnectionError, requests.Timeout) as e:
        raise _failure(str(e), hint=_UNREACHABLE) from e
    except exceptions.GoogleAuthError as e:
        raise _failure(f"the credentials get no token: {e.args[0]}", hint=_HINTS[HTTPStatus.UNAUTHORIZED]) from e
    except requests.RequestException as e:
        raise _failure(f"the answer cannot be read: {e}", hint=f"check {ENDPOINT_VARIABLE}") from e
    if not response.ok or not isinstance(document, dict):
        error = document.get("error", {}) if isinstance(document, dict) else {}
        problem = f"{response.status_code} {error.get('message') or response.reason}"
        raise _failure(problem, hint=_HINTS.get(response.status_code, ""))
    return document


def _failure(problem: str, *, hint: str = "") -> errors.CloudError:
    return errors.CloudError(
        service=_SERVICE, operation=_OPERATION, problem=problem, hint=hint or "the shipped list serves without"
    )


def _parse_machine(item: dict[str, Any]) -> MachineType:
    family = item["name"].split("-")[0]
    return MachineType(
        cloud=Cloud.GCP,
        name=item["name"],
        family=family,
        vcpu=item["guestCpus"],
        memory_mib=item["memoryMb"],
        architecture=_ARCHITECTURES.get(item.get("architecture", ""), "amd64"),
        is_burstable=item.get("isSharedCpu", False),
    )
