"""Tenants are let in only once pods were seen to be guarded and placed."""

import pytest

from kpo_provision import errors, plan
from kpo_provision.tenants import admission, wait

LABEL, VALUE = plan.KPO_POD_LABEL


class WarmingApi:
    """An API server that takes up the guard and the placement after so many tries each."""

    def __init__(self, *, guard_after: int, placement_after: int, refusal: str = "") -> None:
        self.guard_after = guard_after
        self.placement_after = placement_after
        self.refusal = refusal
        self.tries: list[str] = []

    def create(self, pod: dict, *, dry_run: bool = False) -> dict:
        assert dry_run
        is_kpo = pod["metadata"].get("labels", {}).get(LABEL) == VALUE
        self.tries.append("kpo" if is_kpo else "stray")
        guarded = len(self.tries) > self.guard_after
        placed = len(self.tries) > self.placement_after
        if guarded and not (is_kpo and placed):
            raise refused(f"ValidatingAdmissionPolicy '{admission.GUARD}' denied request")
        if is_kpo and self.refusal:
            raise refused(self.refusal)
        return pod


def refused(message: str) -> errors.ApiError:
    return errors.ApiError(verb="create", target="pod", status=403, reason="Forbidden", message=message)


def gate(api: WarmingApi, *, mutates_pods: bool = True, is_open: bool = False) -> admission.AdmissionGate:
    return admission.AdmissionGate(api, is_open=is_open, mutates_pods=mutates_pods)


def test_waits_until_the_guard_refuses_and_the_placement_places() -> None:
    api = WarmingApi(guard_after=2, placement_after=6)
    gate(api).pass_through("astronomer-etl")
    assert api.tries[:3] == ["stray", "stray", "stray"]
    assert api.tries[-1] == "kpo"
    assert len(api.tries) > 6


def test_one_tenant_waits_for_all() -> None:
    api = WarmingApi(guard_after=0, placement_after=0)
    shared = gate(api)
    shared.pass_through("astronomer-etl")
    tries = len(api.tries)
    shared.pass_through("astronomer-bi")
    assert len(api.tries) == tries


def test_a_look_does_not_wait_and_what_it_saw_holds_for_all() -> None:
    api = WarmingApi(guard_after=1, placement_after=1)
    shared = gate(api)
    assert not shared.is_open("astronomer-etl")
    assert api.tries == ["stray"]
    assert shared.is_open("astronomer-bi")
    shared.pass_through("astronomer-etl")
    assert api.tries == ["stray", "stray", "kpo"]


def test_nothing_is_tried_where_the_policies_stood_already() -> None:
    api = WarmingApi(guard_after=99, placement_after=99)
    gate(api, is_open=True).pass_through("astronomer-etl")
    assert api.tries == []


def test_without_placement_by_the_server_only_the_guard_is_awaited() -> None:
    api = WarmingApi(guard_after=1, placement_after=99)
    gate(api, mutates_pods=False).pass_through("astronomer-etl")
    assert set(api.tries) == {"stray"}


def test_a_full_quota_says_nothing_against_the_policies() -> None:
    api = WarmingApi(guard_after=0, placement_after=0, refusal="exceeded quota: kpo-quota")
    gate(api).pass_through("astronomer-etl")
    assert api.tries == ["stray", "kpo"]


def test_policies_that_never_work_are_a_timeout_that_says_which(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admission, "DEADLINE_S", 0.1)
    monkeypatch.setattr(wait, "_FIRST_PAUSE_S", 0.01)
    with pytest.raises(errors.WaitTimeoutError) as caught:
        gate(WarmingApi(guard_after=0, placement_after=99_999)).pass_through("astronomer-etl")
    assert "a KPO pod was not placed" in caught.value.last_seen
