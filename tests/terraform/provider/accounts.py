"""google_service_account: made, changed in place and deleted through IAM."""

from tests.terraform.provider.errors import ProviderError
from tests.terraform.provider.google import ApiError
from tests.terraform.provider.values import settle

_CHANGED = {"description": "description", "display_name": "displayName"}


class Accounts:
    def __init__(self, block, api):
        self._block = block
        self._api = api

    def complete(self, prior, planned):
        """Say of an account that is to be made what follows from its ID, as the real provider does."""
        if prior is not None:
            return planned
        project, own = planned["project"] or self._api.project, planned["account_id"]
        if not isinstance(project, str) or not isinstance(own, str):
            return planned
        email = f"{own}@{project}.iam.gserviceaccount.com"
        return planned | {"email": email, "member": f"serviceAccount:{email}"}

    def create(self, planned):
        project = planned["project"] if isinstance(planned["project"], str) else self._api.project
        state = settle(planned)
        request = {"accountId": state["account_id"], "serviceAccount": _expand(state)}
        try:
            body = self._call("POST", f"projects/{project}/serviceAccounts", request)
        except ApiError as e:
            if e.code != 409 or not state["create_ignore_already_exists"]:
                raise ProviderError(f"Error creating service account: {e}") from e
            email = f"{state['account_id']}@{project}.iam.gserviceaccount.com"
            body = self._call("GET", f"projects/{project}/serviceAccounts/{email}")
        return _flatten(state, body)

    def read(self, state):
        try:
            return _flatten(state, self._call("GET", state["id"]))
        except ApiError as e:
            if e.code == 404:
                return None
            raise

    def update(self, prior, planned):
        changed = [key for key in _CHANGED if planned[key] != prior[key]]
        state = settle(planned)
        if changed:
            request = {"serviceAccount": _expand(state), "updateMask": ",".join(changed)}
            self._call("PATCH", prior["id"], request)
        return self.read(state)

    def delete(self, state):
        try:
            self._call("DELETE", state["id"])
        except ApiError as e:
            if e.code != 404:
                raise ProviderError(f"Error deleting service account: {e}") from e

    def load_import(self, given):
        raise ProviderError(f"the stand-in cannot import the service account {given}")

    def _call(self, method, path, body=None):
        return self._api.call(method, path, body, service="iam_beta")


def _expand(state):
    return {field: state[key] for key, field in _CHANGED.items() if state[key]}


def _flatten(state, body):
    return state | {
        "account_id": body["email"].partition("@")[0],
        "description": body.get("description", ""),
        "disabled": body.get("disabled", False),
        "display_name": body.get("displayName", ""),
        "email": body["email"],
        "id": body["name"],
        "member": f"serviceAccount:{body['email']}",
        "name": body["name"],
        "project": body["projectId"],
        "unique_id": body["uniqueId"],
    }
