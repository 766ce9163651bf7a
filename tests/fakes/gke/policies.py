"""Who may do what: IAM policies, read and written whole, with an etag that tells a writer who comes too late."""

import base64
import re
import time

from tests.fakes.gke.answers import RefusedError, require_known

OWNER = {"role": "roles/owner", "members": ["user:ada@acme.example"]}
"""What every project grants from the start."""
_ROLE = re.compile(r"(?:(?:projects|organizations)/[^/]+/)?roles/[a-zA-Z]\w*(?:\.\w+)*")
_MEMBER = re.compile(r"(?:deleted:)?(?:user|serviceAccount|group|domain):.+|all(?:Authenticated)?Users")
_ACCOUNT = re.compile(r"serviceAccount:([^@]+@[^.]+\.iam\.gserviceaccount\.com)")


class Policies:
    """The policies of projects and repositories; ``bodies`` has each by the path of its resource."""

    def __init__(self, accounts):
        self.bodies = {}
        self._accounts = accounts

    def get(self, resource):
        if resource in self.bodies:
            return self.bodies[resource]
        return {"version": 1, "etag": "ACAB", **({} if "/locations/" in resource else {"bindings": [OWNER]})}

    def set(self, resource, request):
        """Replace a policy by what was made of its last state."""
        require_known(request, ("policy", "updateMask"))
        wanted = require_known(request.get("policy", {}), ("auditConfigs", "bindings", "etag", "version"))
        if wanted.get("etag") not in (None, self.get(resource)["etag"]):
            raise RefusedError(
                409,
                "There were concurrent policy changes. Please retry the whole read-modify-write with exponential "
                "backoff.",
                status="ABORTED",
                reason="aborted",
            )
        bindings = [binding for binding in wanted.get("bindings", []) if binding.get("members")]
        for binding in bindings:
            self._judge(require_known(binding, ("condition", "members", "role")))
        self._replace(resource, bindings)
        return self.bodies[resource]

    def forget(self, account):
        """Leave a deleted account in the policies as one that was: another of its name gets none of its roles."""
        gone, grave = f"serviceAccount:{account['email']}", f"deleted:serviceAccount:{account['email']}"
        grave = f"{grave}?uid={account['uniqueId']}"
        for resource, policy in list(self.bodies.items()):
            bindings = [
                binding | {"members": [grave if member == gone else member for member in binding["members"]]}
                for binding in policy.get("bindings", [])
            ]
            if bindings != policy.get("bindings", []):
                self._replace(resource, bindings)

    def _judge(self, binding):
        if not _ROLE.fullmatch(binding.get("role", "")):
            raise RefusedError(400, f"Role {binding.get('role')} is not supported for this resource.")
        for member in binding["members"]:
            if not _MEMBER.fullmatch(member):
                raise RefusedError(
                    400, f"The member {member} is of an unknown type. Please set a valid type prefix for the member."
                )
            account = _ACCOUNT.fullmatch(member)
            if account and not self._accounts.has(account[1]):
                raise RefusedError(400, f"Service account {account[1]} does not exist.")

    def _replace(self, resource, bindings):
        etag = base64.b64encode(time.time_ns().to_bytes(8, "big")).decode()
        self.bodies[resource] = {"version": 1, "etag": etag, **({"bindings": bindings} if bindings else {})}
