"""What runs of a local cluster, and how it is: asked, never changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from kpo_provision import errors
from kpo_provision.local import control, launch, nodes, reuse, waiting
from kpo_provision.local.api_client import ApiClient
from kpo_provision.local.options import Layout, LocalOptions
from kpo_provision.local.recipes import COMPONENTS, SIMULATED_COMPONENTS

_API_TIMEOUT_S = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class DaemonStatus:
    """One daemon of the cluster."""

    name: str
    state: str
    """waiting, starting, ready or ended."""
    pid: int
    """As this machine counts; 0 when it has no process."""
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeStatus:
    """One node of the cluster."""

    name: str
    pool: str
    ready: bool
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalStatus:
    """The whole cluster."""

    running: bool
    simulated: bool
    """Whether the nodes are simulated; told of a cluster that is down as well."""
    home: Path
    server: str
    registry_port: int
    """0 where there is no registry."""
    daemons: tuple[DaemonStatus, ...]
    nodes: tuple[NodeStatus, ...]
    versions: tuple[tuple[str, str], ...]
    problem: str = ""
    """Why the cluster cannot be worked with, in one sentence; empty when it can, or when it is down."""


def read_status(options: LocalOptions) -> LocalStatus:
    """Ask the supervisor, the API server and the kernel."""
    layout = options.layout
    state = control.ask_supervisor(layout.control, control.STATUS)
    simulated = bool(reuse.read_simulated(layout))
    left = launch.list_processes(options)
    problem = ""
    daemons: tuple[DaemonStatus, ...] = ()
    node_states: tuple[NodeStatus, ...] = ()
    settings = state.settings if state else {"api_port": options.api_port}
    if state is not None:
        pids = {pid: pid for pid in left} if simulated else _map_pids(left)
        daemons = tuple(
            DaemonStatus(name=one.name, state=one.state, pid=pids.get(one.pid, 0), detail=one.detail)
            for one in state.daemons
            if one.state != "done"
        )
        problem = "; ".join(f"{one.name}: {one.detail}" for one in state.ended)
        try:
            node_states = _read_nodes(layout, state)
        except errors.ClusterError as e:
            problem = problem or str(e)
    elif left:
        problem = f"{len(left)} processes of a cluster whose supervisor does not answer are left"
    components = SIMULATED_COMPONENTS if simulated else COMPONENTS
    return LocalStatus(
        running=state is not None,
        simulated=simulated,
        home=options.home,
        server=f"https://127.0.0.1:{settings['api_port']}",
        registry_port=0 if simulated else int(settings.get("registry_port", options.registry_port)),
        daemons=daemons,
        nodes=node_states,
        versions=tuple((component.name, component.version) for component in components),
        problem=problem,
    )


def _read_nodes(layout: Layout, state: control.SupervisorState) -> tuple[NodeStatus, ...]:
    started_at = {daemon.name: daemon.started_at for daemon in state.daemons}
    with ApiClient(layout, port=int(state.settings["api_port"]), timeout_s=_API_TIMEOUT_S) as api:
        found = {node["metadata"]["name"]: node for node in api.read("/api/v1/nodes")["items"]}
    answers = []
    for record in nodes.load_records(layout):
        problem = waiting.describe_unready(found.get(record.name), since=started_at.get(f"kubelet-{record.name}", 0))
        answers.append(NodeStatus(name=record.name, pool=record.pool, ready=not problem, detail=problem))
    return tuple(answers)


def _map_pids(outside: Sequence[int]) -> dict[int, int]:
    """Map a pid as the cluster counts to the one that this machine knows it by."""
    pids = {}
    for pid in outside:
        try:
            lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            continue
        for line in lines:
            if line.startswith("NSpid:") and len(line.split()) == 3:
                pids[int(line.split()[-1])] = pid
    return pids
