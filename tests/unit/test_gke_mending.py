"""How Terraform's state is brought in line with pools that are there: decided from plans and pools, nobody is asked."""

import pytest

from kpo_provision import errors, terraform
from kpo_provision.clouds.gke_facts import ClusterFacts, ClusterName, Live, LivePool
from kpo_provision.plan import INSTALLATION_KEY, POOL_KEY
from kpo_provision.target.gke_mending import MendKind, find_mends, is_plain, require_free_names
from kpo_provision.terraform import ChangeKind, KnownResource, PlanSummary, ResourceChange

PLACE = terraform.address_pool("standard")
CLUSTER = ClusterFacts(
    name=ClusterName(project="acme-data", location="europe-west1", cluster="airflow"),
    server="https://203.0.113.1",
    authority="",
    version="1.34.4",
    channel="regular",
    pod_range="10.244.0.0/16",
    zones=("a",),
    status="RUNNING",
    is_autopilot=False,
    workload_pool="",
    labels={},
)


def live(name, *, pool="standard", installation="acme", status="RUNNING"):
    return LivePool(
        name=name,
        status=status,
        problem="",
        version="1.34.4",
        machine_type="n2-standard-4",
        zones=("a",),
        min_per_zone=0,
        max_per_zone=1,
        total_min=None,
        total_max=None,
        max_pods=110,
        labels={INSTALLATION_KEY: installation, POOL_KEY: pool},
        taints=(),
        spot=False,
        image_type="COS_CONTAINERD",
        disk_gib=100,
    )


def known(name, *, address=PLACE, tainted=False):
    return KnownResource(address=address, type=terraform.POOL_TYPE, name=name, is_tainted=tainted)


def planned(kind, *, old="", new=""):
    return ResourceChange(
        address=PLACE, type=terraform.POOL_TYPE, key="standard", kind=kind, old_name=old, new_name=new
    )


def mend(*, there=(), state=(), changes=()):
    summary = PlanSummary(changes=tuple(changes), known=tuple(state))
    live = Live(cluster=CLUSTER, pools=tuple(there))
    return [(found.kind, found.name) for found in find_mends(summary, live, "acme", ["standard"])]


def test_what_state_and_world_agree_on_needs_nothing():
    assert mend(there=[live("standard-1")], state=[known("standard-1")]) == []


def test_a_pool_that_the_state_lost_sight_of_is_imported():
    create = planned(ChangeKind.CREATE, new="standard-1")
    assert mend(there=[live("standard-1")], changes=[create]) == [(MendKind.IMPORT, "standard-1")]


def test_a_lost_pool_under_an_older_name_is_imported_to_be_replaced():
    create = planned(ChangeKind.CREATE, new="standard-2")
    assert mend(there=[live("standard-1")], changes=[create]) == [(MendKind.IMPORT, "standard-1")]


def test_of_two_lost_pools_the_one_that_is_wanted_stays_and_the_other_goes():
    create = planned(ChangeKind.CREATE, new="standard-2")
    there = [live("standard-1"), live("standard-2")]
    assert mend(there=there, changes=[create]) == [(MendKind.RETIRE, "standard-1"), (MendKind.IMPORT, "standard-2")]


def test_a_successor_that_the_state_lost_sight_of_takes_the_place_of_the_one_it_was_to_replace():
    replace = planned(ChangeKind.REPLACE, old="standard-1", new="standard-2")
    there = [live("standard-1"), live("standard-2")]
    assert mend(there=there, state=[known("standard-1")], changes=[replace]) == [
        (MendKind.RETIRE, "standard-1"),
        (MendKind.IMPORT, "standard-2"),
    ]


def test_a_leftover_of_a_replacement_that_nobody_wants_any_more_goes():
    there = [live("standard-1"), live("standard-2")]
    assert mend(there=there, state=[known("standard-1")]) == [(MendKind.RETIRE, "standard-2")]


def test_a_pool_that_was_moved_out_of_its_place_by_a_killed_run_goes_back():
    moved = known("standard-1", address=terraform.address_retired("standard parked"))
    create = planned(ChangeKind.CREATE, new="standard-1")
    assert mend(there=[live("standard-1")], state=[moved], changes=[create]) == [(MendKind.RESTORE, "standard-1")]


@pytest.mark.parametrize("state", [[], [known("standard-1")], [known("standard-1", tainted=True)]])
def test_a_pool_that_google_could_not_make_is_removed_whether_or_not_the_state_knows_it(state):
    assert mend(there=[live("standard-1", status="ERROR")], state=state) == [(MendKind.REMOVE, "standard-1")]


def test_a_pool_that_stands_though_its_creation_ended_in_an_error_is_not_made_anew():
    tainted = known("standard-1", tainted=True)
    assert mend(there=[live("standard-1")], state=[tainted]) == [(MendKind.UNTAINT, "standard-1")]


def test_a_tainted_pool_that_is_gone_is_left_to_terraform():
    assert mend(state=[known("standard-1", tainted=True)]) == []


def test_pools_of_another_name_are_nobodys_business():
    assert mend(there=[live("big-1", pool="big")]) == []


