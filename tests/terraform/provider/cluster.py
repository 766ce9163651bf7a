"""google_container_cluster, made and deleted; of one that is there only what others read is read again."""

from tests.terraform.provider import shapes
from tests.terraform.provider.errors import ProviderError
from tests.terraform.provider.google import ApiError, split_id
from tests.terraform.provider.values import settle

_PLACED = {
    "datapath_provider": ("networkConfig", "datapathProvider"),
    "enable_intranode_visibility": ("networkConfig", "enableIntraNodeVisibility"),
    "enable_shielded_nodes": ("shieldedNodes", "enabled"),
    "min_master_version": ("initialClusterVersion",),
}
_SENT = (
    "addonsConfig",
    "authenticatorGroupsConfig",
    "costManagementConfig",
    "initialNodeCount",
    "ipAllocationPolicy",
    "locations",
    "loggingConfig",
    "masterAuth",
    "monitoringConfig",
    "name",
    "network",
    "releaseChannel",
    "resourceLabels",
    "securityPostureConfig",
    "subnetwork",
    "workloadIdentityConfig",
)
_CHANGEABLE = {"deletion_protection", "remove_default_node_pool", "resource_labels"}
_ATTRIBUTION = {"goog-terraform-provisioned": "true"}
"""A label that the provider adds to whatever it makes."""


class Clusters:
    def __init__(self, block, api):
        self._block = block
        self._api = api

    def create(self, planned):
        project = planned["project"] if isinstance(planned["project"], str) else self._api.project
        parent = f"projects/{project}/locations/{planned['location']}"
        path = f"{parent}/clusters/{planned['name']}"
        body = _expand(self._block, settle(planned))
        try:
            self._api.run("POST", f"{parent}/clusters", {"cluster": body}, doing="creating GKE cluster")
        except ApiError as e:
            raise ProviderError(str(e)) from e
        if planned["remove_default_node_pool"]:
            self._remove_first_pool(path)
        return self.read(settle(planned | {"id": path, "project": project}))

    def read(self, state):
        body = self._find(state["id"])
        if body is None:
            return None
        return state | _read_computed(body) | {"master_auth": _master_auth(body)}

    def update(self, prior, planned):
        """Change what only Terraform knows of, and take the first pool away; the stand-in changes nothing else."""
        changed = sorted(key for key in planned if planned[key] != prior[key])
        if set(changed) - _CHANGEABLE:
            raise ProviderError(f"the stand-in cannot change a cluster's {', '.join(changed)}")
        if planned["remove_default_node_pool"] and not prior["remove_default_node_pool"]:
            self._remove_first_pool(prior["id"])
        return settle(planned)

    def delete(self, state):
        if state.get("deletion_protection"):
            raise ProviderError(
                "Cannot destroy cluster because deletion_protection is set to true. Set it to false to proceed with "
                "cluster deletion."
            )
        self._remove(state["id"], doing="deleting GKE cluster")

    def load_import(self, given):
        """Return the state with which an import begins: what Google says, in Terraform's words."""
        project, location, name = split_id(given, 3)
        path = f"projects/{project}/locations/{location}/clusters/{name}"
        body = self._find(path)
        if body is None:
            return None
        own = {"deletion_protection": True, "id": path, "location": location, "project": project}
        return _flatten(self._block, body) | _read_computed(body) | own

    def _remove_first_pool(self, cluster):
        self._remove(f"{cluster}/nodePools/default-pool", doing="removing default node pool")

    def _find(self, path):
        try:
            return self._api.call("GET", path)
        except ApiError as e:
            if e.code == 404:
                return None
            raise

    def _remove(self, path, *, doing):
        try:
            self._api.run("DELETE", path, None, doing=doing)
        except ApiError as e:
            if e.code != 404:
                raise


