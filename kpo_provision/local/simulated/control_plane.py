"""The daemons of a simulated cluster: the real control plane, and kwok for the nodes. Pure.

One port is taken, that of the API server. etcd, which asks nobody who they are, listens on sockets in the home, which
is its owner's alone. Their names are relative to it: a socket's address holds 107 bytes, and a home may be longer.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from kpo_provision.local.control_plane import Place, core_daemons
from kpo_provision.local.daemons import Daemon
from kpo_provision.local.options import Layout
from kpo_provision.local.simulated.stages import MARK

ADDRESS = "127.0.0.1"
CONTROL = Path("control.sock")
STAGES = "kwok.yaml"


def make_place(layout: Layout, *, api_port: int) -> Place:
    """Say where the control plane runs; its daemons are started in the home."""
    return Place(
        layout=layout,
        address=ADDRESS,
        api_server=f"https://{ADDRESS}:{api_port}",
        etcd="unix://etcd.sock",
        etcd_peer="unix://etcd-peer.sock",
        etcd_ready="unix:etcd.sock",
    )


def simulated_daemons(programs: Mapping[str, str], layout: Layout, *, api_port: int) -> tuple[Daemon, ...]:
    """List everything that runs."""
    core = core_daemons(programs, make_place(layout, api_port=api_port))
    return (*core, _kwok(programs["kwok"], layout))


def _kwok(program: str, layout: Layout) -> Daemon:
    return Daemon(
        name="kwok",
        argv=(
            program,
            f"--config={layout.root / STAGES}",
            f"--kubeconfig={layout.pki / 'kwok.kubeconfig'}",
            f"--manage-nodes-with-annotation-selector={'='.join(MARK)}",
            # A lease would outlive a kwok that was killed, and keep the next one from its nodes for as long.
            "--node-lease-duration-seconds=0",
        ),
        after=("kube-apiserver",),
    )
