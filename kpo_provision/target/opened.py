"""A cluster that answers, whatever kind of target it is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from kpo_provision.plan import Plan
from kpo_provision.results import Change, HostFailure

if TYPE_CHECKING:
    from kpo_provision.kube.api import Api
    from kpo_provision.kube.connection import Connection

OLDEST_KUBERNETES = (1, 30)
"""ValidatingAdmissionPolicy is GA from here on (KEP-3488)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenTarget:
    """A cluster that answers."""

    api: Api
    description: str
    version: str
    docker_config: Path | None = None
    """Login for the local cluster's registry; None on any other cluster."""
    changes: tuple[Change, ...] = ()
    """What was done to the cluster itself and to its node pools."""
    host_failures: tuple[HostFailure, ...] = ()
    """Hosts that did not become, or stay, nodes as they should."""


def open_connection(found: Connection, plan: Plan, *, description: str) -> OpenTarget:
    """Ask a cluster for its version, and refuse one that lacks what the plan relies on.

    Raises:
        errors.ClusterError: It does not answer or is not trusted, refuses the login, or is too old.
    """
    from kpo_provision.kube import connection
    from kpo_provision.kube.api import Api  # a target that Terraform makes has started it by now

    api = Api(found)
    version = connection.require_version(api, minimum=OLDEST_KUBERNETES, declared=plan.kubernetes_version)
    return OpenTarget(api=api, description=description, version=version)
