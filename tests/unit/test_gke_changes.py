"""What Terraform would do, told by the pools of the spec: what is a pool of tasks, and what is not."""

from kpo_provision import terraform
from kpo_provision.results import Action
from kpo_provision.sizing.pools import InstallationSize
from kpo_provision.target.gke_changes import describe_others, describe_pools
from kpo_provision.terraform import ChangeKind, PlanSummary, ResourceChange

SYSTEM_POOL = ResourceChange(
    address=terraform.SYSTEM_POOL_ADDRESS,
    type=terraform.POOL_TYPE,
    key="0",
    kind=ChangeKind.CREATE,
    new_name="system",
)
GONE = ResourceChange(
    address=terraform.address_pool("old"),
    type=terraform.POOL_TYPE,
    key="old",
    kind=ChangeKind.DELETE,
    old_name="old-1a2b3c",
)
ACCOUNT = ResourceChange(
    address="module.nodes.google_service_account.nodes", type="google_service_account", key="", kind=ChangeKind.CREATE
)
NO_POOLS = InstallationSize(
    installation="acme", tenants=0, platform=None, version=None, pools=(), sources=(), comparisons=(), warnings=()
)


def test_a_clusters_own_pool_is_no_row_of_the_table():
    summary = PlanSummary(changes=(SYSTEM_POOL, GONE))
    assert [row.live for row in describe_pools(summary, NO_POOLS, ())] == ["old-1a2b3c"]
    assert [(change.action, change.name) for change in describe_others(summary)] == [(Action.CREATE, "system")]


def test_what_has_no_name_yet_is_called_by_its_address():
    (change,) = describe_others(PlanSummary(changes=(ACCOUNT,)))
    assert change.name == "module.nodes.google_service_account.nodes"
