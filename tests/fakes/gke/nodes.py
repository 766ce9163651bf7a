"""The nodes of a pool as objects of Kubernetes: named, labelled and tainted as GKE does, as large as ``size`` says."""

import hashlib
import json
from datetime import UTC, datetime

from kpo_provision.catalog import Cloud, load_catalog
from kpo_provision.local.simulated.stages import MARK
from kpo_provision.sizing.node import NodeImage, NodeRequest, Platform
from kpo_provision.sizing.shape import shape_node

POOL_ANNOTATION = "simulated-gke/pool"
_LABELS_ANNOTATION = "simulated-gke/labels"
_COMPLETE_ANNOTATION = "simulated-gke/complete"
TAKE_OVER = {"metadata": {"annotations": {MARK[0]: MARK[1]}}}
"""What hands a node to kwok."""
OPEN = {"metadata": {"annotations": {_COMPLETE_ANNOTATION: "true"}}, "spec": {"unschedulable": None}}
"""What lets pods onto a node: kwok never starts one that was bound before it had taken the node over."""
_EFFECTS = {"NO_SCHEDULE": "NoSchedule", "NO_EXECUTE": "NoExecute", "PREFER_NO_SCHEDULE": "PreferNoSchedule"}
_NOT_READY = "node.kubernetes.io/not-ready"
_PASSING = "node.kubernetes.io/"
"""Kubernetes' own taints come and go by themselves."""


def describe(path, record):
    """List all nodes that a pool should have, by name."""
    body, found = record["body"], {}
    parts = path.split("/")
    generation = hashlib.sha256(json.dumps([path, *_fixed(body)]).encode()).hexdigest()[:8]
    for zone, count in record["sizes"].items():
        for number in range(count):
            name = f"gke-{parts[5]}-{parts[7]}"[:46].rstrip("-") + f"-{generation}-{zone[-1]}{number:03d}"
            found[name] = {"object": _render(path, body, name=name, zone=zone), "shape": shape_of(body)}
    return found


def shape_of(body):
    """Work out one node of a pool."""
    config = body["config"]
    image = NodeImage.UBUNTU if config["imageType"].startswith("UBUNTU") else NodeImage.COS
    return shape_node(
        NodeRequest(
            platform=Platform.GKE,
            machine=load_catalog().find(config["machineType"], Cloud.GCP),
            version=body["version"],
            image=image,
            max_pods=int(body["maxPodsConstraint"]["maxPodsPerNode"]),
            disk_gib=int(config["diskSizeGb"]),
            image_streaming=bool(config.get("gcfsConfig", {}).get("enabled")),
        )
    )


def render_labels(body, *, zone):
    """Say which labels a node has, but its own name."""
    config = body["config"]
    spot = bool(config.get("spot"))
    return {
        "beta.kubernetes.io/instance-type": config["machineType"],
        "cloud.google.com/gke-boot-disk": config["diskType"],
        "cloud.google.com/gke-container-runtime": "containerd",
        "cloud.google.com/gke-max-pods-per-node": body["maxPodsConstraint"]["maxPodsPerNode"],
        "cloud.google.com/gke-nodepool": body["name"],
        "cloud.google.com/gke-os-distribution": config["imageType"].split("_")[0].lower(),
        "cloud.google.com/gke-provisioning": "spot" if spot else "standard",
        "cloud.google.com/machine-family": config["machineType"].split("-")[0],
        "kubernetes.io/arch": "amd64",
        "kubernetes.io/os": "linux",
        "node.kubernetes.io/instance-type": config["machineType"],
        "topology.kubernetes.io/region": zone.rpartition("-")[0],
        "topology.kubernetes.io/zone": zone,
        **({"cloud.google.com/gke-spot": "true"} if spot else {}),
        **(
            {"iam.gke.io/gke-metadata-server-enabled": "true"}
            if config.get("workloadMetadataConfig", {}).get("mode") == "GKE_METADATA"
            else {}
        ),
        **config.get("labels", {}),
    }


