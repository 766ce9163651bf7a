"""Calls of Google's REST API: who asks, what is tried again, and errors in the words of Google's own Go client."""

import http.client
import json
import os
import threading
import time
import urllib.error
import urllib.request

from tests.terraform.provider.errors import ProviderError

_ADDRESSES = {
    "artifact_registry": "https://artifactregistry.googleapis.com/v1/",
    "container": "https://container.googleapis.com/v1/",
    "iam_beta": "https://iam.googleapis.com/v1/",
    "resource_manager": "https://cloudresourcemanager.googleapis.com/v1/",
}
"""By service, as the provider's settings name it."""
_POLL_S = 0.1
_RETRY_S = 30.0
_BUSY_S = 120.0
_TRANSIENT = {429, 500, 502, 503, 504}
_SCOPES = ["https://www.googleapis.com/auth/cloud-platform"]
_NO_CREDENTIALS = (
    "Attempted to load application default credentials since neither `credentials` nor `access_token` was set in the "
    "provider block.  No credentials loaded. To use your gcloud credentials, run "
    "'gcloud auth application-default login'"
)


class ApiError(ProviderError):
    """Google refused."""

    def __init__(self, code, body):
        error = body.get("error", {})
        self.code = code
        self.reason = (error.get("errors") or [{}])[0].get("reason", "")
        super().__init__(f"googleapi: Error {code}: {error.get('message', 'no body')}, {self.reason}")


class StoppedError(ProviderError):
    """Terraform was interrupted while an operation ran; the operation goes on."""

    def __init__(self, operation):
        super().__init__(f"interrupted while {operation} ran")
        self.operation = operation


class Google:
    """One configured provider; ``policies`` is held by whoever changes an IAM policy."""

    def __init__(self, config):
        self._addresses = {
            name: config.get(f"{name}_custom_endpoint")
            or os.environ.get(f"GOOGLE_{name.upper()}_CUSTOM_ENDPOINT")
            or address
            for name, address in _ADDRESSES.items()
        }
        self.policies = threading.Lock()
        self.project = config.get("project") or os.environ.get("GOOGLE_PROJECT")
        self.stopping = threading.Event()
        self._token = config.get("access_token") or os.environ.get("GOOGLE_OAUTH_ACCESS_TOKEN")
        self._credentials = None if self._token else _load_credentials(config)

    def call(self, method, path, body=None, *, service="container"):
        """Make one request; what may pass is tried again for a while."""
        deadline = time.monotonic() + _RETRY_S
        wait_s = 0.1
        while True:
            try:
                return self._request(method, self._addresses[service] + path, body)
            except (ApiError, OSError, http.client.HTTPException) as e:
                code = e.code if isinstance(e, ApiError) else None
                if (code is not None and code not in _TRANSIENT) or time.monotonic() > deadline:
                    raise e if isinstance(e, ApiError) else ProviderError(f"{method} {path}: {e}") from e
            self.stopping.wait(wait_s)
            wait_s = min(wait_s * 2, 2.0)

    def run(self, method, path, body, *, doing, timeout_s=1800.0):
        """Begin an operation, as soon as no other is in its way, and wait for its end."""
        deadline = time.monotonic() + _BUSY_S
        while True:
            try:
                operation = self.call(method, path, body)
                break
            except ApiError as e:
                if e.reason != "failedPrecondition" or time.monotonic() > deadline:
                    raise
            self.stopping.wait(_POLL_S)
        project, location = path.split("/")[1], path.split("/")[3]
        place = f"projects/{project}/locations/{location}"
        self.wait_for_operation(f"{place}/operations/{operation['name']}", doing, timeout_s)

    def wait_for_operation(self, path, doing, timeout_s=1800.0):
        """Wait until an operation is done, and raise what went wrong in it."""
        deadline = time.monotonic() + timeout_s
        while (operation := self.call("GET", path))["status"] != "DONE":
            if time.monotonic() > deadline:
                raise ProviderError(f"timeout while waiting for {doing}: last state {operation['status']}")
            if self.stopping.wait(_POLL_S):
                raise StoppedError(operation["name"])
        if "error" in operation or operation.get("statusMessage"):
            message = operation.get("error", {}).get("message") or operation["statusMessage"]
            raise ProviderError(f"Error waiting for {doing}: {message}")

    def _request(self, method, url, body):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(url, data=data, method=method)
        request.add_header("Authorization", f"Bearer {self._find_token()}")
        request.add_header("Content-Type", "application/json")
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.loads(answer.read() or b"{}")
        except urllib.error.HTTPError as e:
            raise ApiError(e.code, _parse_error(e.read())) from e

    def _find_token(self):
        if self._credentials is None:
            return self._token
        from google.auth.transport import requests

        if not self._credentials.valid:
            self._credentials.refresh(requests.Request())
        return self._credentials.token


def split_id(given, count):
    """Split what an import is told into its names, with or without the words between them."""
    parts = given.split("/")
    if len(parts) == 2 * count:
        parts = parts[1::2]
    if len(parts) != count:
        raise ProviderError(f"Import id {given!r} doesn't match any of the accepted formats")
    return parts


def _load_credentials(config):
    # Slow to import, and not needed where a token is given.
    import google.auth
    import google.auth.exceptions

    given = config.get("credentials") or os.environ.get("GOOGLE_CREDENTIALS")
    try:
        if given and given.lstrip().startswith("{"):
            return google.auth.load_credentials_from_dict(json.loads(given), scopes=_SCOPES)[0]
        if given:
            return google.auth.load_credentials_from_file(given, scopes=_SCOPES)[0]
        return google.auth.default(scopes=_SCOPES)[0]
    except google.auth.exceptions.GoogleAuthError as e:
        raise ProviderError(_NO_CREDENTIALS) from e


def _parse_error(data):
    try:
        return json.loads(data)
    except ValueError:
        return {"error": {"message": data.decode(errors="replace")[:256]}}
