"""kubernetes_default_service_account_v1: what is put on an account that Kubernetes makes."""

from tests.terraform.provider.errors import ProviderError
from tests.terraform.provider.kubernetes import FIELD_MANAGER, MERGE, path_of
from tests.terraform.provider.values import settle


class DefaultAccounts:
    def __init__(self, block, api):
        self._block = block
        self._api = api

    def create(self, planned):
        path = self._path(planned)
        while self._api.find(path) is None:
            if self._api.stopping.wait(0.1):
                raise ProviderError("interrupted while waiting for the default service account")
        return self._patch(planned)

    def update(self, _prior, planned):
        return self._patch(planned)

    def read(self, state):
        live = self._api.find(self._path(state))
        return None if live is None else self._flatten(state, live)

    def delete(self, state):
        self._api.call("DELETE", self._path(state))

    def load_import(self, given):
        raise ProviderError(f"the stand-in cannot import the service account {given}")

    def _patch(self, planned):
        body = {
            "metadata": {"labels": planned["metadata"][0]["labels"]},
            "automountServiceAccountToken": planned["automount_service_account_token"],
            "imagePullSecrets": [{"name": each["name"]} for each in planned["image_pull_secret"]],
        }
        live = self._api.call("PATCH", f"{self._path(planned)}?fieldManager={FIELD_MANAGER}", body, kind=MERGE)
        return self._flatten(settle(planned), live)

    @staticmethod
    def _path(state):
        return path_of("v1", "ServiceAccount", "default", state["metadata"][0]["namespace"])

    @staticmethod
    def _flatten(state, live):
        metadata = state["metadata"][0] | flatten_metadata(live)
        return state | {
            "automount_service_account_token": live.get("automountServiceAccountToken"),
            "default_secret_name": "",
            "id": f"{metadata['namespace']}/default",
            "image_pull_secret": [{"name": each["name"]} for each in live.get("imagePullSecrets") or []],
            "metadata": [metadata],
        }


def flatten_metadata(live):
    """Return what all resources keep of an object's metadata."""
    metadata = live["metadata"]
    return {
        "generation": metadata.get("generation", 0),
        "labels": metadata.get("labels") or {},
        "name": metadata["name"],
        "namespace": metadata["namespace"],
        "resource_version": metadata["resourceVersion"],
        "uid": metadata["uid"],
    }
