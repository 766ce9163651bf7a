"""Whom it costs something when node pools of a cloud go: the KPO pods that run there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from kpo_provision.plan import KPO_POD_LABEL
from kpo_provision.results import Disruption

if TYPE_CHECKING:
    from kpo_provision.kube.api import Api

GKE_POOL_KEY = "cloud.google.com/gke-nodepool"
"""GKE's own label on every node."""


def find_disruption(api: Api, doomed: Sequence[str], *, key: str) -> Disruption:
    """List the KPO pods that run on ``doomed`` pools, of which there is one at least.

    ``key`` is the label that says of a node in which pool it is.

    Raises:
        errors.ClusterError: The cluster does not answer, or refuses.
    """
    selector = f"{key} in ({','.join(sorted(doomed))})"
    homes = {
        node["metadata"]["name"]: node["metadata"]["labels"][key]
        for node in api.list("Node", label_selector=selector, metadata_only=True)
    }
    pods: dict[str, list[str]] = {}
    label, value = KPO_POD_LABEL
    running = "status.phase!=Succeeded,status.phase!=Failed"
    for pod in api.list("Pod", label_selector=f"{label}={value}", field_selector=running) if homes else ():
        home = homes.get(pod["spec"].get("nodeName", ""))
        if home is not None:
            pods.setdefault(home, []).append(f"{pod['metadata']['namespace']}/{pod['metadata']['name']}")
    return Disruption(pods={home: tuple(sorted(names)) for home, names in pods.items()})