class ClusterData:
    def __init__(self, block, api):
        self._block = block
        self._api = api

    def read(self, config):
        project = config["project"] or self._api.project
        path = f"projects/{project}/locations/{config['location']}/clusters/{config['name']}"
        try:
            body = self._api.call("GET", path)
        except ApiError as e:
            if e.code == 404:
                raise ProviderError(f"{path} not found") from e
            raise
        state = dict.fromkeys(each.name for each in self._block.attributes) | _read_computed(body)
        policy = body.get("ipAllocationPolicy", {})
        if not policy.get("useIpAliases"):
            policy = {}
        return state | {
            "datapath_provider": body.get("networkConfig", {}).get("datapathProvider", ""),
            "enable_autopilot": body.get("autopilot", {}).get("enabled", False),
            "id": path,
            "ip_allocation_policy": [_fill(self._type("ip_allocation_policy"), policy)] if policy else [],
            "location": config["location"],
            "master_auth": _master_auth(body),
            "name": config["name"],
            "project": project,
            "release_channel": [{"channel": body.get("releaseChannel", {}).get("channel", "UNSPECIFIED")}],
            "workload_identity_config": [
                {"workload_pool": pool} for pool in [body.get("workloadIdentityConfig", {}).get("workloadPool")] if pool
            ],
        }

    def _type(self, name):
        return next(each.type[1][1] for each in self._block.attributes if each.name == name)


def _expand(block, state):
    body = shapes.expand(block, state)
    # Both have a name of their own in Google's messages, which a node pool shares.
    wanted = {key: value for key, value in body.items() if key in _SENT}
    if "config" in body:
        wanted["nodeConfig"] = body["config"]
    for key, place in _PLACED.items():
        if state.get(key) is not None:
            *outer, last = place
            target = wanted.setdefault(outer[0], {}) if outer else wanted
            target[last] = state[key]
    if state.get("networking_mode") == "VPC_NATIVE":
        wanted.setdefault("ipAllocationPolicy", {})["useIpAliases"] = True
    if "authenticatorGroupsConfig" in wanted:
        wanted["authenticatorGroupsConfig"]["enabled"] = True
    wanted["resourceLabels"] = _ATTRIBUTION | wanted.get("resourceLabels", {})
    _place_on_network(wanted, body)
    return wanted


def _flatten(block, body):
    """Read a cluster as for an import: what stands elsewhere in Google's messages is put where Terraform has it."""
    state = shapes.flatten(block, {key: value for key, value in body.items() if key != "nodePools"}, None)
    for key, place in _PLACED.items():
        found = body
        for step in place:
            found = (found or {}).get(step)
        state[key] = found
    state["networking_mode"] = "VPC_NATIVE" if body["ipAllocationPolicy"].get("useIpAliases") else "ROUTES"
    return state | {"master_auth": _master_auth(body)}


def _place_on_network(wanted, body):
    """Say in the newer form how API server and nodes are reached; what Terraform calls them is the older one."""
    private = body.get("privateClusterConfig", {})
    authorized = body.get("masterAuthorizedNetworksConfig")
    endpoints = {
        "authorizedNetworksConfig": {"enabled": authorized is not None, **(authorized or {})},
        "enablePublicEndpoint": not private.get("enablePrivateEndpoint", False),
        "enabled": True,
    }
    wanted["controlPlaneEndpointsConfig"] = {"ipEndpointsConfig": endpoints}
    nodes = {"defaultEnablePrivateNodes": private.get("enablePrivateNodes", False)}
    wanted["networkConfig"] = wanted.get("networkConfig", {}) | nodes


def _read_computed(body):
    return {
        "endpoint": body.get("endpoint"),
        "master_version": body.get("currentMasterVersion"),
        "self_link": body.get("selfLink"),
        "node_locations": body.get("locations", []),
    }


def _master_auth(body):
    given = body.get("masterAuth", {})
    issue = given.get("clientCertificateConfig", {}).get("issueClientCertificate", False)
    return [
        {
            "client_certificate": given.get("clientCertificate", ""),
            "client_certificate_config": [{"issue_client_certificate": issue}],
            "client_key": given.get("clientKey", ""),
            "cluster_ca_certificate": given.get("clusterCaCertificate", ""),
        }
    ]


def _fill(kind, body):
    """Read one object whose type is given by name, with nothing for what Google does not say."""
    return {name: _fill_one(each, body.get(shapes.name_of(name))) for name, each in kind.items()}


def _fill_one(kind, value):
    if isinstance(kind, list) and kind[0] in ("list", "set"):
        values = [] if value is None else value if isinstance(value, list) else [value]
        return [_fill(kind[1][1], each) if isinstance(kind[1], list) else each for each in values]
    return value