def test_a_name_that_somebody_elses_pool_has_is_refused_with_its_removal():
    summary = PlanSummary(changes=(planned(ChangeKind.CREATE, new="standard-1"),))
    with pytest.raises(errors.CloudError, match="standard-1 that kpo-provision did not make for acme") as caught:
        require_free_names(summary, Live(cluster=CLUSTER, pools=(live("standard-1", installation="other"),)), "acme")
    assert "node-pools delete standard-1 --cluster airflow" in caught.value.hint
    require_free_names(summary, Live(cluster=CLUSTER, pools=(live("standard-1"),)), "acme")


CREATE = planned(ChangeKind.CREATE)


@pytest.mark.parametrize(
    ("changes", "there", "plain"),
    [
        pytest.param([CREATE], [], True, id="to-be-made"),
        pytest.param([], [live("standard-1")], True, id="there-once"),
        pytest.param([CREATE], [live("default-pool", installation="")], True, id="others-in-peace"),
        pytest.param([planned(ChangeKind.UPDATE)], [live("standard-1")], False, id="a-change-to-explain"),
        pytest.param([planned(ChangeKind.DELETE)], [live("standard-1")], False, id="a-pool-that-goes"),
        pytest.param([CREATE], [live("standard-1")], False, id="lost-sight-of"),
        pytest.param([CREATE], [live("standard-1a2b3c", installation="other")], False, id="a-name-that-may-be-taken"),
        pytest.param([], [live("standard-1"), live("standard-2")], False, id="two-of-a-kind"),
        pytest.param([], [live("standard-1", status="ERROR")], False, id="broken"),
        pytest.param(
            [], [live("standard-1"), live("standard-2", status="ERROR")], False, id="broken-beside-a-good-one"
        ),
        pytest.param([], [live("standard-1"), live("gone-1", pool="gone")], False, id="of-no-pool-of-the-spec"),
    ],
)
def test_only_where_numbers_agree_is_a_plan_not_read_in_full(changes, there, plain):
    there = Live(cluster=CLUSTER, pools=tuple(there))
    assert is_plain(PlanSummary(changes=tuple(changes)), there, "acme", ["standard"]) is plain


MAKE_CLUSTER = ResourceChange(
    address=terraform.CLUSTER_ADDRESS, type=terraform.CLUSTER_TYPE, key="0", kind=ChangeKind.CREATE, new_name="airflow"
)
MAKE_SYSTEM_POOL = ResourceChange(
    address=terraform.SYSTEM_POOL_ADDRESS,
    type=terraform.POOL_TYPE,
    key="0",
    kind=ChangeKind.CREATE,
    new_name="system",
)
SYSTEM_POOL = live("system", installation="", pool="")


def test_a_cluster_that_the_state_lost_sight_of_is_imported_and_its_system_pool_too():
    lost = [MAKE_CLUSTER, MAKE_SYSTEM_POOL]
    assert mend(changes=lost) == [(MendKind.IMPORT, "airflow")]
    assert mend(changes=lost, there=[SYSTEM_POOL]) == [(MendKind.IMPORT, "airflow"), (MendKind.IMPORT, "system")]
    assert mend(changes=[MAKE_SYSTEM_POOL], there=[SYSTEM_POOL]) == [(MendKind.IMPORT, "system")]


def test_a_cluster_that_stands_though_its_creation_ended_in_an_error_is_not_made_anew():
    tainted = KnownResource(
        address=terraform.CLUSTER_ADDRESS, type=terraform.CLUSTER_TYPE, name="airflow", is_tainted=True
    )
    assert mend(state=[tainted]) == [(MendKind.UNTAINT, "airflow")]


def test_a_cluster_that_is_not_there_is_left_to_terraform():
    assert find_mends(PlanSummary(changes=(MAKE_CLUSTER, MAKE_SYSTEM_POOL)), Live(), "acme", ["standard"]) == ()


def test_a_pool_called_system_is_nobodys_business_on_a_cluster_that_others_made():
    assert mend(there=[SYSTEM_POOL]) == []


@pytest.mark.parametrize(
    ("changes", "there", "plain"),
    [
        pytest.param([MAKE_CLUSTER, MAKE_SYSTEM_POOL], Live(), True, id="to-be-made"),
        pytest.param([MAKE_CLUSTER, MAKE_SYSTEM_POOL], Live(cluster=CLUSTER), False, id="lost-sight-of"),
        pytest.param(
            [MAKE_SYSTEM_POOL], Live(cluster=CLUSTER, pools=(SYSTEM_POOL,)), False, id="system-pool-lost-sight-of"
        ),
    ],
)
def test_a_plan_that_makes_a_cluster_which_is_there_is_read_in_full(changes, there, plain):
    assert is_plain(PlanSummary(changes=(*changes, CREATE)), there, "acme", ["standard"]) is plain


def test_the_system_pools_name_is_not_somebody_elses():
    require_free_names(PlanSummary(changes=(MAKE_SYSTEM_POOL,)), Live(cluster=CLUSTER, pools=(SYSTEM_POOL,)), "acme")
