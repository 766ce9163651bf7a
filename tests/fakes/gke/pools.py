"""What a node pool is: what may be asked for, and what Google fills in."""

import re

from kpo_provision.catalog import Cloud, UnknownMachineError, load_catalog
from tests.fakes.gke.answers import RefusedError

_NAME = re.compile(r"[a-z]([-a-z0-9]{0,38}[a-z0-9])?")
_CONFIG = {
    "machineType": "e2-medium",
    "diskSizeGb": 100,
    "diskType": "pd-balanced",
    "imageType": "COS_CONTAINERD",
    "oauthScopes": ["https://www.googleapis.com/auth/cloud-platform"],
    "serviceAccount": "default",
    "metadata": {"disable-legacy-endpoints": "true"},
    "shieldedInstanceConfig": {"enableIntegrityMonitoring": True},
}
_UPDATED = {
    # Field of UpdateNodePoolRequest: where it goes in the pool's config, and under which key its value comes.
    "labels": ("labels", "labels"),
    "taints": ("taints", "taints"),
    "tags": ("tags", "tags"),
    "resourceLabels": ("resourceLabels", "labels"),
    "machineType": ("machineType", None),
    "diskSizeGb": ("diskSizeGb", None),
    "diskType": ("diskType", None),
    "imageType": ("imageType", None),
    "kubeletConfig": ("kubeletConfig", None),
    "linuxNodeConfig": ("linuxNodeConfig", None),
    "gcfsConfig": ("gcfsConfig", None),
    "gvnic": ("gvnic", None),
    "workloadMetadataConfig": ("workloadMetadataConfig", None),
    "loggingConfig": ("loggingConfig", None),
    "containerdConfig": ("containerdConfig", None),
}
_EMPTIED = ("labels", "taints", "tags", "resourceLabels")
"""What an update may take away: sent empty, it comes without its inner key."""


def complete(body, *, path, zones, version):
    """Judge a pool that is asked for, and fill in what Google does."""
    name = body.get("name", "")
    if not _NAME.fullmatch(name):
        raise RefusedError(
            400, f'Invalid value for field "node_pool.name": "{name}". Must be a match of regex \'{_NAME.pattern}\'.'
        )
    config = {**_CONFIG, **body.get("config", {})}
    config["metadata"] = {**_CONFIG["metadata"], **config["metadata"]}
    pool = {
        "initialNodeCount": 0,
        "locations": list(zones),
        "version": version,
        "management": {"autoUpgrade": True, "autoRepair": True},
        "upgradeSettings": {"maxSurge": 1, "strategy": "SURGE"},
        "maxPodsConstraint": {"maxPodsPerNode": "110"},
        **body,
        "config": config,
        "selfLink": f"https://container.googleapis.com/v1/{path}",
        "status": "PROVISIONING",
        # No instanceGroupUrls: whoever finds some asks the Compute API for them, which nobody plays here.
    }
    pool["podIpv4CidrSize"] = _node_prefix(int(pool["maxPodsConstraint"]["maxPodsPerNode"]))
    judge_machine(config["machineType"], zone=pool["locations"][0])
    judge_autoscaling(pool.get("autoscaling", {}))
    return pool


def update(pool, request):
    """Change a pool as an update asks."""
    for field, (target, inner) in _UPDATED.items():
        if field in request:
            value = request[field]
            pool["config"][target] = value.get(inner, {}) if inner else value
            if field in _EMPTIED and not pool["config"][target]:
                del pool["config"][target]
    for field in ("upgradeSettings", "locations", "nodeDrainConfig"):
        if field in request:
            pool[field] = request[field]
    if request.get("nodeVersion") not in (None, "-"):
        pool["version"] = request["nodeVersion"]
    judge_machine(pool["config"]["machineType"], zone=pool["locations"][0])


def judge_machine(name, *, zone):
    try:
        return load_catalog().find(name, Cloud.GCP)
    except UnknownMachineError as e:
        raise RefusedError(400, f'Machine type with name "{name}" does not exist in zone "{zone}".') from e


def judge_autoscaling(wanted):
    per_zone = wanted.get("minNodeCount", 0), wanted.get("maxNodeCount", 0)
    total = wanted.get("totalMinNodeCount", 0), wanted.get("totalMaxNodeCount", 0)
    if any(per_zone) and any(total):
        raise RefusedError(400, "Autoscaling: total node counts and node counts per zone are mutually exclusive.")
    if wanted.get("enabled") and not (per_zone[1] or total[1]):
        raise RefusedError(400, "Autoscaling: max_node_count must be greater than zero.")
    if per_zone[0] > per_zone[1] or total[0] > total[1]:
        raise RefusedError(400, "Autoscaling: min_node_count must not be greater than max_node_count.")


def first_sizes(pool):
    """Say how many nodes each zone starts with."""
    wanted = pool.get("autoscaling", {})
    count = max(pool["initialNodeCount"], wanted.get("minNodeCount", 0))
    sizes = dict.fromkeys(pool["locations"], count)
    while sum(sizes.values()) < wanted.get("totalMinNodeCount", 0):
        sizes[min(sizes, key=sizes.get)] += 1
    return sizes


def _node_prefix(max_pods):
    if not 8 <= max_pods <= 256:
        raise RefusedError(400, f"Max pods constraint on node pools must be between 8 and 256, not {max_pods}.")
    return 32 - (2 * max_pods - 1).bit_length()
