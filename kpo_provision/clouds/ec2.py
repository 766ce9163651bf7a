"""Reads machine types from EC2. Credentials and proxies are those that boto3 finds by itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
from botocore import exceptions
from botocore.config import Config

from kpo_provision import errors, progress
from kpo_provision.catalog.machine import Cloud, EniLimits, MachineType

_SERVICE = "EC2"
_OPERATION = "DescribeInstanceTypes"
_PAGE_SIZE = 100
_CONFIG = Config(connect_timeout=10, read_timeout=60, retries={"mode": "standard", "total_max_attempts": 4})
_ARCHITECTURES = {"x86_64": "amd64", "arm64": "arm64"}
"""Those that Kubernetes nodes have; what has neither (macOS, i386) is no node."""
_HINTS = {
    "UnauthorizedOperation": "the identity needs the permission ec2:DescribeInstanceTypes",
    "AuthFailure": "the credentials are not valid in this region; `aws sts get-caller-identity` shows what they are",
    "ExpiredToken": "the credentials have expired; log in again",
    "RequestExpired": "the clock of this machine is wrong, or the credentials have expired",
}


def read_machine_types(*, region: str | None, step: progress.Step) -> tuple[str, tuple[MachineType, ...]]:
    """Read every machine type that a region offers; returns the region too, for boto3 may know the default.

    Raises:
        errors.CloudError: There are no credentials or no region, or EC2 refuses or cannot be reached.
    """
    try:
        client = boto3.Session().client("ec2", region_name=region, config=_CONFIG)
        machines: list[MachineType] = []
        for page in client.get_paginator("describe_instance_types").paginate(PaginationConfig={"PageSize": _PAGE_SIZE}):
            machines += _parse_page(page["InstanceTypes"])
            step.say(f"{len(machines)} machine types")
        return str(client.meta.region_name), tuple(machines)
    except exceptions.ClientError as e:
        answer = e.response.get("Error", {})
        raise _failure(
            f"{answer.get('Code', 'error')}: {answer.get('Message', '')}",
            hint=_HINTS.get(str(answer.get("Code")), ""),
        ) from e
    except (exceptions.NoCredentialsError, exceptions.PartialCredentialsError, exceptions.ProfileNotFound) as e:
        raise _failure(str(e), hint="log in (`aws configure`, `aws sso login`) or set AWS_PROFILE") from e
    except (exceptions.NoRegionError, exceptions.InvalidRegionError) as e:
        raise _failure(str(e), hint="name a region with --region, such as eu-west-1") from e
    except (exceptions.ConnectionError, exceptions.HTTPClientError) as e:
        raise _failure(str(e), hint="check the region's name, the network and HTTPS_PROXY") from e
    except (exceptions.BotoCoreError, ValueError) as e:
        # boto3 has no type of its own for an endpoint that is no URL.
        raise _failure(str(e)) from e


def _failure(problem: str, *, hint: str = "") -> errors.CloudError:
    return errors.CloudError(
        service=_SERVICE, operation=_OPERATION, problem=problem, hint=hint or "the shipped list serves without"
    )


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
