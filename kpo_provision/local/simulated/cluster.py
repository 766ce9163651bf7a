"""The order in which a simulated cluster comes to life. It needs no root, and no program of the distribution."""

from __future__ import annotations

import os
import secrets
import shutil
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import kpo_provision
from kpo_provision.local import kubeconfigs, launch, machine, nodes, pki, reuse, waiting
from kpo_provision.local.api_client import ApiClient
from kpo_provision.local.inotify import check_inotify
from kpo_provision.local.options import API_PORT_VARIABLE, Layout, LocalOptions
from kpo_provision.local.private_files import write_private
from kpo_provision.local.private_registry import write_login
from kpo_provision.local.programs import ensure_programs
from kpo_provision.local.recipes import SIMULATED_COMPONENTS
from kpo_provision.local.simulated import processes, stages
from kpo_provision.local.simulated.control_plane import STAGES, make_place
from kpo_provision.local.simulated.nodes import apply_node, forget_conditions
from kpo_provision.progress import Progress

_INOTIFY_INSTANCES = 10
_KWOK = pki.Identity(file="kwok", user="kpo-kwok", groups=("system:masters",))


def prepare(options: LocalOptions, progress: Progress) -> Callable[[], None]:
    """Make sure that every program is there; return what brings the cluster up, whatever state it is in."""
    machine.read_architecture()
    programs = ensure_programs(options.cache, progress, components=SIMULATED_COMPONENTS)

    def bring_up() -> None:
        settings = _make_settings(options, programs)
        is_fresh = not reuse.reuse_running(options, settings, progress)
        if is_fresh:
            _start(options, settings, progress)
        _make_usable(options, progress, is_fresh=is_fresh)

    return bring_up


def _make_settings(options: LocalOptions, programs: Mapping[str, Path]) -> dict[str, Any]:
    # A running cluster that was started with anything else here is started anew.
    return {
        "version": kpo_provision.__version__,
        "simulated": True,
        "api_port": options.api_port,
        "programs": {name: str(path) for name, path in sorted(programs.items())},
        "python_path": launch.python_path(),
    }


def _start(options: LocalOptions, settings: Mapping[str, Any], progress: Progress) -> None:
    layout = options.layout
    with progress.step("Prepare the simulated cluster") as step:
        # Whatever a killed run left behind: without a supervisor nothing of it is of use.
        launch.stop_supervisor(options)
        check_inotify(_INOTIFY_INSTANCES)
        step.say("keys and certificates")
        _write_identities(layout, api_port=options.api_port)
        if not layout.docker_config.exists():
            # No registry runs. The account is made up, so that specs which name it can be applied as they are.
            write_login(layout, secrets.token_urlsafe(24))
        write_private(layout.root / STAGES, _render_stages(options))
        if not nodes.load_records(layout):
            nodes.write_record(layout, nodes.NodeRecord(name=nodes.SYSTEM_NODE, index=0, labels={}))
        # The API server opens its port itself, and would say less about who has it.
        launch.listen(options.api_port, API_PORT_VARIABLE).close()
        argv = [sys.executable, "-m", "kpo_provision.local.simulated.supervisor", str(options.home)]
        pid = launch.start_detached(argv, layout, settings, directory=options.home)
        processes.write_processes(layout, (pid,))


def _make_usable(options: LocalOptions, progress: Progress, *, is_fresh: bool) -> None:
    layout = options.layout
    with progress.step("Start the control plane") as step:
        waiting.wait_for_daemons(options, (), say=step.say)
    with ApiClient(layout, port=options.api_port) as api, progress.step("Wait for the simulated nodes") as step:
        records = nodes.load_records(layout)
        for record in records:
            apply_node(api, record)
            if is_fresh:
                forget_conditions(api, record)
        waiting.wait_for_nodes(layout, api, [record.name for record in records], say=step.say)


def _render_stages(options: LocalOptions) -> str:
    # As with real nodes here: each has the whole machine.
    return stages.render_stages(
        cpu_count=os.cpu_count() or 1,
        memory_bytes=machine.read_memory_bytes(),
        disk_bytes=shutil.disk_usage(options.home).total,
    )


def _write_identities(layout: Layout, *, api_port: int) -> None:
    pki.ensure_pki(layout)
    pki.ensure_certificate(_KWOK, directory=layout.pki, authority=layout.pki)
    for name, user in (
        ("controller-manager", "system:kube-controller-manager"),
        ("scheduler", "system:kube-scheduler"),
        ("kwok", _KWOK.user),
    ):
        kubeconfigs.write_component_kubeconfig(
            user,
            target=layout.pki / f"{name}.kubeconfig",
            certificate=layout.pki / f"{name}.crt",
            server=make_place(layout, api_port=api_port).api_server,
            authority=layout.pki / "ca.crt",
        )
    kubeconfigs.write_admin_kubeconfig(layout, api_port=api_port)
