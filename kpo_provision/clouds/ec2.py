"""Reads machine types from EC2."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kpo_provision import progress
from kpo_provision.catalog.machine import Cloud, EniLimits, MachineType
from kpo_provision.clouds.aws import Question, asking

_PAGE_SIZE = 100
_ARCHITECTURES = {"x86_64": "amd64", "arm64": "arm64"}
"""Those that Kubernetes nodes have; what has neither (macOS, i386) is no node."""
_QUESTION = Question(
    service="EC2",
    operation="DescribeInstanceTypes",
    permission="ec2:DescribeInstanceTypes",
    region_hint="name a region with --region, such as eu-west-1",
    hint="the shipped list serves without",
)


def read_machine_types(*, region: str | None, step: progress.Step) -> tuple[str, tuple[MachineType, ...]]:
    """Read every machine type that a region offers; returns the region too, for boto3 may know the default.

    Raises:
        errors.CloudError: There are no credentials or no region, or EC2 refuses or cannot be reached.
    """
    with asking(_QUESTION, region=region) as client:
        machines: list[MachineType] = []
        for page in client.get_paginator("describe_instance_types").paginate(PaginationConfig={"PageSize": _PAGE_SIZE}):
            machines += _parse_page(page["InstanceTypes"])
            step.say(f"{len(machines)} machine types")
        return str(client.meta.region_name), tuple(machines)


def _parse_page(listed: list[dict[str, Any]]) -> Iterator[MachineType]:
    for item in listed:
        supported = item["ProcessorInfo"]["SupportedArchitectures"]
        architecture = next((_ARCHITECTURES[name] for name in supported if name in _ARCHITECTURES), None)
        if architecture is None or item["InstanceType"].startswith("mac"):
            continue
        yield MachineType(
            cloud=Cloud.AWS,
            name=item["InstanceType"],
            family=item["InstanceType"].split(".")[0],
            vcpu=item["VCpuInfo"]["DefaultVCpus"],
            memory_mib=item["MemoryInfo"]["SizeInMiB"],
            architecture=architecture,
            is_burstable=item.get("BurstablePerformanceSupported", False),
            eni=_parse_eni(item),
        )


def _parse_eni(item: dict[str, Any]) -> EniLimits:
    """Read the limits of the default network card: pods get addresses from no other (aws/amazon-vpc-cni-k8s)."""
    network = item["NetworkInfo"]
    default = network.get("DefaultNetworkCardIndex", 0)
    cards = {card["NetworkCardIndex"]: card for card in network.get("NetworkCards", [])}
    return EniLimits(
        interfaces=cards.get(default, network)["MaximumNetworkInterfaces"],
        addresses=network["Ipv4AddressesPerInterface"],
        is_nitro=item.get("Hypervisor") == "nitro" or item.get("BareMetal", False),
    )
