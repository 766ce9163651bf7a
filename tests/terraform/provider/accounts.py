"""Service accounts and grants. Nobody plays IAM here: what Terraform's state says is taken to be so."""

from tests.terraform.provider.google import ProviderError
from tests.terraform.provider.values import settle


class Accounts:
    def __init__(self, block, api):
        self._block = block
        self._api = api

    def create(self, planned):
        project = planned["project"] if isinstance(planned["project"], str) else self._api.project
        state = settle(planned) | {"project": project}
        if "account_id" in state:
            email = f"{state['account_id']}@{project}.iam.gserviceaccount.com"
            name = f"projects/{project}/serviceAccounts/{email}"
            more = {"email": email, "id": name, "member": f"serviceAccount:{email}", "name": name}
            return state | more | {"unique_id": "100000000000000000000"}
        place = project
        if "repository" in state:
            place = f"projects/{project}/locations/{state['location']}/repositories/{state['repository']}"
        return state | {"id": f"{place}/{state['role']}/{state['member']}", "etag": "BwYAAAAAAAA="}

    def read(self, state):
        return state

    def update(self, _prior, planned):
        return settle(planned)

    def delete(self, _state):
        pass

    def load_import(self, given):
        raise ProviderError(f"the stand-in cannot import {given}")
