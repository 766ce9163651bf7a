"""Finds the image that a pool's instances boot, and says what of it matters to a launch template."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kpo_provision.clouds.aws import Question, asking
from kpo_provision.render.instances import ImageFacts
from kpo_provision.spec.ec2 import Image

_ARCHITECTURES = {"amd64": "x86_64", "arm64": "arm64"}
_IMAGES = Question(service="EC2", operation="DescribeImages", permission="ec2:DescribeImages")
_PARAMETERS = Question(service="SSM", operation="GetParameter", permission="ssm:GetParameter")


def find_image(wanted: Image, *, region: str, architecture: str) -> ImageFacts:
    """Find an image by its id, by the parameter that names it, or by its name, of which the newest counts.

    Raises:
        errors.CloudError: There is none, or it is for other processors.
    """
    if wanted.newest is not None:
        named = f"image {wanted.newest.name} of {wanted.newest.owner}"
        filters = [
            {"Name": "name", "Values": [wanted.newest.name]},
            {"Name": "state", "Values": ["available"]},
            {"Name": "architecture", "Values": [_ARCHITECTURES[architecture]]},
        ]
        found = _list(region, {"Owners": [wanted.newest.owner], "Filters": filters})
    else:
        image_id = wanted.id or _read_parameter(wanted.parameter or "", region)
        named = f"image {image_id}"
        found = _list(region, {"ImageIds": [image_id]})
    if not found:
        raise _IMAGES.fail(
            f"there is no {named} for {architecture} in {region}", hint="correct the `image` of the pool's `ec2`"
        )
    newest = max(found, key=lambda image: (image.get("CreationDate", ""), image["ImageId"]))
    if newest.get("Architecture") != _ARCHITECTURES[architecture]:
        raise _IMAGES.fail(
            f"{named} is for {newest.get('Architecture')}, and the pool is for {architecture}",
            hint="choose another image, or set `architecture` of the pool",
        )
    return ImageFacts(id=newest["ImageId"], root_device=newest.get("RootDeviceName") or "/dev/sda1")


def _list(region: str, query: Mapping[str, object]) -> list[dict[str, Any]]:
    with asking(_IMAGES, region=region) as client:
        return list(client.describe_images(**query)["Images"])


def _read_parameter(name: str, region: str) -> str:
    with asking(_PARAMETERS, region=region) as client:
        return str(client.get_parameter(Name=name)["Parameter"]["Value"])
