"""aws_autoscaling_group, which the real provider makes, changes and ends by the same calls."""

from tests.terraform.provider.aws import translated
from tests.terraform.provider.errors import ProviderError
from tests.terraform.provider.values import settle

_CHANGED = {
    "desired_capacity": "DesiredCapacity",
    "health_check_grace_period": "HealthCheckGracePeriod",
    "health_check_type": "HealthCheckType",
    "max_size": "MaxSize",
    "min_size": "MinSize",
    "protect_from_scale_in": "NewInstancesProtectedFromScaleIn",
}


class AutoScalingGroups:
    def __init__(self, _block, api):
        self._client = api.client("autoscaling")
        self._region = api.region

    def create(self, planned):
        state = settle(planned)
        name = state["name"]
        with translated(f"creating Auto Scaling Group ({name})"):
            self._client.create_auto_scaling_group(
                AutoScalingGroupName=name,
                LaunchTemplate=_expand_template(state),
                LifecycleHookSpecificationList=[_expand_hook(each) for each in state["initial_lifecycle_hook"]],
                Tags=_expand_tags(name, state["tag"]),
                VPCZoneIdentifier=",".join(sorted(state["vpc_zone_identifier"])),
                **_expand(state),
            )
            if state["suspended_processes"]:
                self._client.suspend_processes(AutoScalingGroupName=name, ScalingProcesses=state["suspended_processes"])
        return self._find(state)

    def read(self, state):
        return self._find(state)

    def update(self, prior, planned):
        state = settle(planned)
        name = state["name"]
        with translated(f"updating Auto Scaling Group ({name})"):
            # The autoscaler's number is not ours to set, unless it is what has changed.
            changed = {key: value for key, value in _expand(state).items() if value != _expand(prior).get(key)}
            self._client.update_auto_scaling_group(
                AutoScalingGroupName=name, LaunchTemplate=_expand_template(state), **changed
            )
            stale = [each for each in prior["tag"] if each not in state["tag"]]
            if stale:
                self._client.delete_tags(Tags=_expand_tags(name, stale))
            if state["tag"] != prior["tag"]:
                self._client.create_or_update_tags(Tags=_expand_tags(name, state["tag"]))
        return self._find(state)

    def delete(self, state):
        with translated(f"deleting Auto Scaling Group ({state['name']})"):
            self._client.delete_auto_scaling_group(
                AutoScalingGroupName=state["name"], ForceDelete=bool(state["force_delete"])
            )

    def load_import(self, given):
        raise ProviderError(f"the stand-in cannot import the auto-scaling group {given}")

    def _find(self, state):
        with translated(f"reading Auto Scaling Group ({state['name']})"):
            listed = self._client.describe_auto_scaling_groups(AutoScalingGroupNames=[state["name"]])
        if not listed["AutoScalingGroups"]:
            return None
        (found,) = listed["AutoScalingGroups"]
        template = found["LaunchTemplate"]
        return state | {
            "arn": found["AutoScalingGroupARN"],
            "availability_zones": found["AvailabilityZones"],
            "default_cooldown": found["DefaultCooldown"],
            "desired_capacity": found["DesiredCapacity"],
            "id": found["AutoScalingGroupName"],
            "launch_template": [
                {
                    "id": template["LaunchTemplateId"],
                    "name": template["LaunchTemplateName"],
                    "version": template.get("Version", "$Default"),
                }
            ],
            "max_size": found["MaxSize"],
            "min_size": found["MinSize"],
            "predicted_capacity": 0,
            "region": self._region,
            "service_linked_role_arn": found.get("ServiceLinkedRoleARN", ""),
            "warm_pool_size": 0,
        }


def _expand(state):
    return {field: state[key] for key, field in _CHANGED.items() if state[key] is not None}


def _expand_template(state):
    (template,) = state["launch_template"]
    return {"LaunchTemplateId": template["id"], "Version": template["version"]}


def _expand_hook(hook):
    return {
        "DefaultResult": hook["default_result"],
        "HeartbeatTimeout": hook["heartbeat_timeout"],
        "LifecycleHookName": hook["name"],
        "LifecycleTransition": hook["lifecycle_transition"],
    }


def _expand_tags(group, tags):
    return [
        {
            "Key": each["key"],
            "PropagateAtLaunch": each["propagate_at_launch"],
            "ResourceId": group,
            "ResourceType": "auto-scaling-group",
            "Value": each["value"],
        }
        for each in tags
    ]