def render_taints(body):
    """Say which taints a node has."""
    return [
        {"key": taint["key"], "value": taint.get("value", ""), "effect": _EFFECTS[taint["effect"]]}
        for taint in body["config"].get("taints", [])
    ]


def render_status(node):
    """Say what a node has and offers, and that it is ready."""
    shape, now = node["shape"], datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    offered = shape.allocatable
    ready = {"type": "Ready", "status": "True", "reason": "Simulated", "message": "kwok answers for this node"}
    return {
        "capacity": {
            "cpu": str(shape.machine.vcpu),
            "memory": f"{shape.capacity_memory_ki}Ki",
            "ephemeral-storage": str(shape.capacity_ephemeral_bytes),
            "pods": str(shape.max_pods),
        },
        "allocatable": {
            "cpu": f"{offered.cpu_milli}m",
            "memory": f"{offered.memory_ki}Ki",
            "ephemeral-storage": str(offered.ephemeral_bytes),
            "pods": str(offered.pods),
        },
        "conditions": [{**ready, "lastHeartbeatTime": now, "lastTransitionTime": now}],
        "nodeInfo": {
            "kubeletVersion": f"v{shape.version}",
            "osImage": "simulated",
            "containerRuntimeVersion": "kwok://simulated",
            "operatingSystem": "linux",
            "architecture": "amd64",
        },
    }


def plan_change(there, wanted):
    """Say what to merge into a node whose pool was changed; nothing when it is as it should be."""
    metadata, target = there["metadata"], wanted["object"]
    labels, should = metadata.get("labels", {}), target["metadata"]["labels"]
    earlier = json.loads(metadata["annotations"].get(_LABELS_ANNOTATION, "[]"))
    different = {key: value for key, value in should.items() if labels.get(key) != value}
    different |= dict.fromkeys(key for key in earlier if key in labels and key not in should)
    taints = there["spec"].get("taints", [])
    kept = [taint for taint in taints if taint["key"].startswith(_PASSING)]
    own = [{"value": "", **taint} for taint in taints if taint not in kept]
    change = {}
    if different:
        kept_keys = target["metadata"]["annotations"][_LABELS_ANNOTATION]
        change["metadata"] = {"labels": different, "annotations": {_LABELS_ANNOTATION: kept_keys}}
    if sorted(own, key=str) != sorted(target["spec"]["taints"], key=str):
        change["spec"] = {"taints": [*kept, *target["spec"]["taints"]]}
    return change


def is_complete(node):
    """Whether a node got its numbers before whoever made it was killed."""
    return _COMPLETE_ANNOTATION in node["metadata"].get("annotations", {})


def is_ready(node):
    """Whether pods can be placed on a node: Kubernetes takes its own taint away a moment after it is ready."""
    held_back = any(taint["key"] == _NOT_READY for taint in node["spec"].get("taints", []))
    return (
        is_complete(node)
        and not held_back
        and any(
            condition["type"] == "Ready" and condition["status"] == "True"
            for condition in node.get("status", {}).get("conditions", [])
        )
    )


def holds_up(pod):
    """Whether a node that is drained has to wait for a pod."""
    owners = {owner["kind"] for owner in pod["metadata"].get("ownerReferences", [])}
    return not owners & {"DaemonSet", "Node"} and pod["status"].get("phase") not in ("Succeeded", "Failed")


def _fixed(body):
    """List what a machine cannot have changed: a pool in which that is changed gets other nodes."""
    config = body["config"]
    return [
        config["machineType"],
        config["imageType"],
        config["diskType"],
        str(config["diskSizeGb"]),
        body["version"],
        body["maxPodsConstraint"]["maxPodsPerNode"],
    ]


def _render(path, body, *, name, zone):
    labels = {**render_labels(body, zone=zone), "kubernetes.io/hostname": name}
    annotations = {POOL_ANNOTATION: path, _LABELS_ANNOTATION: json.dumps(sorted(body["config"].get("labels", {})))}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": labels, "annotations": annotations},
        "spec": {
            "providerID": f"gce://{path.split('/')[1]}/{zone}/{name}",
            "taints": render_taints(body),
            "unschedulable": True,
        },
    }
