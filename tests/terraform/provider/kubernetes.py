"""Calls of a Kubernetes API server: where it is, who asks, and its refusals in the words of its Go client."""

import json
import os
import ssl
import threading
import urllib.error
import urllib.request

from tests.terraform.provider.errors import ProviderError

FIELD_MANAGER = "HashiCorp"
"""What the API server makes of the real provider's user agent."""
APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"
_PLURALS = {"NetworkPolicy": "networkpolicies", "ValidatingAdmissionPolicy": "validatingadmissionpolicies",
            "MutatingAdmissionPolicy": "mutatingadmissionpolicies"}  # fmt: skip


class ApiError(ProviderError):
    """The API server refused."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


class Kubernetes:
    """One configured provider: a host, its authority and a token, as the provider's block or its environment says."""

    def __init__(self, config):
        self.stopping = threading.Event()
        self._host = config.get("host") or os.environ.get("KUBE_HOST") or "http://localhost"
        self._token = config.get("token") or os.environ.get("KUBE_TOKEN")
        authority = config.get("cluster_ca_certificate") or os.environ.get("KUBE_CLUSTER_CA_CERT_DATA")
        self._tls = ssl.create_default_context(cadata=authority) if self._host.startswith("https:") else None

    def call(self, method, path, body=None, *, kind="application/json"):
        """Make one request."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._host + path, data=data, method=method)
        request.add_header("Content-Type", kind)
        if self._token:
            request.add_header("Authorization", f"Bearer {self._token}")
        try:
            with urllib.request.urlopen(request, timeout=30, context=self._tls) as answer:
                return json.loads(answer.read() or b"{}")
        except urllib.error.HTTPError as e:
            raise ApiError(e.code, json.loads(e.read() or b"{}").get("message") or str(e)) from e
        except OSError as e:
            raise ProviderError(f"{method} {self._host}{path}: {e}") from e

    def find(self, path):
        """Return an object; None where there is none."""
        try:
            return self.call("GET", path)
        except ApiError as e:
            if e.code == 404:
                return None
            raise

    def delete(self, path):
        """Delete an object, and wait until it is gone."""
        try:
            self.call("DELETE", path)
        except ApiError as e:
            if e.code != 404:
                raise
        while self.find(path) is not None:
            if self.stopping.wait(0.1):
                raise ProviderError(f"interrupted while {path} was deleted")


def path_of(version, kind, name, namespace):
    """Return the path of an object in the API."""
    root = f"/apis/{version}" if "/" in version else f"/api/{version}"
    place = f"/namespaces/{namespace}" if namespace else ""
    return f"{root}{place}/{_PLURALS.get(kind, kind.lower() + 's')}/{name}"
