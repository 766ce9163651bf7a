"""``up`` and ``down``: the order in which a local cluster comes to life, and how it ends.

What makes certificates is imported where one is made: a cluster that runs does without it, and it loads slowly.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import kpo_provision
from kpo_provision.local import bootstrap, control, images, kubeconfigs, launch, machine, nodes, reuse, waiting
from kpo_provision.local.api_client import ApiClient
from kpo_provision.local.control_plane import write_proxy_configuration
from kpo_provision.local.inotify import CONTROL_PLANE_INSTANCES, NODE_INSTANCES, check_inotify
from kpo_provision.local.options import INSIDE, Layout, LocalOptions
from kpo_provision.local.private_registry import PROBE_REPOSITORY, PROBE_TAG, ensure_registry, push_image
from kpo_provision.local.programs import ensure_programs
from kpo_provision.local.recipes import COMPONENTS, JOIN_COMPONENTS, KUBERNETES_VERSION, SIMULATED_COMPONENTS
from kpo_provision.local.state_lock import hold_lock
from kpo_provision.progress import Progress

PROBE_IMAGE = f"{nodes.REGISTRY_SERVER}/{PROBE_REPOSITORY}:{PROBE_TAG}"
_COMPONENT_USERS = {
    "controller-manager": "system:kube-controller-manager",
    "scheduler": "system:kube-scheduler",
    "proxy": "system:kube-proxy",
    "netpol": "kpo-netpol",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalCluster:
    """A running local cluster, and what is needed to work with it."""

    kubeconfig: Path
    server: str
    kubernetes_version: str
    registry_server: str
    docker_config: Path
    probe_image: str
    pools: tuple[str, ...]
    simulated: bool


def up(options: LocalOptions, progress: Progress) -> LocalCluster:
    """Bring the local cluster up, from whatever state it is in, and wait until it can be worked with."""
    is_simulated = reuse.choose_simulated(options)
    bring_up = _prepare_simulated(options, progress) if is_simulated else _prepare(options, progress)
    with hold_lock(options.layout.lock, progress):
        was_running = control.ask_supervisor(options.layout.control, control.STATUS) is not None
        try:
            bring_up()
        except KeyboardInterrupt:
            if not was_running:
                # Half a cluster is of no use to anybody, and would run on unseen.
                launch.stop_supervisor(options)
            raise
        return describe_cluster(options.layout, api_port=options.api_port, simulated=is_simulated)


def build(options: LocalOptions, progress: Progress) -> tuple[Path, ...]:
    """Make sure that every program is in the cache, those of simulated clusters and of joins too."""
    built: dict[str, Path] = {}
    for components in (COMPONENTS, SIMULATED_COMPONENTS, JOIN_COMPONENTS):
        built |= ensure_programs(options.cache, progress, components=components)
    return tuple(sorted({program.parent for program in built.values()}))


def down(options: LocalOptions, progress: Progress, *, purge: bool = False) -> None:
    """End the local cluster; with ``purge`` forget everything that it held."""
    if not options.home.exists():
        # Somebody deleted it, perhaps while the cluster ran; there is nothing left to lock.
        launch.stop_supervisor(options)
        return
    if reuse.read_simulated(options.layout) is False:
        machine.check_root()
    with hold_lock(options.layout.lock, progress), progress.step("Stop the local cluster"):
        launch.stop_supervisor(options)
        if purge:
            shutil.rmtree(options.home, ignore_errors=True)


def read_cluster(options: LocalOptions) -> LocalCluster | None:
    """Describe the running cluster, or None when it does not run."""
    state = control.ask_supervisor(options.layout.control, control.STATUS)
    if state is None:
        return None
    return describe_cluster(options.layout, api_port=int(state.settings["api_port"]), simulated=state.is_simulated)


def describe_cluster(layout: Layout, *, api_port: int, simulated: bool) -> LocalCluster:
    """Describe the cluster in ``layout`` to those who use it."""
    return LocalCluster(
        kubeconfig=layout.kubeconfig,
        server=f"https://127.0.0.1:{api_port}",
        kubernetes_version=KUBERNETES_VERSION,
        registry_server=nodes.REGISTRY_SERVER,
        docker_config=layout.docker_config,
        probe_image=PROBE_IMAGE,
        pools=tuple(record.pool for record in nodes.load_records(layout) if record.pool),
        simulated=simulated,
    )


def prepare_node(layout: Layout, record: nodes.NodeRecord, *, cgroup: str, found: machine.Machine, cni: Path) -> None:
    """Write all that a node needs on disk, its identity included."""
    from kpo_provision.local import pki

    folder = layout.nodes / record.name
    nodes.prepare_node(
        layout,
        record,
        cgroup=cgroup,
        has_sys_resource=found.has_sys_resource,
        runc=found.programs["runc"],
        cni=cni,
    )
    pki.ensure_certificate(pki.node_identity(record.name, record.address), directory=folder, authority=layout.pki)
    kubeconfigs.write_component_kubeconfig(
        f"system:node:{record.name}",
        target=folder / "kubelet.kubeconfig",
        certificate=INSIDE.nodes / record.name / "kubelet.crt",
    )
    nodes.write_record(layout, record)


def _prepare_simulated(options: LocalOptions, progress: Progress) -> Callable[[], None]:
    from kpo_provision.local.simulated import cluster as simulated

    return simulated.prepare(options, progress)


def _prepare(options: LocalOptions, progress: Progress) -> Callable[[], None]:
    found = machine.check_machine()
    programs = ensure_programs(options.cache, progress)

    def bring_up() -> None:
        _start(options, found, programs, progress)
        _make_usable(options, found, progress)

    return bring_up


def _start(options: LocalOptions, found: machine.Machine, programs: Mapping[str, Path], progress: Progress) -> None:
    layout = options.layout
    settings = _make_settings(options, programs)
    if reuse.reuse_running(options, settings, progress):
        return
    from kpo_provision.local import pki

    with progress.step("Prepare the local cluster") as step:
        # Whatever a killed run left behind: without a supervisor nothing of it is of use.
        launch.stop_supervisor(options)
        check_inotify(CONTROL_PLANE_INSTANCES + NODE_INSTANCES * len(_list_nodes(layout)))
        step.say("keys and certificates")
        pki.ensure_pki(layout)
        for name, user in _COMPONENT_USERS.items():
            kubeconfigs.write_component_kubeconfig(
                user, target=layout.pki / f"{name}.kubeconfig", certificate=INSIDE.pki / f"{name}.crt"
            )
        kubeconfigs.write_admin_kubeconfig(layout, api_port=options.api_port)
        ensure_registry(layout)
        write_proxy_configuration(layout)
        step.say("images")
        _write_archives(layout, found, programs)
        step.say("nodes")
        for record in _list_nodes(layout):
            prepare_node(layout, record, cgroup=options.cgroup, found=found, cni=programs["ptp"].parent)
        launch.start_supervisor(options, settings)


def _make_usable(options: LocalOptions, found: machine.Machine, progress: Progress) -> None:
    layout = options.layout
    with progress.step("Start the control plane") as step:
        waiting.wait_for_daemons(options, ("gateway", "kube-apiserver", "registry"), say=step.say)
    with ApiClient(layout, port=options.api_port) as api:
        with progress.step("Set up cluster DNS and the private registry"):
            bootstrap.apply_bootstrap(api)
            layer = images.make_shell_layer(found.programs["busybox"], bash=found.programs["bash-static"])
            probe = images.make_image(PROBE_IMAGE, layer=layer, command=("/bin/sh",))
            push_image(layout, probe, port=options.registry_port)
        names = [record.name for record in nodes.load_records(layout)]
        with progress.step("Wait for the nodes") as step:
            waiting.wait_for_daemons(options, (), say=step.say)
            waiting.wait_for_nodes(layout, api, names, say=step.say)
        with progress.step("Wait for cluster DNS"):
            waiting.wait_for_dns(layout, api)


def _make_settings(options: LocalOptions, programs: Mapping[str, Path]) -> dict[str, Any]:
    archives = [str(INSIDE.images / f"{name}.tar") for name in ("pause", "coredns")]
    # A running cluster that was started with anything else here is started anew.
    return {
        "version": kpo_provision.__version__,
        "api_port": options.api_port,
        "registry_port": options.registry_port,
        "cgroup": options.cgroup,
        "programs": {name: str(path) for name, path in sorted(programs.items())},
        "python_path": launch.python_path(),
        "archives": archives,
    }


def _list_nodes(layout: Layout) -> tuple[nodes.NodeRecord, ...]:
    records = nodes.load_records(layout)
    if any(record.name == nodes.SYSTEM_NODE for record in records):
        return records
    return (nodes.NodeRecord(name=nodes.SYSTEM_NODE, index=0, labels={}), *records)


def _write_archives(layout: Layout, found: machine.Machine, programs: Mapping[str, Path]) -> None:
    pause = layout.images / "pause.tar"
    if not pause.exists():
        layer = images.make_shell_layer(found.programs["busybox"])
        command = ("/bin/busybox", "sleep", "2147483647")
        images.write_archive(images.make_image(images.PAUSE_IMAGE, layer=layer, command=command), pause)
    dns = layout.images / "coredns.tar"
    if not dns.exists():
        layer = images.make_layer({"bin/coredns": programs["coredns"].read_bytes()})
        images.write_archive(images.make_image(images.DNS_IMAGE, layer=layer, command=("/bin/coredns",)), dns)
