"""One member's role on a project or a repository, whose policy is read, changed and written as a whole."""

from tests.terraform.provider.errors import ProviderError
from tests.terraform.provider.google import ApiError
from tests.terraform.provider.values import settle

_CONFLICT = 409
_ATTEMPTS = 10


class Grants:
    def __init__(self, block, api):
        self._block = block
        self._api = api

    def create(self, planned):
        project = planned["project"] if isinstance(planned["project"], str) else self._api.project
        state = settle(planned) | {"project": project}
        self._change(state, lambda members: sorted({*members, state["member"]}))
        return self.read(state)

    def read(self, state):
        try:
            policy = self._read_policy(state)
        except ApiError as e:
            if e.code == 404:
                return None
            raise
        if state["member"] not in _members(policy, state["role"]):
            return None
        _, path = _place(state)
        path = path if "repository" in state else state["project"]
        return state | {"etag": policy["etag"], "id": f"{path}/{state['role']}/{state['member']}"}

    def update(self, _prior, planned):
        raise ProviderError(f"the stand-in cannot change a grant in place: {planned['id']}")

    def delete(self, state):
        self._change(state, lambda members: [each for each in members if each != state["member"]])

    def load_import(self, given):
        raise ProviderError(f"the stand-in cannot import the grant {given}")

    def _read_policy(self, state):
        service, path = _place(state)
        if service == "artifact_registry":
            return self._api.call("GET", f"{path}:getIamPolicy", service=service)
        options = {"options": {"requestedPolicyVersion": 3}}
        return self._api.call("POST", f"{path}:getIamPolicy", options, service=service)

    def _change(self, state, change):
        """Read, change and write the policy; from the start again where somebody else wrote in between."""
        service, path = _place(state)
        for attempt in range(_ATTEMPTS):
            with self._api.policies:
                policy = self._read_policy(state)
                members = change(_members(policy, state["role"]))
                others = [each for each in policy.get("bindings", []) if not _is_plain(each, state["role"])]
                bindings = [*others, {"role": state["role"], "members": members}] if members else others
                try:
                    request = {"policy": policy | {"bindings": bindings}}
                    self._api.call("POST", f"{path}:setIamPolicy", request, service=service)
                except ApiError as e:
                    if e.code == _CONFLICT and attempt + 1 < _ATTEMPTS:
                        continue
                    raise ProviderError(f"Error applying IAM policy for {path}: {e}") from e
            return


def _place(state):
    """Say which service has the policy, and its path there."""
    project = f"projects/{state['project']}"
    if "repository" in state:
        return "artifact_registry", f"{project}/locations/{state['location']}/repositories/{state['repository']}"
    return "resource_manager", project


def _members(policy, role):
    return [each for binding in policy.get("bindings", []) if _is_plain(binding, role) for each in binding["members"]]


def _is_plain(binding, role):
    """Say whether a binding is of this role, without a condition: with one it is another."""
    return binding["role"] == role and not binding.get("condition")
