"""Google's logins: access tokens for a subject token, as workload identity federation gives them to CI."""

import itertools
import json
import time
from pathlib import Path

from tests.fakes.gke import answers

_LASTS_S = 3600


class Login:
    """Gives tokens, and knows them again until they have expired. Others are believed, if there is anything to them.

    With a control plane behind it, a token is one that the control plane believes too, as Google's are.
    """

    def __init__(self, plane=None):
        self.lasts_s = _LASTS_S
        self._plane = plane
        self._numbers = itertools.count(1)
        self._expires = {}

    @property
    def issued(self):
        return list(self._expires)

    def exchange(self):
        token = self._plane.request_token() if self._plane else f"ya29.simulated-{next(self._numbers)}"
        self._expires[token] = time.monotonic() + self.lasts_s
        kind = "urn:ietf:params:oauth:token-type:access_token"
        return {
            "access_token": token,
            "issued_token_type": kind,
            "token_type": "Bearer",
            "expires_in": int(self.lasts_s),
        }

    def revoke(self):
        """Believe none of the tokens given so far."""
        self._expires = dict.fromkeys(self._expires, 0.0)

    def require(self, header):
        scheme, _, token = header.partition(" ")
        if scheme != "Bearer" or not token or self._expires.get(token, float("inf")) <= time.monotonic():
            raise answers.unauthenticated()


def write_credentials(folder, url):
    """Write application default credentials that log in here; returns their file."""
    subject = Path(folder) / "subject"
    subject.write_text("subject-of-the-job")
    path = Path(folder) / "credentials.json"
    login = {
        "type": "external_account",
        "audience": "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/ci/providers/ci",
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "token_url": f"{url}/_simulator/token",
        "credential_source": {"file": str(subject)},
        # Keeps the library from asking Google where the identity may work.
        "universe_domain": "acme.example",
    }
    path.write_text(json.dumps(login))
    return path
