"""kubernetes_secret_v1, as far as arguments go that are written and never kept."""

import base64

from tests.terraform.provider.cluster_accounts import flatten_metadata
from tests.terraform.provider.errors import ProviderError
from tests.terraform.provider.kubernetes import FIELD_MANAGER, MERGE, path_of
from tests.terraform.provider.values import settle


class ClusterSecrets:
    wants_config = True

    def __init__(self, block, api):
        self._block = block
        self._api = api

    def complete(self, _prior, planned):
        """Keep nothing of the data, and know none."""
        return planned | {"data": None, "data_wo": None, "binary_data_wo": None}

    def create(self, planned, config):
        metadata = planned["metadata"][0]
        body = self._render(planned, config)
        path = path_of("v1", "Secret", "", metadata["namespace"]).rstrip("/")
        live = self._api.call("POST", f"{path}?fieldManager={FIELD_MANAGER}", body)
        return self._flatten(settle(planned), live)

    def update(self, prior, planned, config):
        body = self._render(planned, config)
        if prior["data_wo_revision"] == planned["data_wo_revision"]:
            del body["data"]
        live = self._api.call("PATCH", f"{self._path(prior)}?fieldManager={FIELD_MANAGER}", body, kind=MERGE)
        return self._flatten(settle(planned), live)

    def read(self, state):
        live = self._api.find(self._path(state))
        return None if live is None else self._flatten(state, live)

    def delete(self, state):
        self._api.delete(self._path(state))

    def load_import(self, given):
        raise ProviderError(f"the stand-in cannot import the secret {given}")

    @staticmethod
    def _path(state):
        metadata = state["metadata"][0]
        return path_of("v1", "Secret", metadata["name"], metadata["namespace"])

    @staticmethod
    def _render(planned, config):
        metadata = {key: planned["metadata"][0][key] for key in ("name", "namespace", "labels")}
        data = {key: base64.b64encode(value.encode()).decode() for key, value in (config["data_wo"] or {}).items()}
        return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": planned["type"], "data": data}

    @staticmethod
    def _flatten(state, live):
        metadata = state["metadata"][0] | flatten_metadata(live) | {"generate_name": ""}
        place = f"{metadata['namespace']}/{metadata['name']}"
        kept = {"id": place, "metadata": [metadata], "immutable": bool(live.get("immutable")), "type": live["type"]}
        return state | kept | {"data": None, "data_wo": None, "binary_data_wo": None}
