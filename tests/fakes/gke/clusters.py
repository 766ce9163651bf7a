"""What a cluster is: what may be asked for, and what Google fills in."""

import hashlib
import re

from tests.fakes.gke import networks
from tests.fakes.gke.answers import RefusedError

VERSION = "1.34.4-gke.1230000"
_NAME = re.compile(r"[a-z]([-a-z0-9]{0,38}[a-z0-9])?")
_ZONE_LETTERS = {"europe-west1": "bcd", "us-east1": "bcd", "us-central1": "abc"}
_ZONE = re.compile(r"[a-z]+-[a-z]+\d+-[a-z]")


def zones_of(location):
    """List the zones in which a cluster of this region, or zone, has nodes."""
    if _ZONE.fullmatch(location):
        return [location]
    return [f"{location}-{letter}" for letter in _ZONE_LETTERS.get(location, "abc")]


def describe(name, *, project):
    """Describe a cluster to ask for, one that our node pools can be added to."""
    return {
        "name": name,
        "initialNodeCount": 1,
        "ipAllocationPolicy": {"useIpAliases": True},
        "workloadIdentityConfig": {"workloadPool": f"{project}.svc.id.goog"},
    }


def complete(body, *, path, location, endpoint, authority):
    """Judge a cluster that is asked for, and fill in what Google does."""
    name = body.get("name", "")
    if not _NAME.fullmatch(name):
        raise RefusedError(400, f'Invalid value for field "cluster.name": "{name}".')
    if not body.get("initialNodeCount") and not body.get("nodePools") and not body.get("autopilot", {}).get("enabled"):
        raise RefusedError(400, "Cluster.initial_node_count must be greater than zero.")
    asked = body.get("initialClusterVersion", "")
    version = VERSION if asked in ("", "-", "latest") or VERSION.startswith(asked) else asked
    given = {key: value for key, value in body.items() if key not in ("nodePools", "nodeConfig")}
    return {
        "clusterIpv4Cidr": "10.244.0.0/16",
        "loggingService": "logging.googleapis.com/kubernetes",
        "monitoringService": "monitoring.googleapis.com/kubernetes",
        "locations": zones_of(location),
        "legacyAbac": {},
        "releaseChannel": {"channel": "REGULAR"},
        "shieldedNodes": {"enabled": True},
        **given,
        **networks.complete(body, project=path.split("/")[1], location=location, endpoint=endpoint),
        "ipAllocationPolicy": {
            "useIpAliases": True,
            "stackType": "IPV4",
            "clusterIpv4CidrBlock": "10.244.0.0/16",
            "servicesIpv4CidrBlock": "10.96.0.0/12",
            **body.get("ipAllocationPolicy", {}),
        },
        "id": hashlib.sha256(path.encode()).hexdigest(),
        "initialClusterVersion": version,
        "currentMasterVersion": version,
        "currentNodeVersion": version,
        "endpoint": endpoint,
        "masterAuth": {"clusterCaCertificate": authority},
        "location": location,
        "zone": location,
        "selfLink": f"https://container.googleapis.com/v1/{path}",
        "createTime": "2026-11-23T00:00:00+00:00",
        "status": "PROVISIONING",
    }


def default_pools(body):
    """List the pools that come with a new cluster."""
    if body.get("autopilot", {}).get("enabled"):
        return []
    return body.get("nodePools") or [
        {
            "name": "default-pool",
            "initialNodeCount": body["initialNodeCount"],
            "config": body.get("nodeConfig", {}),
        }
    ]
