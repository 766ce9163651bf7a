"""``kpo-provision local``: the embedded cluster."""

from __future__ import annotations

import dataclasses
import os
from typing import TYPE_CHECKING

import click

from kpo_provision import errors
from kpo_provision.cli.options import output_options
from kpo_provision.cli.terminal import Terminal

if TYPE_CHECKING:
    from kpo_provision import local


@click.group("local", short_help="A real Kubernetes on this machine: up, down, status.")
def command() -> None:
    """A real Kubernetes on this machine, with a private registry: control plane, nodes, DNS, network policies.

    It needs root on Linux. It lives in namespaces of its own and leaves the host's network alone. Without root,
    `up --simulated` gives a real control plane whose nodes are simulated.
    """


@command.command("up", epilog="\b\nExamples:\n  sudo kpo-provision local up\n  kpo-provision local up --simulated")
@click.option(
    "--simulated", is_flag=True, help="Without root: a real control plane; pods are placed on nodes and never run."
)
@output_options
@click.pass_obj
def up(terminal: Terminal, *, simulated: bool) -> None:
    """Build what is missing, start the cluster and wait until it is ready. Doing it twice does no harm."""
    from kpo_provision import local

    options = dataclasses.replace(local.LocalOptions.from_environment(os.environ), simulated=simulated)
    with terminal.progress() as progress:
        cluster = local.up(options, progress)
    if terminal.is_json:
        terminal.write_json(
            {
                "schema": "kpo-provision/local-cluster/v1",
                "kubeconfig": str(cluster.kubeconfig),
                "server": cluster.server,
                "kubernetesVersion": cluster.kubernetes_version,
                "registry": cluster.registry_server,
                "probeImage": cluster.probe_image,
                "pools": list(cluster.pools),
                "simulated": cluster.simulated,
            }
        )
        return
    terminal.write(f"Kubernetes {cluster.kubernetes_version} is ready at {cluster.server}")
    terminal.write(f"  export KUBECONFIG={cluster.kubeconfig}")
    if cluster.simulated:
        terminal.write("  simulated: no registry runs, and pods are placed on nodes but never run")
    else:
        terminal.write(f"  registry {cluster.registry_server}, image {cluster.probe_image}")


@command.command("build", epilog="\b\nExample:\n  kpo-provision local build    # while a machine's image is made")
@output_options
@click.pass_obj
def build(terminal: Terminal) -> None:
    """Download or build the cluster's programs into the cache ahead of time, and start nothing."""
    from kpo_provision import local

    options = local.LocalOptions.from_environment(os.environ)
    with terminal.progress() as progress:
        folders = local.build(options, progress)
    if terminal.is_json:
        terminal.write_json({"schema": "kpo-provision/local-build/v1", "folders": [str(one) for one in folders]})
        return
    terminal.write("\n".join(["the local cluster's programs are built", *(f"  {one}" for one in folders)]))


@command.command("down", epilog="\b\nExample:\n  sudo kpo-provision local down --purge")
@click.option("--purge", is_flag=True, help="Also delete its data: images, objects, keys.")
@output_options
@click.pass_obj
def down(terminal: Terminal, *, purge: bool) -> None:
    """Stop the cluster. Leaves no process, mount, interface or firewall rule behind."""
    from kpo_provision import local

    with terminal.progress() as progress:
        local.down(local.LocalOptions.from_environment(os.environ), progress, purge=purge)
    if terminal.is_json:
        terminal.write_json({"schema": "kpo-provision/local-down/v1", "purged": purge})
    else:
        terminal.write("the local cluster is down" + ("; its data is deleted" if purge else ""))


@command.command("status", epilog="\b\nExample:\n  kpo-provision local status -o json")
@output_options
@click.pass_obj
def status(terminal: Terminal) -> int:
    """Show whether the cluster runs, and each of its processes."""
    from kpo_provision import local

    found = local.read_status(local.LocalOptions.from_environment(os.environ))
    if terminal.is_json:
        terminal.write_json(_describe(found))
    else:
        terminal.write(_render(found))
    return errors.ExitCode.OK if found.running and not found.problem else errors.ExitCode.CLUSTER


def _describe(found: local.LocalStatus) -> dict[str, object]:
    return {
        "schema": "kpo-provision/local-status/v1",
        "running": found.running,
        "simulated": found.simulated,
        "problem": found.problem,
        "home": str(found.home),
        "server": found.server,
        "registryPort": found.registry_port,
        "nodes": [{"name": n.name, "pool": n.pool, "ready": n.ready, "detail": n.detail} for n in found.nodes],
        "daemons": [{"name": d.name, "state": d.state, "pid": d.pid, "detail": d.detail} for d in found.daemons],
        "versions": dict(found.versions),
    }


def _render(found: local.LocalStatus) -> str:
    name = "the simulated local cluster" if found.simulated else "the local cluster"
    if not found.running:
        return f"{name} does not run ({found.home})" + (f"; {found.problem}" if found.problem else "")
    lines = [f"{name} runs at {found.server} ({found.home})"]
    lines += [f"  node    {n.name:<28} {'Ready' if n.ready else 'not Ready'}  {n.detail}".rstrip() for n in found.nodes]
    lines += [f"  daemon  {d.name:<28} {d.state:<9} pid {d.pid}  {d.detail}".rstrip() for d in found.daemons]
    lines += [f"problem: {found.problem}"] if found.problem else []
    return "\n".join(lines)
