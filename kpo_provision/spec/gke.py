"""What a spec may say about a GKE cluster whose node pools Terraform makes."""

from __future__ import annotations

from kpo_provision.spec.backend import Backend, LocalBackend
from kpo_provision.spec.fields import MinorVersion, ProgramName
from kpo_provision.spec.gke_fields import (
    AccountEmail,
    ClusterName,
    Location,
    NetworkName,
    ProjectId,
)
from kpo_provision.spec.part import SpecModel


class GkeTarget(SpecModel):
    """A GKE cluster whose node pools Terraform makes."""

    project: ProjectId
    """ID of the project."""
    location: Location
    """Region of the cluster, or its zone."""
    cluster: ClusterName
    """Name of the cluster."""
    version: MinorVersion
    """Kubernetes minor version of the cluster, quoted. From 1.36 on the API server places KPO pods."""
    create: bool = False
    """Whether to make the cluster; otherwise it must be there, and nothing about it is changed."""
    network: NetworkName | None = None
    """Network of a cluster that is made; `default` when absent."""
    subnetwork: NetworkName | None = None
    """Subnetwork of a cluster that is made; the network's own in the region when absent."""
    node_service_account: AccountEmail | None = None
    """Service account of the nodes; one with the least rights is made when absent."""
    backend: Backend = Backend(local=LocalBackend())
    """Where Terraform keeps its state."""
    terraform_bin: ProgramName = "terraform"
    """Program to run; `tofu` for OpenTofu."""

    @property
    def is_regional(self) -> bool:
        """Whether the location is a region, which GKE spreads over three zones, and not a single zone."""
        return self.location.count("-") == 1
