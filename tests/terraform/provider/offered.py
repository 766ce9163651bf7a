"""The providers that are stood in for: which version of each, how it is connected, and who does its resources' work."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tests.terraform.provider.accounts import Accounts
from tests.terraform.provider.auto_scaling import AutoScalingGroups
from tests.terraform.provider.aws import Aws
from tests.terraform.provider.caller import Caller
from tests.terraform.provider.cluster import ClusterData, Clusters
from tests.terraform.provider.cluster_accounts import DefaultAccounts
from tests.terraform.provider.cluster_secrets import ClusterSecrets
from tests.terraform.provider.google import Google
from tests.terraform.provider.grants import Grants
from tests.terraform.provider.iam import InstanceProfiles, RolePolicies, Roles
from tests.terraform.provider.kubernetes import Kubernetes
from tests.terraform.provider.launch_templates import LaunchTemplates
from tests.terraform.provider.manifests import Manifests
from tests.terraform.provider.node_pool import NodePools


@dataclass(kw_only=True)
class Offered:
    """One provider. ``connect`` makes of its configuration what its resources and data sources are given."""

    name: str
    version: str
    connect: Callable[[Mapping[str, object]], object]
    resources: Mapping[str, type]
    data: Mapping[str, type]


OFFERED = [
    Offered(
        name="aws",
        version="6.25.0",
        connect=Aws,
        resources={
            "aws_autoscaling_group": AutoScalingGroups,
            "aws_iam_instance_profile": InstanceProfiles,
            "aws_iam_role": Roles,
            "aws_iam_role_policy": RolePolicies,
            "aws_launch_template": LaunchTemplates,
        },
        data={"aws_caller_identity": Caller},
    ),
    Offered(
        name="google",
        version="7.45.0",
        connect=Google,
        resources={
            "google_artifact_registry_repository_iam_member": Grants,
            "google_container_cluster": Clusters,
            "google_container_node_pool": NodePools,
            "google_project_iam_member": Grants,
            "google_service_account": Accounts,
        },
        data={"google_container_cluster": ClusterData},
    ),
    Offered(
        name="kubernetes",
        version="3.2.1",
        connect=Kubernetes,
        resources={
            "kubernetes_default_service_account_v1": DefaultAccounts,
            "kubernetes_manifest": Manifests,
            "kubernetes_secret_v1": ClusterSecrets,
        },
        data={},
    ),
]
