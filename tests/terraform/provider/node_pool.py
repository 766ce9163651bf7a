"""google_container_node_pool: the calls that the real provider makes for it, in its order."""

import time

from tests.terraform.provider import shapes
from tests.terraform.provider.errors import CreatedBrokenError, ProviderError
from tests.terraform.provider.google import ApiError, StoppedError, split_id
from tests.terraform.provider.values import UNKNOWN, settle

_OURS = (
    "cluster",
    "deletion_policy",
    "id",
    "ignore_node_count_changes",
    "location",
    "name_prefix",
    "operation",
    "project",
    "timeouts",
)
"""What Google's answer does not say."""
_RESTING = {"RUNNING", "RUNNING_WITH_ERROR", "STOPPING", "ERROR"}
_UPDATED_ONE_BY_ONE = {
    "disk_size_gb": "diskSizeGb",
    "disk_type": "diskType",
    "gcfs_config": "gcfsConfig",
    "image_type": "imageType",
    "kubelet_config": "kubeletConfig",
    "machine_type": "machineType",
    "workload_metadata_config": "workloadMetadataConfig",
}
_UPDATED_WHOLE = {
    "node_drain_config": "nodeDrainConfig",
    "node_locations": "locations",
    "upgrade_settings": "upgradeSettings",
}
_UPDATED_WRAPPED = {"labels": "labels", "resource_labels": "labels", "tags": "tags", "taint": "taints"}


class NodePools:
    def __init__(self, block, api):
        self._block = block
        self._api = api

    def create(self, planned):
        parent = _parent(planned, self._api)
        path = f"{parent}/nodePools/{planned['name']}"
        if self._exists(path):
            raise ProviderError(f"resource - {path} - already exists")
        body = shapes.expand(self._block, _without_ours(planned))
        if planned["autoscaling"]:
            body["autoscaling"]["enabled"] = True
        state = planned | {"id": path, "project": path.split("/")[1], "operation": None}
        try:
            self._api.run("POST", f"{parent}/nodePools", {"nodePool": body}, doing="creating GKE NodePool")
        except StoppedError as e:
            return settle(state | {"operation": e.operation})
        except ApiError as e:
            raise ProviderError(f"error creating NodePool: {e}") from e
        except ProviderError:
            # An operation may fail and leave a pool behind; then it is ours, and the next run sees it.
            if not self._exists(path):
                raise
        state = self.read(settle(state))
        status = self._rest(path)
        if status == "ERROR":
            raise CreatedBrokenError(f'NodePool {planned["name"]} was created in the error state "{status}"', state)
        return state

    def read(self, state, *, whole=False):
        """Return the state as Google has it; None where the pool is gone. ``whole``: all of it, as for an import."""
        parent, _, name = state["id"].rpartition("/nodePools/")
        if state.get("operation"):
            place = parent.rpartition("/clusters/")[0]
            self._api.wait_for_operation(f"{place}/operations/{state['operation']}", "resuming GKE node pool")
        try:
            pools = self._api.call("GET", f"{parent}/nodePools").get("nodePools", [])
        except ApiError as e:
            if e.code == 404:
                return None
            raise
        body = next((each for each in pools if each["name"] == name), None)
        if body is None:
            return None
        if not body.get("autoscaling", {}).get("enabled"):
            body.pop("autoscaling", None)
        fresh = shapes.flatten(self._block, body, None if whole else state)
        ours = {taint["key"] for config in state.get("node_config") or [] for taint in config["taint"]}
        for config in fresh["node_config"]:
            config["effective_taints"] = [
                {key: taint[key] for key in ("effect", "key", "value")} for taint in config["taint"]
            ]
            # Google sets taints too: only those whose keys Terraform has set before count as its own.
            config["taint"] = [taint for taint in config["taint"] if taint["key"] in ours]
        return fresh | {key: state.get(key) for key in _OURS} | {"operation": None}

    def update(self, prior, planned):
        path = prior["id"]
        parent, _, name = path.rpartition("/nodePools/")
        changed = {key for key in planned if planned[key] != prior[key] and planned[key] is not UNKNOWN}
        body = shapes.expand(self._block, _without_ours(planned))
        if "autoscaling" in changed:
            wanted = {"enabled": True, **body["autoscaling"]} if planned["autoscaling"] else {"enabled": False}
            update = {"update": {"desiredNodePoolId": name, "desiredNodePoolAutoscaling": wanted}}
            self._api.run("PUT", parent, update, doing="updating GKE node pool")
        if "node_config" in changed:
            self._update_config(path, prior["node_config"][0], planned["node_config"][0], body["config"])
        if "management" in changed:
            request = {"management": body["management"]}
            self._api.run("POST", f"{path}:setManagement", request, doing="updating GKE node pool management")
        for key, field in _UPDATED_WHOLE.items():
            if key in changed:
                self._api.run("PUT", path, {field: body[field]}, doing=f"updating GKE node pool {key}")
        return self.read(settle(planned | {"id": path}))

    def delete(self, state):
        if not self._exists(state["id"]):
            return
        self._rest(state["id"])
        try:
            self._api.run("DELETE", state["id"], None, doing="deleting GKE NodePool")
        except ApiError as e:
            raise ProviderError(f"Error deleting NodePool: {e}") from e

    def load_import(self, given):
        """Return the state with which an import begins."""
        project, location, cluster, name = split_id(given, 4)
        path = f"projects/{project}/locations/{location}/clusters/{cluster}/nodePools/{name}"
        own = {"cluster": cluster, "id": path, "location": location, "project": project, "deletion_policy": "DELETE"}
        return self.read(own, whole=True)

    def _update_config(self, path, before, after, body):
        for key in sorted(after):
            if before[key] == after[key] or after[key] is UNKNOWN or key == "effective_taints":
                continue
            camel = shapes.name_of(key)
            if key in _UPDATED_WRAPPED:
                request = {camel: {_UPDATED_WRAPPED[key]: body.get(camel, {} if key.endswith("labels") else [])}}
            elif key in _UPDATED_ONE_BY_ONE:
                request = {camel: body.get(camel, {})}
            else:
                raise ProviderError(f"the stand-in cannot change node_config.{key} of a pool")
            self._api.run("PUT", path, request, doing=f"updating GKE node pool {key}")

    def _exists(self, path):
        try:
            self._api.call("GET", path)
        except ApiError as e:
            if e.code == 404:
                return False
            raise
        return True

    def _rest(self, path, timeout_s=600.0):
        """Wait until nothing happens to the pool; returns its status."""
        deadline = time.monotonic() + timeout_s
        while (status := self._api.call("GET", path)["status"]) not in _RESTING:
            if time.monotonic() > deadline:
                raise ProviderError(f"timeout while waiting for {path} to rest: last state {status}")
            if self._api.stopping.wait(0.1):
                raise ProviderError(f"interrupted while {path} was {status}")
        return status


def _parent(state, api):
    project = state["project"] if isinstance(state["project"], str) else api.project
    if not project:
        raise ProviderError("project: required field is not set")
    return f"projects/{project}/locations/{state['location']}/clusters/{state['cluster']}"


def _without_ours(state):
    return {key: None if value is UNKNOWN or key in _OURS else value for key, value in settle(state).items()}
