"""What is asked of AWS for EC2 pools: boto3 as it is, and the real Terraform, against AWS as it is played."""

import base64
import datetime
import json
import shutil

import pytest

from kpo_provision import errors
from kpo_provision.clouds.ec2_groups import read_groups
from kpo_provision.clouds.ec2_images import find_image
from kpo_provision.clouds.join_tokens import delete_token, read_expiry, write_token
from kpo_provision.spec.ec2 import Image, NamedImage
from tests.conftest import free_port
from tests.fakes.aws.images import ARM, FOREIGN, NEW, OLD
from tests.fakes.aws.server import REGION
from tests.fakes.aws.stage import play_aws
from tests.terraform.workspace import ROOT, Workspace

PARAMETER = "/kpo-provision/acme/join"
EXPIRES = datetime.datetime(2026, 11, 27, 12, 0, tzinfo=datetime.UTC)


@pytest.fixture(scope="module")
def stage():
    with play_aws("127.0.0.1", free_port()) as stage:
        yield stage


@pytest.fixture(autouse=True)
def _asked(stage, monkeypatch):
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    for name, value in stage.environ.items():
        monkeypatch.setenv(name, value)


def find(architecture="amd64", **image):
    return find_image(Image(**image), region=REGION, architecture=architecture)


def test_an_image_is_found_by_its_id_with_the_name_of_its_disk():
    found = find(id=OLD["ami_id"])
    assert (found.id, found.root_device) == (OLD["ami_id"], "/dev/xvda")


def test_an_image_is_found_by_the_parameter_that_names_it(stage):
    stage.client("ssm").put_parameter(Name="/acme/image", Value=OLD["ami_id"], Type="String", Overwrite=True)
    assert find(parameter="/acme/image").id == OLD["ami_id"]


def test_of_a_name_the_newest_image_for_the_processors_and_of_the_owner_counts():
    named = NamedImage(name="acme-kubernetes-1.37-*", owner="self")
    assert find(newest=named).id == NEW["ami_id"]
    assert find("arm64", newest=named).id == ARM["ami_id"]
    assert find(newest=NamedImage(name=named.name, owner=FOREIGN["owner_id"])).id == FOREIGN["ami_id"]


def test_an_image_that_is_not_there_is_an_error_that_names_it():
    with pytest.raises(errors.CloudError, match=r"there is no image acme-gone-\* of self for amd64 in eu-central-1"):
        find(newest=NamedImage(name="acme-gone-*"))
    with pytest.raises(errors.CloudError, match="InvalidAMIID"):
        find(id="ami-00000000")


def test_an_image_for_other_processors_is_refused():
    with pytest.raises(errors.CloudError, match="is for arm64, and the pool is for amd64"):
        find(id=ARM["ami_id"])


def test_a_token_is_encrypted_where_instances_find_it_and_says_when_it_ends(stage):
    assert read_expiry(PARAMETER, region=REGION) is None
    write_token(PARAMETER, "abcdef.0123456789abcdef", expires=EXPIRES, region=REGION, key=None)
    assert read_expiry(PARAMETER, region=REGION) == EXPIRES
    found = stage.client("ssm").get_parameter(Name=PARAMETER, WithDecryption=True)["Parameter"]
    assert found["Type"] == "SecureString"
    assert json.loads(found["Value"])["token"] == "abcdef.0123456789abcdef"
    write_token(PARAMETER, "fedcba.0123456789abcdef", expires=EXPIRES, region=REGION, key=None)
    delete_token(PARAMETER, region=REGION)
    assert read_expiry(PARAMETER, region=REGION) is None
    delete_token(PARAMETER, region=REGION)


def test_what_somebody_else_put_there_is_no_token(stage):
    stage.client("ssm").put_parameter(Name="/acme/other", Value="not json", Type="String", Overwrite=True)
    assert read_expiry("/acme/other", region=REGION) is None


def test_groups_that_are_not_there_are_left_out():
    assert read_groups(["acme-gone"], region=REGION) == ()


