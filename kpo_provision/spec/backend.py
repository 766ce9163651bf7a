"""What a spec may say about where Terraform keeps its state."""

from __future__ import annotations

from kpo_provision.spec.fields import FilePath
from kpo_provision.spec.gke_fields import AwsRegion, BucketName, CloudName, HostName, ObjectName
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
