"""What a spec may say about a GKE cluster whose node pools Terraform makes, and about where its state is kept."""

from __future__ import annotations

from kpo_provision.spec.fields import FilePath, MinorVersion
from kpo_provision.spec.gke_fields import (
    AccountEmail,
    AwsRegion,
    BucketName,
    CloudName,
    ClusterName,
    HostName,
    Location,
    NetworkName,
    ObjectName,
    ProgramName,
    ProjectId,
)
from kpo_provision.spec.part import OneOf, SpecModel


class LocalBackend(SpecModel):
    """State in a file on this machine. Whoever else applies needs the same file."""

    path: FilePath | None = None
    """Path of the state file, relative to the spec; a file in the workspace when absent."""


class GcsBackend(SpecModel):
    """State in a bucket of Google Cloud Storage, which locks it and keeps its versions."""

    bucket: BucketName
    """Name of the bucket, which must be there."""
    prefix: ObjectName | None = None
    """Folder in the bucket; `kpo-provision/<metadata.name>` when absent."""


class S3Backend(SpecModel):
    """State in a bucket of S3, with a lock file beside it."""

    bucket: BucketName
    """Name of the bucket, which must be there."""
    region: AwsRegion
    """Region of the bucket."""
    key: ObjectName | None = None
    """Path of the state in the bucket; `kpo-provision/<metadata.name>/terraform.tfstate` when absent."""


class RemoteBackend(SpecModel):
    """State and runs in Terraform Cloud or Terraform Enterprise."""

    organization: CloudName
    """Name of the organization."""
    workspace: CloudName
    """Name of the workspace."""
    hostname: HostName = "app.terraform.io"
    """Host of Terraform Cloud or Enterprise."""


class Backend(OneOf):
    """Where Terraform keeps its state: exactly one of these. Credentials are found where Terraform finds them."""

    local: LocalBackend | None = None
    """A file on this machine."""
    gcs: GcsBackend | None = None
    """A bucket of Google Cloud Storage."""
    s3: S3Backend | None = None
    """A bucket of S3."""
    remote: RemoteBackend | None = None
    """Terraform Cloud or Enterprise."""


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