def test_no_login_is_an_error_with_a_hint(monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    with pytest.raises(errors.CloudError) as caught:
        read_expiry(PARAMETER, region=REGION)
    assert "aws configure" in caught.value.hint


@pytest.fixture
def workspace(tmp_path, mirror, stage, monkeypatch):
    """The module as a root, after ``terraform init``."""
    left = shutil.ignore_patterns(".terraform*", "tests")
    folder = tmp_path / "root"
    shutil.copytree(ROOT / "modules/self-hosted-ec2-pool", folder, ignore=left)
    monkeypatch.setenv("AWS_REGION", REGION)
    workspace = Workspace(folder, mirror)
    workspace.run("init", "-input=false")
    return workspace


def variables(stage, image_id, **pool):
    ec2 = stage.client("ec2")
    return {
        "installation": "acme",
        "join_parameter": PARAMETER,
        "region": REGION,
        "security_group_ids": [ec2.describe_security_groups()["SecurityGroups"][0]["GroupId"]],
        "subnet_ids": sorted(each["SubnetId"] for each in ec2.describe_subnets()["Subnets"]),
        "tags": {"team": "data"},
        "node_pools": {
            "elastic": {
                "allocatable": {"cpu": "3920m"},
                "image_id": image_id,
                "labels": {"kpo-provision.io/pool": "elastic"},
                "machine_type": "m6i.xlarge",
                "max_nodes": 3,
                "min_nodes": 2,
                "taints": [{"effect": "NoSchedule", "key": "kpo-provision.io/pool", "value": "elastic"}],
                "user_data_base64": base64.b64encode(b"#!/bin/bash\n").decode(),
                **pool,
            }
        },
    }


def test_terraform_makes_changes_and_ends_a_pool(workspace, stage):
    image_id = OLD["ami_id"]
    given = variables(stage, image_id)
    workspace.apply(given)
    assert workspace.plan(given) == {}
    (group,) = read_groups(["acme-elastic"], region=REGION)
    assert (group.minimum, len(group.instances), group.launch_failure) == (2, 2, "")
    auto_scaling, ec2 = stage.client("autoscaling"), stage.client("ec2")
    (found,) = auto_scaling.describe_auto_scaling_groups(AutoScalingGroupNames=["acme-elastic"])["AutoScalingGroups"]
    assert {each["ProcessName"] for each in found["SuspendedProcesses"]} == {"AZRebalance"}
    assert found["NewInstancesProtectedFromScaleIn"]
    tags = {each["Key"]: each["Value"] for each in found["Tags"]}
    assert tags["k8s.io/cluster-autoscaler/node-template/taint/kpo-provision.io/pool"] == "elastic:NoSchedule"
    versions = ec2.describe_launch_template_versions(LaunchTemplateName="acme-elastic")["LaunchTemplateVersions"]
    assert versions[0]["LaunchTemplateData"]["MetadataOptions"]["HttpTokens"] == "required"

    # An autoscaler has made it larger, and that stays; a new image is for new instances.
    auto_scaling.set_desired_capacity(AutoScalingGroupName="acme-elastic", DesiredCapacity=3)
    newer = NEW["ami_id"]
    changed = variables(stage, newer)
    planned = workspace.plan(changed)
    assert planned == {
        'aws_autoscaling_group.pool["elastic"]': ["update"],
        'aws_launch_template.pool["elastic"]': ["update"],
    }
    workspace.apply(changed)
    (group,) = read_groups(["acme-elastic"], region=REGION)
    assert len(group.instances) == 3
    versions = ec2.describe_launch_template_versions(LaunchTemplateName="acme-elastic")["LaunchTemplateVersions"]
    assert sorted(each["LaunchTemplateData"]["ImageId"] for each in versions) == sorted([image_id, newer])
    assert workspace.plan(changed) == {}

    workspace.run("destroy", "-auto-approve", "-input=false", "-no-color")
    assert read_groups(["acme-elastic"], region=REGION) == ()
    assert ec2.describe_launch_templates()["LaunchTemplates"] == []
    assert [each["RoleName"] for each in stage.client("iam").list_roles()["Roles"] if "kpo" in each["RoleName"]] == []
