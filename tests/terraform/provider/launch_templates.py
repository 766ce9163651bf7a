"""aws_launch_template: whatever changes makes a new version, which becomes the default one if that is asked for."""

from tests.terraform.provider.aws import GoneError, translated, write_tags
from tests.terraform.provider.errors import ProviderError
from tests.terraform.provider.values import UNKNOWN, settle

_OURS = {"arn", "default_version", "description", "id", "latest_version", "name", "region", "tags", "tags_all"}
"""What is about the template and not about instances."""


class LaunchTemplates:
    def __init__(self, _block, api):
        self._ec2 = api.client("ec2")
        self._region = api.region

    def complete(self, prior, planned):
        """Say that a change of what instances are makes another version, whose number nobody knows yet."""
        if prior is None or _instance_of(prior) == _instance_of(planned):
            return planned
        unknown = {"latest_version": UNKNOWN}
        return planned | unknown | ({"default_version": UNKNOWN} if planned["update_default_version"] else {})

    def create(self, planned):
        state = settle(planned)
        tags = [{"ResourceType": "launch-template", "Tags": write_tags(state["tags"])}] if state["tags"] else []
        with translated(f"creating EC2 Launch Template ({state['name']})"):
            made = self._ec2.create_launch_template(
                LaunchTemplateName=state["name"], LaunchTemplateData=_expand(state), TagSpecifications=tags
            )
        return self._find(state | {"id": made["LaunchTemplate"]["LaunchTemplateId"]})

    def read(self, state):
        try:
            return self._find(state)
        except GoneError:
            return None

    def update(self, prior, planned):
        state, own = settle(planned), {"LaunchTemplateId": prior["id"]}
        if _instance_of(prior) != _instance_of(planned):
            with translated(f"updating EC2 Launch Template ({prior['id']})"):
                made = self._ec2.create_launch_template_version(**own, LaunchTemplateData=_expand(state))
                if state["update_default_version"]:
                    number = str(made["LaunchTemplateVersion"]["VersionNumber"])
                    self._ec2.modify_launch_template(**own, DefaultVersion=number)
        return self._find(state)

    def delete(self, state):
        with translated(f"deleting EC2 Launch Template ({state['id']})"):
            self._ec2.delete_launch_template(LaunchTemplateId=state["id"])

    def load_import(self, given):
        raise ProviderError(f"the stand-in cannot import the launch template {given}")

    def _find(self, state):
        own = {"LaunchTemplateId": state["id"]}
        with translated(f"reading EC2 Launch Template ({state['id']})"):
            (found,) = self._ec2.describe_launch_templates(LaunchTemplateIds=[state["id"]])["LaunchTemplates"]
            (latest,) = self._ec2.describe_launch_template_versions(**own, Versions=["$Latest"])[
                "LaunchTemplateVersions"
            ]
        told = latest["LaunchTemplateData"]
        return state | {
            "arn": f"arn:aws:ec2:{self._region}:123456789012:launch-template/{state['id']}",
            "default_version": found["DefaultVersionNumber"],
            "image_id": told.get("ImageId"),
            "instance_type": told.get("InstanceType"),
            "latest_version": found["LatestVersionNumber"],
            "region": self._region,
            "tags_all": state["tags"] or {},
            "user_data": told.get("UserData"),
        }


def _instance_of(state):
    return {key: value for key, value in state.items() if key not in _OURS}


def _expand(state):
    data = {
        "BlockDeviceMappings": [
            {"DeviceName": each["device_name"], "Ebs": _expand_disk(each["ebs"][0])}
            for each in state["block_device_mappings"]
        ],
        "EbsOptimized": state["ebs_optimized"] == "true",
        "IamInstanceProfile": _name_first(state["iam_instance_profile"], {"arn": "Arn"}),
        "ImageId": state["image_id"],
        "InstanceMarketOptions": _name_first(state["instance_market_options"], {"market_type": "MarketType"}),
        "InstanceType": state["instance_type"],
        "MetadataOptions": _name_first(
            state["metadata_options"],
            {
                "http_endpoint": "HttpEndpoint",
                "http_put_response_hop_limit": "HttpPutResponseHopLimit",
                "http_tokens": "HttpTokens",
                "instance_metadata_tags": "InstanceMetadataTags",
            },
        ),
        "NetworkInterfaces": [
            {
                "AssociatePublicIpAddress": each["associate_public_ip_address"] == "true",
                "DeleteOnTermination": each["delete_on_termination"] == "true",
                "DeviceIndex": index,
                "Groups": each["security_groups"],
            }
            for index, each in enumerate(state["network_interfaces"])
        ],
        "TagSpecifications": [
            {"ResourceType": each["resource_type"], "Tags": write_tags(each["tags"])}
            for each in state["tag_specifications"]
        ],
        "UserData": state["user_data"],
    }
    return {key: value for key, value in data.items() if value}


def _name_first(blocks, names):
    """Write the only one of some blocks, or nothing, with AWS's names."""
    return {field: each[key] for each in blocks[:1] for key, field in names.items()}


def _expand_disk(disk):
    data = {
        "DeleteOnTermination": disk["delete_on_termination"] == "true",
        "Encrypted": disk["encrypted"] == "true",
        "KmsKeyId": disk["kms_key_id"],
        "VolumeSize": disk["volume_size"],
        "VolumeType": disk["volume_type"],
    }
    return {key: value for key, value in data.items() if value is not None}
