"""Roles of instances, their policies, and the profiles by which instances have them."""

from tests.terraform.provider.aws import GoneError, translated, write_tags
from tests.terraform.provider.errors import ProviderError
from tests.terraform.provider.values import settle


class _Kind:
    """What the three kinds have in common: who is gone is made anew, and nothing is imported."""

    def __init__(self, _block, api):
        self._iam = api.client("iam")

    def read(self, state):
        try:
            return self._find(state)
        except GoneError:
            return None

    def load_import(self, given):
        raise ProviderError(f"the stand-in cannot import {given}")


class Roles(_Kind):
    def create(self, planned):
        state = settle(planned)
        given = {
            "AssumeRolePolicyDocument": state["assume_role_policy"],
            "Description": state["description"],
            "PermissionsBoundary": state["permissions_boundary"],
            "RoleName": state["name"],
            "Tags": write_tags(state["tags"]),
        }
        with translated(f"creating IAM Role ({state['name']})"):
            self._iam.create_role(**{key: value for key, value in given.items() if value})
        return self._find(state)

    def update(self, prior, planned):
        state = settle(planned)
        with translated(f"updating IAM Role ({state['name']})"):
            if state["assume_role_policy"] != prior["assume_role_policy"]:
                document = state["assume_role_policy"]
                self._iam.update_assume_role_policy(RoleName=state["name"], PolicyDocument=document)
            if state["tags"] != prior["tags"]:
                self._iam.tag_role(RoleName=state["name"], Tags=write_tags(state["tags"]))
        return self._find(state)

    def delete(self, state):
        with translated(f"deleting IAM Role ({state['name']})"):
            self._iam.delete_role(RoleName=state["name"])

    def _find(self, state):
        with translated(f"reading IAM Role ({state['name']})"):
            found = self._iam.get_role(RoleName=state["name"])["Role"]
        return state | {
            "arn": found["Arn"],
            "create_date": found["CreateDate"].isoformat(),
            "id": found["RoleName"],
            "tags_all": state["tags"] or {},
            "unique_id": found["RoleId"],
        }


class RolePolicies(_Kind):
    def create(self, planned):
        state = settle(planned)
        with translated(f"putting IAM Role ({state['role']}) Policy ({state['name']})"):
            self._iam.put_role_policy(RoleName=state["role"], PolicyName=state["name"], PolicyDocument=state["policy"])
        return self._find(state)

    def update(self, _prior, planned):
        return self.create(planned)

    def delete(self, state):
        with translated(f"deleting IAM Role Policy ({state['id']})"):
            self._iam.delete_role_policy(RoleName=state["role"], PolicyName=state["name"])

    def _find(self, state):
        with translated(f"reading IAM Role Policy ({state['name']})"):
            self._iam.get_role_policy(RoleName=state["role"], PolicyName=state["name"])
        return state | {"id": f"{state['role']}:{state['name']}"}


class InstanceProfiles(_Kind):
    def create(self, planned):
        state = settle(planned)
        with translated(f"creating IAM Instance Profile ({state['name']})"):
            self._iam.create_instance_profile(
                InstanceProfileName=state["name"], Path=state["path"], Tags=write_tags(state["tags"])
            )
            self._iam.add_role_to_instance_profile(InstanceProfileName=state["name"], RoleName=state["role"])
        return self._find(state)

    def update(self, prior, planned):
        state = settle(planned)
        if state["role"] != prior["role"]:
            raise ProviderError("the stand-in cannot give an instance profile another role")
        with translated(f"updating IAM Instance Profile ({state['name']})"):
            self._iam.tag_instance_profile(InstanceProfileName=state["name"], Tags=write_tags(state["tags"]))
        return self._find(state)

    def delete(self, state):
        with translated(f"deleting IAM Instance Profile ({state['name']})"):
            self._iam.remove_role_from_instance_profile(InstanceProfileName=state["name"], RoleName=state["role"])
            self._iam.delete_instance_profile(InstanceProfileName=state["name"])

    def _find(self, state):
        with translated(f"reading IAM Instance Profile ({state['name']})"):
            found = self._iam.get_instance_profile(InstanceProfileName=state["name"])["InstanceProfile"]
        return state | {
            "arn": found["Arn"],
            "create_date": found["CreateDate"].isoformat(),
            "id": found["InstanceProfileName"],
            "role": found["Roles"][0]["RoleName"] if found["Roles"] else None,
            "tags_all": state["tags"] or {},
            "unique_id": found["InstanceProfileId"],
        }
