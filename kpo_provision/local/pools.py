"""Pool nodes: one for each pool that is asked for, real or simulated as the cluster is, and none for any other."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kpo_provision import errors
from kpo_provision.local import cluster, control, machine, nodes, waiting
from kpo_provision.local.api_client import ApiClient
from kpo_provision.local.inotify import NODE_INSTANCES, check_inotify
from kpo_provision.local.options import Layout, LocalOptions
from kpo_provision.local.programs import ensure_programs
from kpo_provision.local.simulated.nodes import apply_node
from kpo_provision.local.state_lock import hold_lock
from kpo_provision.progress import Progress


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolNode:
    """The node that stands for one pool."""

    pool: str
    labels: Mapping[str, str]
    taints: tuple[nodes.Taint, ...]
    """Key, value, effect."""

    @property
    def name(self) -> str:
        """The node's name."""
        return f"{nodes.POOL_PREFIX}{self.pool}"

    def record(self, index: int) -> nodes.NodeRecord:
        """The node as it is kept on disk."""
        return nodes.NodeRecord(
            name=self.name, index=index, pool=self.pool, labels=dict(self.labels), taints=self.taints
        )


def ensure_pools(options: LocalOptions, pools: Sequence[PoolNode], progress: Progress) -> tuple[str, ...]:
    """Make the nodes of the running cluster be those of ``pools``; return what was changed, for people to read."""
    layout = options.layout
    with hold_lock(layout.lock, progress):
        state = control.ask_supervisor(layout.control, control.STATUS)
        if state is None:
            raise errors.LocalClusterError("the local cluster does not run", hint="kpo-provision local up")
        with ApiClient(layout, port=int(state.settings["api_port"])) as api:
            prepare = _prepare_simulated(layout, api) if state.is_simulated else _prepare_real(options, progress)
            removed = _remove_others(layout, pools, api)
            before = {record.name: record for record in nodes.load_records(layout)}
            added = [pool for pool in pools if pool.name not in before]
            if not state.is_simulated:
                check_inotify(NODE_INSTANCES * len(added))
            for pool in added:
                prepare(pool.record(nodes.find_free_index(nodes.load_records(layout))))
            _start_nodes(options, pools, api, progress, sync=bool(added))
            changed = []
            for pool in pools:
                record = before.get(pool.name)
                if _update_node(pool, api, record.labels if record else {}):
                    changed.append(f"labels and taints of node {pool.name} changed")
                # The API server first: a run that is killed in between finds the old labels here, and mends it again.
                if record is not None and record != pool.record(record.index):
                    prepare(pool.record(record.index))
    return (*removed, *(f"node {pool.name} added" for pool in added), *changed)


def _prepare_real(options: LocalOptions, progress: Progress) -> Callable[[nodes.NodeRecord], None]:
    found = machine.check_machine()
    cni = ensure_programs(options.cache, progress)["ptp"].parent

    def prepare(record: nodes.NodeRecord) -> None:
        cluster.prepare_node(options.layout, record, cgroup=options.cgroup, found=found, cni=cni)

    return prepare


def _prepare_simulated(layout: Layout, api: ApiClient) -> Callable[[nodes.NodeRecord], None]:
    def prepare(record: nodes.NodeRecord) -> None:
        nodes.write_record(layout, record)
        apply_node(api, record)

    return prepare


def _remove_others(layout: Layout, pools: Sequence[PoolNode], api: ApiClient) -> list[str]:
    wanted = {pool.name for pool in pools} | {nodes.SYSTEM_NODE}
    registered = {node["metadata"]["name"] for node in api.read("/api/v1/nodes")["items"]}
    on_disk = {folder.name for folder in layout.nodes.iterdir()}
    # A run that was killed may have left any one of the three: a folder, a node, its pods.
    others = sorted((registered | on_disk) - wanted)
    for name in others:
        (layout.nodes / name / "node.json").unlink(missing_ok=True)
    if others:
        control.ask_supervisor(layout.control, control.SYNC)
    for name in others:
        for pod in api.read(f"/api/v1/pods?fieldSelector=spec.nodeName={name}")["items"]:
            api.delete(f"/api/v1/namespaces/{pod['metadata']['namespace']}/pods/{pod['metadata']['name']}")
        api.delete(f"/api/v1/nodes/{name}")
        shutil.rmtree(layout.nodes / name, ignore_errors=True)
    return [f"node {name} removed" for name in others]


def _start_nodes(
    options: LocalOptions, pools: Sequence[PoolNode], api: ApiClient, progress: Progress, *, sync: bool
) -> None:
    if not pools:
        return
    names = [pool.name for pool in pools]
    with progress.step("Start the nodes of the pools" if sync else "Check the nodes of the pools") as step:
        if sync:
            control.ask_supervisor(options.layout.control, control.SYNC)
        waiting.wait_for_daemons(options, (), say=step.say)
        waiting.wait_for_nodes(options.layout, api, names, say=step.say)


def _update_node(pool: PoolNode, api: ApiClient, previous: Mapping[str, str]) -> bool:
    """Set what a kubelet sets only when it registers, or may not set; return whether anything was different."""
    path = f"/api/v1/nodes/{pool.name}"
    changes = plan_node_changes(api.read(path), pool, previous=previous)
    if changes:
        api.patch(path, changes)
    return bool(changes)


def plan_node_changes(node: Mapping[str, Any], pool: PoolNode, *, previous: Mapping[str, str]) -> dict[str, Any]:
    """Say what to merge into ``node``: the pool's labels and taints in, labels that it had ``previous``ly out."""
    changes: dict[str, Any] = {}
    labels = node["metadata"].get("labels", {})
    different: dict[str, str | None] = {key: value for key, value in pool.labels.items() if labels.get(key) != value}
    different.update(dict.fromkeys(key for key in previous if key in labels and key not in pool.labels))
    if different:
        changes["metadata"] = {"labels": different}
    wanted = [{"key": key, "value": value, "effect": effect} for key, value, effect in pool.taints]
    present = [
        {"key": taint["key"], "value": taint.get("value", ""), "effect": taint["effect"]}
        for taint in node.get("spec", {}).get("taints", ())
    ]
    # Kubernetes' own taints (not-ready, unreachable, pressure) come and go by themselves.
    passing = [taint for taint in present if taint["key"].startswith("node.kubernetes.io/")]
    ours = [taint for taint in present if taint not in passing]
    if sorted(ours, key=str) != sorted(wanted, key=str):
        changes["spec"] = {"taints": [*passing, *wanted]}
    return changes
