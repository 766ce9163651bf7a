"""The kinds of single values by which Google, and stores of Terraform's state, name things."""

from __future__ import annotations

from typing import Annotated

from kpo_provision.spec.fields import Text

ProjectId = Annotated[
    str,
    Text(
        pattern=r"([a-z][-a-z0-9.]{0,61}[a-z0-9]:)?[a-z][-a-z0-9]{4,28}[a-z0-9]",
        problem="must be the ID of a Google Cloud project: 6 to 30 lower-case letters, digits and '-'",
        max_length=94,
        examples=("acme-data",),
    ),
]
Location = Annotated[
    str,
    Text(
        pattern=r"[a-z]+-[a-z]+[0-9]{1,2}(-[a-z])?",
        problem="must be a region, or the zone of a cluster in one zone",
        max_length=63,
        examples=("europe-west1", "europe-west1-b"),
    ),
]
ClusterName = Annotated[
    str,
    Text(
        pattern=r"[a-z]([-a-z0-9]*[a-z0-9])?",
        problem="must be the name of a GKE cluster: lower-case letters, digits and '-', with a letter first",
        max_length=40,
        examples=("airflow",),
    ),
]
NetworkName = Annotated[
    str,
    Text(
        pattern=r"(projects/[a-z0-9:.-]+/(global|regions/[a-z0-9-]+)/(networks|subnetworks)/)?[a-z]([-a-z0-9]*[a-z0-9])?",
        problem="must be the name of a network or subnetwork, or its path in another project",
        max_length=255,
        examples=("default", "projects/acme-net/global/networks/shared"),
    ),
]
AccountEmail = Annotated[
    str,
    Text(
        pattern=r"[a-z0-9-]+@[a-z0-9.-]+\.gserviceaccount\.com",
        problem="must be the e-mail address of a service account",
        max_length=255,
        examples=("kpo-nodes@acme-data.iam.gserviceaccount.com",),
    ),
]
BucketName = Annotated[
    str,
    Text(
        pattern=r"[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]",
        problem="must be the name of a bucket, without gs:// or s3://",
        max_length=222,
        examples=("acme-terraform-state",),
    ),
]
ObjectName = Annotated[
    str,
    Text(
        pattern=r"[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*",
        problem="must be a path in the bucket, without a '/' at either end",
        max_length=512,
        examples=("kpo-provision/acme",),
    ),
]
AwsRegion = Annotated[
    str,
    Text(
        pattern=r"[a-z]{2}(-[a-z]+)+-[0-9]",
        problem="must be a region of AWS",
        max_length=31,
        examples=("eu-central-1",),
    ),
]
HostName = Annotated[
    str,
    Text(
        pattern=r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)+",
        problem="must be a host name",
        max_length=253,
        examples=("app.terraform.io",),
    ),
]
CloudName = Annotated[
    str,
    Text(
        pattern=r"[A-Za-z0-9_-]+",
        problem="must be a name in Terraform Cloud: letters, digits, '-' and '_'",
        max_length=90,
        examples=("acme",),
    ),
]
