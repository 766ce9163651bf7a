"""What a spec may say about pools of EC2 instances that join a cluster by themselves."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from kpo_provision.spec.fields import Text
from kpo_provision.spec.gke_fields import AwsRegion
from kpo_provision.spec.part import OneOf, SpecModel

ImageId = Annotated[
    str,
    Text(
        pattern=r"ami-[0-9a-f]{8,17}",
        problem="must be the id of an image",
        max_length=21,
        examples=("ami-0123456789abcdef0",),
    ),
]
ImageName = Annotated[
    str,
    Text(
        pattern=r"[A-Za-z0-9()\[\] ./'@_*?-]+",
        problem="must be the name of images, with * for what differs",
        max_length=128,
        examples=("acme-kubernetes-1.37-*",),
    ),
]
ImageOwner = Annotated[
    str,
    Text(
        pattern=r"self|amazon|aws-marketplace|[0-9]{12}",
        problem="must be an account of AWS, or self",
        max_length=15,
        examples=("self", "111122223333"),
    ),
]
ParameterName = Annotated[
    str,
    Text(
        pattern=r"(/[A-Za-z0-9_.-]+)+",
        problem="must be the path of a parameter in SSM Parameter Store",
        max_length=1011,
        examples=("/acme/images/kubernetes-1.37",),
    ),
]
SubnetId = Annotated[
    str,
    Text(
        pattern=r"subnet-[0-9a-f]{8,17}",
        problem="must be the id of a subnet",
        max_length=24,
        examples=("subnet-0a1b2c3d",),
    ),
]
SecurityGroupId = Annotated[
    str,
    Text(
        pattern=r"sg-[0-9a-f]{8,17}",
        problem="must be the id of a security group",
        max_length=20,
        examples=("sg-0a1b2c3d",),
    ),
]
Arn = Annotated[
    str,
    Text(
        pattern=r"arn:aws[a-z-]*:[a-z0-9-]+:[a-z0-9-]*:([0-9]{12})?:[A-Za-z0-9/._:*-]+",
        problem="must be an ARN",
        max_length=512,
        examples=("arn:aws:kms:eu-central-1:111122223333:key/1234",),
    ),
]
TagText = Annotated[
    str, Text(pattern=r"[A-Za-z0-9 +=._:/@-]*", problem="must be the key or the value of a tag", max_length=256)
]


class NamedImage(SpecModel):
    """The newest image of a name."""

    name: ImageName
    """Name of the images, with `*` for what differs from one to the next."""
    owner: ImageOwner = "self"
    """Account that they belong to."""


class Image(OneOf):
    """What instances boot: exactly one of these. What is no id is looked up by `plan` and `apply`."""

    id: ImageId | None = None
    """The image itself."""
    parameter: ParameterName | None = None
    """The parameter in SSM Parameter Store that names it."""
    newest: NamedImage | None = None
    """The newest one of a name."""


class Ec2Pool(SpecModel):
    """A pool of EC2 instances. Their image has containerd, kubeadm, the kubelet, Python 3 and cloud-init."""

    image: Image
    """What they boot. Another image is for new instances; those that run keep theirs."""


class Ec2Site(SpecModel):
    """Where EC2 instances run, and what they may do. Credentials are those that the AWS SDK finds by itself."""

    region: AwsRegion
    """Region."""
    subnets: Annotated[list[SubnetId], Field(min_length=1)]
    """Subnets, one a zone. Instances get no public address."""
    security_groups: Annotated[list[SecurityGroupId], Field(min_length=1)]
    """Security groups of the instances."""
    ecr_repositories: list[Arn] = []
    """ARNs of the ECR repositories that the kubelets may pull from."""
    disk_key: Arn | None = None
    """ARN of the KMS key of the disks, which are always encrypted; the account's own for EBS when absent."""
    token_key: Arn | None = None
    """ARN of the KMS key of the join token; the account's own for SSM when absent."""
    permissions_boundary: Arn | None = None
    """ARN of the permissions boundary of the instances' role."""
    tags: dict[TagText, TagText] = {}
    """Tags of all that is made."""
    join_timeout: Annotated[int, Field(ge=60, le=7200)] = 900
    """Seconds that an instance may take to boot and to join, until it is replaced."""
