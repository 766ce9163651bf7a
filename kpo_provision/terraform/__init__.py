"""The one door to Terraform (and OpenTofu): the only importer of ``python_terraform``.

It runs the binary, turns its events into progress, its plans and outputs into values and its diagnostics into errors.
It decides nothing about pools: what to create is in the workspace it is given.
"""

from kpo_provision.terraform.binary import Binary, find_binary
from kpo_provision.terraform.driver import Driver
from kpo_provision.terraform.outputs import Outputs
from kpo_provision.terraform.plan_summary import ChangeKind, KnownResource, PlanSummary, ResourceChange
from kpo_provision.terraform.site import (
    CLUSTER_ADDRESS,
    CLUSTER_TYPE,
    EC2_PART,
    GROUP_TYPE,
    HOST_TYPE,
    POOL_TYPE,
    SYSTEM_POOL_ADDRESS,
    TEMPLATE_TYPE,
    Where,
    address_pool,
    address_retired,
    hold_workspace,
    identify_cluster,
    identify_pool,
    open_ec2,
    open_gke,
    open_self_hosted,
)
from kpo_provision.terraform.timeouts import Timeouts
from kpo_provision.terraform.workspace import Workspace, write_workspace

__all__ = [
    "CLUSTER_ADDRESS",
    "CLUSTER_TYPE",
    "EC2_PART",
    "GROUP_TYPE",
    "HOST_TYPE",
    "POOL_TYPE",
    "SYSTEM_POOL_ADDRESS",
    "TEMPLATE_TYPE",
    "Binary",
    "ChangeKind",
    "Driver",
    "KnownResource",
    "Outputs",
    "PlanSummary",
    "ResourceChange",
    "Timeouts",
    "Where",
    "Workspace",
    "address_pool",
    "address_retired",
    "find_binary",
    "hold_workspace",
    "identify_cluster",
    "identify_pool",
    "open_ec2",
    "open_gke",
    "open_self_hosted",
    "write_workspace",
]
