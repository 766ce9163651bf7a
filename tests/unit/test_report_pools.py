"""Node pools as a table that a person can read."""

from kpo_provision.report.layout import Layout
from kpo_provision.report.pools import document_of_pools, render_pools
from kpo_provision.results import Action, Change, Disruption, PoolChange, PoolsAhead

PLAIN = Layout(colour=False, width=100)


def pool(name, action=Action.CREATE, **fields):
    standard = {"machine_type": "n2-standard-4", "min_nodes": 0, "max_nodes": 6, "zones": 3, "max_pods": 32}
    return PoolChange(action=action, pool=name, **(standard | fields))


def render(*pools, notes=(), layout=PLAIN):
    return "\n".join(render_pools(PoolsAhead(pools=pools, notes=notes), layout))


def test_every_pool_that_changes_is_one_aligned_line_and_the_others_are_counted():
    table = render(
        pool("big", machine_type="n2-highmem-16", max_nodes=12, max_pods=256, spot=True),
        pool("etl", Action.UPDATE, live="etl-1", detail="labels"),
        pool("old", Action.DELETE, live="old-1", detail="no longer in the spec"),
        pool("lost", Action.IMPORT, live="lost-1"),
        *(pool(f"same-{number}", Action.UNCHANGED) for number in range(2)),
    )
    assert (
        table
        == """
node pools
----------
    pool  machine          nodes  zones  pods
+   big   n2-highmem-16  0 to 12      3   256  spot
~   etl   n2-standard-4   0 to 6      3    32        labels
-   old                                              old-1: no longer in the spec
<=  lost  n2-standard-4   0 to 6      3    32        lost-1
2 pools unchanged"""
    )


def test_what_is_too_long_for_the_line_stands_below_it():
    replaced = pool("standard", Action.REPLACE, live="standard-1a2b3c", detail="taint")
    *_, line, below = render(replaced, layout=Layout(colour=False, width=80)).splitlines()
    assert line == "+/-  standard  n2-standard-4  0 to 6      3    32"
    assert below == "    another in place of standard-1a2b3c, which goes when it stands: taint"


def test_fifty_pools_are_fifty_lines():
    lines = render(*(pool(f"pool-{number:02d}") for number in range(50))).splitlines()
    assert len(lines) == 50 + 4
    assert len({len(line) for line in lines[4:]}) == 1


def test_what_has_to_be_mended_first_is_told():
    assert "‼ pool standard (standard-1) was to be replaced" in render(
        pool("standard", Action.UNCHANGED), notes=("pool standard (standard-1) was to be replaced",)
    )


def test_a_target_that_makes_no_pools_shows_none():
    assert render() == ""


def test_json_has_every_pool_with_what_it_is_to_be():
    ahead = PoolsAhead(pools=(pool("etl", Action.UNCHANGED, live="etl-1"),), notes=("mend",))
    assert document_of_pools(ahead) == {
        "pools": [
            {
                "action": "unchanged",
                "pool": "etl",
                "live": "etl-1",
                "machineType": "n2-standard-4",
                "minNodes": 0,
                "maxNodes": 6,
                "zones": 3,
                "maxPodsPerNode": 32,
                "spot": False,
                "detail": "",
            }
        ],
        "notes": ["mend"],
    }


def test_what_changes_is_empty_only_without_changes_and_notes():
    other = Change(action=Action.CREATE, kind="google_service_account", namespace="", name="nodes")
    assert PoolsAhead(pools=(pool("etl", Action.UNCHANGED),)).is_empty
    assert not PoolsAhead(pools=(pool("etl"),)).is_empty
    assert not PoolsAhead(others=(other,)).is_empty
    assert not PoolsAhead(notes=("mend",)).is_empty


def test_pods_that_end_are_named_by_pool_and_only_a_few_of_many():
    disruption = Disruption(pods={"big-1": tuple(f"etl/pod-{number}" for number in range(7)), "a-1": ("etl/one",)})
    assert disruption.count == 8
    assert str(disruption) == (
        "etl/one on a-1; etl/pod-0, etl/pod-1, etl/pod-2, etl/pod-3, etl/pod-4 and 2 more on big-1"
    )
