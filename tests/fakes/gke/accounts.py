"""Service accounts, as ``iam.googleapis.com/v1`` has them."""

import re
import time

from tests.fakes.gke.answers import RefusedError, require_known

_ID = re.compile(r"[a-z][-a-z0-9]{4,28}[a-z0-9]")
_MASKED = {"description": "description", "display_name": "displayName", "displayName": "displayName"}


class Accounts:
    """The service accounts of all projects; ``bodies`` has each by its name, ``projects/P/serviceAccounts/EMAIL``."""

    def __init__(self):
        self.bodies = {}

    def create(self, project, request):
        require_known(request, ("accountId", "serviceAccount"))
        wanted = require_known(request.get("serviceAccount", {}), ("description", "displayName"))
        own = request.get("accountId", "")
        if not _ID.fullmatch(own):
            raise RefusedError(400, f'The account ID "{own}" does not have a length between 6 and 30.')
        email = f"{own}@{project}.iam.gserviceaccount.com"
        name = f"projects/{project}/serviceAccounts/{email}"
        if name in self.bodies:
            raise RefusedError(409, f"Service account {own} already exists within project projects/{project}.")
        number = str(10**20 + time.time_ns())
        fixed = {"name": name, "projectId": project, "uniqueId": number, "email": email, "oauth2ClientId": number}
        self.bodies[name] = fixed | _said(wanted)
        return self.bodies[name]

    def list(self, project):
        found = [body for body in self.bodies.values() if body["projectId"] == project]
        return {"accounts": found} if found else {}

    def get(self, name):
        if name not in self.bodies:
            raise RefusedError(404, "Unknown service account")
        return self.bodies[name]

    def patch(self, name, request):
        """Change what the mask names."""
        require_known(request, ("serviceAccount", "updateMask"))
        body, wanted = self.get(name), request.get("serviceAccount", {})
        for field in request.get("updateMask", "").split(","):
            if field not in _MASKED:
                raise RefusedError(400, f'Invalid field mask: "{field}" cannot be updated.')
            body.pop(_MASKED[field], None)
            body |= _said({_MASKED[field]: wanted.get(_MASKED[field])})
        return body

    def delete(self, name):
        """Delete an account; returns what it was."""
        return self.bodies.pop(self.get(name)["name"])

    def has(self, email):
        return any(body["email"] == email for body in self.bodies.values())


def _said(fields):
    """Leave out what is empty, as Google's answers do."""
    return {key: value for key, value in fields.items() if value}
