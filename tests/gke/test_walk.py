"""One spec from nothing to proven tenants on GKE, changed, and back to nothing: Google is played, the rest is real."""

import json
import threading

import pytest

from tests.fakes.gke.stage import CLUSTER, wait_for

pytestmark = pytest.mark.machine

POOL = "kpo-provision.io/pool"


def nodes(api, pool):
    return api.list("Node", label_selector=f"{POOL}={pool}")


def is_ready(node):
    conditions = {found["type"]: found["status"] for found in node["status"].get("conditions", [])}
    return conditions.get("Ready") == "True" and "deletionTimestamp" not in node["metadata"]


class Watch:
    """Counts, as long as it lasts, how many ready nodes that take pods a pool has at least."""

    def __init__(self, api, pool):
        self.fewest = len(nodes(api, pool))
        self._api, self._pool = api, pool
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()

    def _look(self):
        while not self._stop.wait(0.02):
            found = [node for node in nodes(self._api, self._pool) if not node["spec"].get("unschedulable")]
            self.fewest = min(self.fewest, sum(map(is_ready, found)))


def require_predicted_nodes(site, api):
    """Check that nodes offer what ``size`` said they would."""
    for sized in site.succeed("size", "-o", "json").document["pools"]:
        found, shape = nodes(api, sized["name"]), sized["node"]
        assert found
        for node in found:
            offered = node["status"]["allocatable"]
            assert offered["memory"] == f"{shape['allocatableMemoryKi']}Ki"
            assert offered["cpu"] == f"{shape['allocatableCpuMilli']}m"
            assert offered["ephemeral-storage"] == str(shape["allocatableEphemeralBytes"])
            assert offered["pods"] == str(shape["maxPods"])


def require_unchanged(site, google):
    """Check that applying again changes nothing, and that everybody says so."""
    before = len(google.mutations)
    again = site.succeed("apply", "-o", "json", "--no-verify").document
    assert again["changes"]["objects"] == []
    assert len(google.mutations) == before
    assert "no changes" in site.succeed("plan").out
    assert "as specified" in site.succeed("status").out


def test_a_spec_becomes_pools_and_proven_tenants_changes_without_a_gap_and_goes(site, google, api):
    assert "e2-standard-8" in site.succeed("plan", code=8).out
    assert google.mutations == []

    applied = site.succeed("apply", "-o", "json").document
    assert (applied["success"], applied["simulated"]) == (True, True)
    assert {check["outcome"] for check in applied["checks"]} <= {"pass", "warn", "skip"}
    placed = [check for check in applied["checks"] if check["id"] == "probe-scheduled"]
    assert {check["evidence"]["pool"] for check in placed} == {"standard", "big"}
    assert site.names() == ["big", "standard"]
    require_predicted_nodes(site, api)
    require_unchanged(site, google)

    (old,) = (name for name in site.pools() if name.startswith("standard"))
    site.edit(lambda text: text.replace("    minNodes: 1 ", "    dedicated: false\n    minNodes: 1 "))
    assert f"in place of {old}" in site.succeed("plan", code=8).out
    assert "taints is" in site.succeed("status", code=8).out
    with Watch(api, "standard") as watch:
        changed = site.succeed("apply", "--no-verify", "-o", "json").document
    assert [pool["action"] for pool in changed["infrastructure"]["pools"]] == ["unchanged", "replace"]
    assert watch.fewest >= 1
    assert old not in site.pools()
    assert site.names() == ["big", "standard"]
    assert all(taint["key"] != POOL for node in nodes(api, "standard") for taint in node["spec"].get("taints", []))

    site.succeed("destroy", "--yes")
    assert site.pools() == {}
    assert api.list("Namespace", label_selector="kpo-provision.io/tenant") == []
    wait_for(lambda: not nodes(api, "standard") + nodes(api, "big"))
    state = json.loads((site.folder / ".kpo-provision" / "acme" / "terraform.tfstate").read_text())
    assert state["resources"] == []
    with google.world.lock:
        assert CLUSTER in google.world.clusters
