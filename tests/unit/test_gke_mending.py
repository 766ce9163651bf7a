"""How Terraform's state is brought in line with pools that are there: decided from plans and pools, nobody is asked."""

import pytest

from kpo_provision import errors, terraform
from kpo_provision.clouds.gke_facts import ClusterName, LivePool
from kpo_provision.plan import INSTALLATION_KEY, POOL_KEY
from kpo_provision.target.gke_mending import MendKind, find_mends, is_plain, require_free_names
from kpo_provision.terraform import ChangeKind, KnownResource, PlanSummary, ResourceChange

PLACE = terraform.address_pool("standard")
CLUSTER = ClusterName(project="acme-data", location="europe-west1", cluster="airflow")


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
    return [(found.kind, found.name) for found in find_mends(summary, there, ["standard"])]


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
        require_free_names(summary, [live("standard-1", installation="other")], "acme", CLUSTER)
    assert "node-pools delete standard-1 --cluster airflow" in caught.value.hint
    require_free_names(summary, [live("standard-1")], "acme", CLUSTER)


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
    assert is_plain(PlanSummary(changes=tuple(changes)), there, "acme", ["standard"]) is plain
