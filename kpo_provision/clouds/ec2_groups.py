"""What auto-scaling groups have come to: how many instances, in which state, and what went wrong last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kpo_provision.clouds.aws import Question, asking

_GROUPS = Question(
    service="Auto Scaling", operation="DescribeAutoScalingGroups", permission="autoscaling:DescribeAutoScalingGroups"
)
_ACTIVITIES = Question(
    service="Auto Scaling", operation="DescribeScalingActivities", permission="autoscaling:DescribeScalingActivities"
)
_FAILED = frozenset({"Failed", "Cancelled"})
_MOST_NAMES = 100
"""As many as one call takes (AWS API reference, read 2026-11-26)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupFacts:
    """One group: ids of the instances that were made, and how many it has to have."""

    name: str
    minimum: int
    instances: tuple[str, ...]
    launch_failure: str = ""
    """What AWS said when it last could not make an instance; empty where it could."""


def read_groups(names: Sequence[str], *, region: str) -> tuple[GroupFacts, ...]:
    """Read the groups of these names; those that are not there are left out.

    Raises:
        errors.CloudError: AWS refuses or cannot be reached.
    """
    with asking(_GROUPS, region=region) as client:
        listed = [
            group
            for start in range(0, len(names), _MOST_NAMES)
            for group in client.describe_auto_scaling_groups(
                AutoScalingGroupNames=list(names[start : start + _MOST_NAMES]), MaxRecords=_MOST_NAMES
            )["AutoScalingGroups"]
        ]
    return tuple(
        GroupFacts(
            name=group["AutoScalingGroupName"],
            minimum=group["MinSize"],
            instances=tuple(sorted(instance["InstanceId"] for instance in group["Instances"])),
            launch_failure=_find_failure(group["AutoScalingGroupName"], region)
            if len(group["Instances"]) < group["MinSize"]
            else "",
        )
        for group in listed
    )


def _find_failure(name: str, region: str) -> str:
    with asking(_ACTIVITIES, region=region) as client:
        activities = client.describe_scaling_activities(AutoScalingGroupName=name, MaxRecords=1)["Activities"]
    if activities and activities[0]["StatusCode"] in _FAILED:
        return str(activities[0].get("StatusMessage") or activities[0]["StatusCode"])
    return ""
