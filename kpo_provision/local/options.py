"""Where a local cluster lives on this machine and which ports it takes, and which file is where below its home."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from kpo_provision import errors

DEFAULT_HOME = Path("/var/lib/kpo-provision/local")
API_PORT = 16443
API_PORT_VARIABLE = "KPO_PROVISION_API_PORT"
REGISTRY_PORT = 15000
REGISTRY_PORT_VARIABLE = "KPO_PROVISION_REGISTRY_PORT"

CONTROL_PLANE_ADDRESS = "10.88.0.1"
API_SERVER = f"https://{CONTROL_PLANE_ADDRESS}:6443"
"""The API server as the cluster's own parts reach it; from outside it is a port of 127.0.0.1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalOptions:
    """What a user may choose about the local cluster."""

    home: Path = DEFAULT_HOME
    cache: Path
    api_port: int = API_PORT
    registry_port: int = REGISTRY_PORT
    simulated: bool | None = None
    """Whether nodes are simulated; None takes the cluster that runs as it is, and starts a real one."""

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> LocalOptions:
        """Read the choices from KPO_PROVISION_HOME, _CACHE, _API_PORT and _REGISTRY_PORT."""
        home = DEFAULT_HOME if os.geteuid() == 0 else find_own_home(environ)
        caches = Path(environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        return cls(
            home=Path(environ.get("KPO_PROVISION_HOME") or home).absolute(),
            cache=Path(environ.get("KPO_PROVISION_CACHE") or caches / "kpo-provision").absolute(),
            api_port=_parse_port(environ, API_PORT_VARIABLE, default=API_PORT),
            registry_port=_parse_port(environ, REGISTRY_PORT_VARIABLE, default=REGISTRY_PORT),
        )

    @property
    def layout(self) -> Layout:
        """The files below ``home``."""
        return Layout(root=self.home)

    @property
    def cgroup(self) -> str:
        """The control group that holds every process of this cluster; another home has another one."""
        return f"kpo-local-{hashlib.sha256(str(self.home).encode()).hexdigest()[:8]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The files of one local cluster, below ``root``."""

    root: Path

    @property
    def lock(self) -> Path:
        """Held by whoever starts, changes or stops the cluster."""
        return self.root / "lock"

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig, for use from outside."""
        return self.root / "kubeconfig"

    @property
    def pki(self) -> Path:
        """Keys and certificates."""
        return self.root / "pki"

    @property
    def etcd(self) -> Path:
        """What the cluster remembers."""
        return self.root / "etcd"

    @property
    def logs(self) -> Path:
        """One file a daemon."""
        return self.root / "logs"

    @property
    def images(self) -> Path:
        """Image archives that every node imports."""
        return self.root / "images"

    @property
    def registry(self) -> Path:
        """The private registry's storage, users and credentials."""
        return self.root / "registry"

    @property
    def docker_config(self) -> Path:
        """The credentials of the private registry, as ``docker login`` would write them."""
        return self.registry / "config.json"

    @property
    def nodes(self) -> Path:
        """One folder a node."""
        return self.root / "nodes"

    @property
    def settings(self) -> Path:
        """What the supervisor was started with."""
        return self.root / "supervisor.json"

    @property
    def control(self) -> Path:
        """The supervisor's socket."""
        return self.root / "control.sock"


INSIDE = Layout(root=Path("/run/kpo"))
"""The same files as the cluster's own processes see them: a fixed, short path, so that configuration files do not
depend on the home and socket paths stay under the 107 bytes that the kernel allows."""

STATE = Path("/run/kpo-state")
"""What must not outlive the supervisor: it lies on a tmpfs that only the cluster's processes see."""

NETPOL_SOCKET = STATE / "netpol.sock"
"""Where the network policy agent is asked whether a pod's rules are in force."""


def find_own_home(environ: Mapping[str, str]) -> Path:
    """Choose the home of a cluster that belongs to a user without root."""
    states = Path(environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
    return states / "kpo-provision" / "local"


def _parse_port(environ: Mapping[str, str], name: str, *, default: int) -> int:
    text = environ.get(name) or str(default)
    if text.isascii() and text.isdigit() and 0 < int(text) < 65536:
        return int(text)
    raise errors.UsageError(f"{name} is {errors.clip(text)!r}, which is no port", hint="use a number from 1 to 65535")
