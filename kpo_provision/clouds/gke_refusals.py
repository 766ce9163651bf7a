"""What it means when Google refuses, and what to do about it."""

from __future__ import annotations

import re
from collections.abc import Callable

import requests
from google.api_core import exceptions
from google.auth import exceptions as login_exceptions

from kpo_provision import errors
from kpo_provision.clouds.gke_errors import refusal
from kpo_provision.clouds.google_login import LOGIN_HINT, NETWORK_HINT

EXPECTED = (
    exceptions.GoogleAPICallError,
    exceptions.RetryError,
    login_exceptions.GoogleAuthError,
    requests.RequestException,
)
"""All that Google's client raises when something outside goes wrong."""

_AGAIN = "Google is busy: run again in some minutes; what was done stays done"
_WAIT = "another operation changes this cluster: wait until it has ended, then run again"
_QUOTA = "ask for a higher quota, or lower maxNodes or the machine type of the pool: "
_QUOTAS_PAGE = "https://console.cloud.google.com/iam-admin/quotas?project={project}"
_API_PAGE = "gcloud services enable container.googleapis.com --project {project}"
_ADDRESS = re.compile(r"^[A-Z]+ https?://\S+: ")
_PERMISSION = re.compile(r'Required "([\w.]+)" permission')
_QUOTA_CODE = 8
"""google.rpc.Code.RESOURCE_EXHAUSTED."""


def translate(error: Exception, *, operation: str, project: str) -> errors.CloudError:
    """Put an error of Google's client into our words."""
    if isinstance(error, exceptions.RetryError) and error.cause is not None:
        error = error.cause
    if isinstance(error, exceptions.GoogleAPICallError):
        problem = f"{error.code or ''} {_ADDRESS.sub('', str(error.message))}".strip()
        return refusal(operation, problem, hint=_hint(error, project=project))
    if isinstance(error, login_exceptions.GoogleAuthError) and not isinstance(error, login_exceptions.TransportError):
        # Further arguments hold Google's whole answer.
        return refusal(operation, f"the credentials get no token: {error.args[0]}", hint=LOGIN_HINT)
    return refusal(operation, f"no answer: {error}", hint=NETWORK_HINT)


def operation_hint(*, code: int, problem: str, project: str) -> str:
    """Say what to do about an operation that ended in an error; ``code`` is one of google.rpc.Code."""
    if code == _QUOTA_CODE or _is_quota(problem):
        return _QUOTA + _QUOTAS_PAGE.format(project=project)
    if "stockout" in problem.lower() or "does not have enough resources" in problem:
        return "Google has no such machines left in a zone: use other zones, another machine type, or try again later"
    return "run again: what was made is taken up where it was left; the cluster's page in the console says more"


def _hint(error: exceptions.GoogleAPICallError, *, project: str) -> str:
    hints: dict[type[exceptions.GoogleAPICallError], Callable[[], str]] = {
        exceptions.Unauthorized: lambda: f"the credentials are not valid any more; {LOGIN_HINT}",
        exceptions.Forbidden: lambda: _forbidden_hint(error, project=project),
        exceptions.NotFound: lambda: "check project, location and name under target.gke",
        exceptions.TooManyRequests: lambda: _AGAIN,
        exceptions.Conflict: lambda: _conflict_hint(str(error.message)),
        exceptions.BadRequest: lambda: _WAIT if _is_busy(str(error.message)) else "",
        exceptions.ServerError: lambda: _AGAIN,
    }
    return next((hint() for kind, hint in hints.items() if isinstance(error, kind)), "")


def _forbidden_hint(error: exceptions.GoogleAPICallError, *, project: str) -> str:
    message = str(error.message)
    if error.reason == "SERVICE_DISABLED" or "it is disabled" in message:
        return f"switch the Kubernetes Engine API on: {_API_PAGE.format(project=project)}"
    if error.reason == "CONSUMER_INVALID" or "Permission denied on resource project" in message:
        return "check target.gke.project; the identity may also have no role in it"
    if _is_quota(message):
        return _QUOTA + _QUOTAS_PAGE.format(project=project)
    missing = _PERMISSION.search(message)
    wanted = missing.group(1) if missing else "container.clusters.get"
    return f"the identity needs {wanted} in project {project} (roles/container.admin to change pools, else .viewer)"


def _conflict_hint(message: str) -> str:
    if "already exists" in message.lower():
        return "something of this name is there that we did not make: choose another name, or take it away"
    return _WAIT


def _is_busy(message: str) -> bool:
    return "incompatible operation" in message or "is currently" in message


def _is_quota(message: str) -> bool:
    return "quota" in message.lower()
