"""Who we are to Google: an access token that was given, or application default credentials and tokens of theirs.

The same that Terraform's provider goes by, in its order. No gcloud is run, and no token is kept anywhere but in memory.
"""

from __future__ import annotations

import os
import threading

import google.auth
from google.auth import credentials as google_credentials
from google.auth import exceptions
from google.auth.transport.requests import Request
from google.oauth2.credentials import Credentials as TokenCredentials

from kpo_provision import errors

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
LOGIN_HINT = "log in with `gcloud auth application-default login`, or set GOOGLE_APPLICATION_CREDENTIALS"
NETWORK_HINT = "check the network and HTTPS_PROXY, then try again"
TOKEN_VARIABLE = "GOOGLE_OAUTH_ACCESS_TOKEN"  # noqa: S105 - a name
_SERVICE = "Google login"


class GoogleLogin:
    """An identity of Google's. Safe to use from several threads; its tokens are in no ``repr``."""

    def __init__(self, credentials: google_credentials.Credentials) -> None:
        self.credentials = credentials
        self._lock = threading.Lock()

    def authorize(self) -> str:
        """Return an Authorization header with a token that is good for some minutes more; refreshes it when need be.

        Raises:
            errors.CloudError: Google gives no token.
        """
        with self._lock:
            if not self.credentials.valid:
                self._refresh()
            return f"Bearer {self.credentials.token}"

    def _refresh(self) -> None:
        try:
            self.credentials.refresh(Request())
        except exceptions.TransportError as e:
            raise failure("token", str(e), hint=NETWORK_HINT) from e
        except exceptions.GoogleAuthError as e:
            # Further arguments hold Google's whole answer.
            raise failure("token", str(e.args[0]), hint=LOGIN_HINT) from e


def load_login() -> GoogleLogin:
    """Take the access token that the environment gives, or else find application default credentials.

    Raises:
        errors.CloudError: There are none, or they cannot be used.
    """
    if os.environ.get(TOKEN_VARIABLE):
        return GoogleLogin(TokenCredentials(os.environ[TOKEN_VARIABLE]))
    try:
        credentials, _ = google.auth.default(scopes=[SCOPE])
    except exceptions.TransportError as e:
        raise failure("default credentials", str(e), hint=NETWORK_HINT) from e
    except exceptions.GoogleAuthError as e:
        raise failure("default credentials", str(e), hint=LOGIN_HINT) from e
    return GoogleLogin(credentials)


def failure(operation: str, problem: str, *, hint: str) -> errors.CloudError:
    """Make the error of a login that did not work."""
    return errors.CloudError(service=_SERVICE, operation=operation, problem=problem, hint=hint)
