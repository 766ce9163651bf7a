"""Reports of a run that passes and of one that fails: the exact text, and what machines read of them."""

import json
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from kpo_provision import errors, report
from kpo_provision.results import Action, Change, Changes, CheckResult, Outcome, TenantFailure

GOLDEN = Path(__file__).parents[1] / "golden" / "report"
RULE = '- apiGroups: [""]\n  resources: [pods/exec]\n  verbs: [create]'


def check(name, outcome=Outcome.PASS, *, tenant="", description="", **more):
    category = name.partition("-")[0]
    return CheckResult(
        id=name, category=category, tenant=tenant, description=description or f"{name} holds", outcome=outcome, **more
    )


CLUSTER = (
    check("cluster-reachable", description="the API server answers", detail="https://10.0.0.1:6443 runs v1.37.2"),
    check(
        "pool-nodes",
        description="pool standard has a Ready node with its label and taints",
        detail="1 of 1 nodes Ready: kpo-pool-standard",
        evidence={"nodes": "kpo-pool-standard"},
    ),
)
SOUND = (
    check("tenant-quota", tenant="etl", description="the quota that was promised is in force", detail="0 of 10 in use"),
    check(
        "probe-launch",
        tenant="etl",
        description="etl-worker-serviceaccount can create pods",
        detail="acme-etl/kpo-probe-1c2d3e4f created by system:serviceaccount:acme-etl:etl-worker-serviceaccount",
        evidence={"created-by": "system:serviceaccount:acme-etl:etl-worker-serviceaccount"},
        duration_s=0.0314,
    ),
    check(
        "probe-log",
        tenant="etl",
        description="its log can be followed",
        detail="kpo-probe 1c2d3e4f hello",
        evidence={"log-line": "kpo-probe 1c2d3e4f hello"},
    ),
    check(
        "network-isolation",
        Outcome.WARN,
        tenant="etl",
        description="network policies are in force",
        detail="the pod reaches the API server",
        hint="the network plugin must enforce NetworkPolicy",
    ),
)
BECAUSE = "not checked, because probe-image did not pass"
BROKEN = (
    check(
        "rbac-worker",
        Outcome.FAIL,
        tenant="ml",
        description="ml-worker-serviceaccount may do what KubernetesPodOperator does",
        detail="ml-worker-serviceaccount may not create pods/exec",
        hint=f"add to a Role in acme-ml that is bound to service account ml-worker-serviceaccount:\n{RULE}",
    ),
    check(
        "probe-image",
        Outcome.FAIL,
        tenant="ml",
        description="its image is pulled: registry.acme.io/kpo/probe:1",
        detail="ImagePullUnauthorized: image pull unauthorized: registry.acme.io refused it to secret "
        "acme-ml/registry-acme: unexpected status: 401 Unauthorized",
        hint="correct the credentials of registry `acme` where the spec reads them, then run `kpo-provision apply`",
        evidence={"cause": "ImagePullUnauthorized"},
    ),
    check("probe-log", Outcome.SKIP, tenant="ml", detail=BECAUSE),
    check("probe-xcom", Outcome.SKIP, tenant="ml", detail=BECAUSE),
)
CHANGES = Changes(
    changes=(
        Change(action=Action.CREATE, kind="Namespace", namespace="", name="acme-etl", tenant="etl"),
        Change(action=Action.UPDATE, kind="ResourceQuota", namespace="acme-ml", name="kpo-quota", tenant="ml"),
        Change(action=Action.UNCHANGED, kind="LimitRange", namespace="acme-ml", name="kpo-limits", tenant="ml"),
    )
)
PASSING = report.RunReport(
    command="apply",
    tool_version="0.1.0",
    installation="acme",
    target="context prod (https://10.0.0.1:6443)",
    kubernetes_version="v1.37.2",
    changes=CHANGES,
    checks=CLUSTER + SOUND,
    next_commands=("kpo-provision status kpo-provision.yaml",),
    duration_s=4.25,
)
FAILING = replace(PASSING, command="verify", changes=None, checks=CLUSTER + SOUND + BROKEN, next_commands=())
HALF_APPLIED = replace(
    FAILING,
    command="apply",
    changes=replace(
        CHANGES,
        failures=(TenantFailure(tenant="bi", problem="namespace acme-bi is somebody else's", hint="use --take-over"),),
        orphans=("acme-old",),
        ending=("acme-older",),
    ),
)


@pytest.mark.parametrize(
    ("name", "run"),
    [("passing", PASSING), ("failing", FAILING), ("half-applied", HALF_APPLIED)],
    ids=lambda v: str(v)[:12],
)
def test_the_text_of_a_run_is_as_recorded(name, run, request):
    path = GOLDEN / f"{name}.txt"
    text = report.render_text(run, colour=False)
    if request.config.getoption("--update-golden"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def test_the_exit_code_names_the_worst_that_happened():
    codes = [run.exit_code for run in (PASSING, FAILING, HALF_APPLIED)]
    assert codes == [errors.ExitCode.OK, errors.ExitCode.VERIFICATION, errors.ExitCode.CLUSTER]


def test_text_without_unicode_has_marks_of_its_own():
    text = report.render_text(FAILING, colour=False, ascii_only=True)
    assert text.isascii()
    assert "xx its image is pulled" in text


def test_colour_is_only_in_marks_and_headings():
    text = report.render_text(FAILING, colour=True)
    assert "\x1b[31m×\x1b[0m its image is pulled" in text
    assert "\x1b" not in report.render_text(FAILING, colour=False)


def test_with_many_tenants_a_sound_one_is_a_line_and_a_broken_one_is_shown_in_full():
    sound = [replace(one, tenant=f"t{n}", outcome=Outcome.PASS, hint="") for n in range(11) for one in SOUND]
    text = report.render_text(replace(FAILING, checks=(*CLUSTER, *sound, *BROKEN)), colour=False)
    assert "√ tenant t7\n" in text
    assert "resources: [pods/exec]" in text
    assert text.count("can create pods") == 0


def test_what_a_cluster_says_cannot_steer_the_terminal_that_shows_it():
    hostile = "evil\x1b]0;pwn\x07 \u202etxt.exe\x9b31m [/bold] \ud800"
    spoiled = replace(BROKEN[1], detail=hostile, hint=hostile, description=hostile)
    run = replace(FAILING, target=hostile, checks=(spoiled, replace(BROKEN[2], detail=hostile)))
    for text in (
        report.render_text(run, colour=False),
        report.render_json(run),
        report.render_junit(run.checks, name="a"),
    ):
        assert not {"\x1b", "\x07", "\x9b", "\u202e", "\ud800"} & set(text)
    assert "evil\\x1b]0;pwn\\x07 \\u202etxt.exe\\x9b31m [/bold]" in report.render_text(run, colour=False)


def test_the_json_of_a_run_names_its_schema_and_holds_every_check():
    document = json.loads(report.render_json(FAILING))
    assert (document["schema"], document["exitCode"], document["success"]) == ("kpo-provision/run-report/v1", 7, False)
    assert [found["id"] for found in document["checks"]] == [one.id for one in FAILING.checks]
    assert document["counts"] == {"pass": 5, "warn": 1, "fail": 2, "skip": 2}
    assert document["changes"] is None
    launch = next(found for found in document["checks"] if found["id"] == "probe-launch")
    assert launch["evidence"]["created-by"].startswith("system:serviceaccount:acme-etl:")


def test_junit_has_a_suite_a_tenant_and_cases_that_consumers_can_tell_apart():
    pools = [replace(CLUSTER[1], description=f"pool {name} has a Ready node") for name in ("standard", "big")]
    root = ET.fromstring(report.render_junit((*CLUSTER[:1], *pools, *SOUND, *BROKEN), name="acme"))
    assert [suite.get("name") for suite in root] == ["cluster", "etl", "ml"]
    cases = [(case.get("classname"), case.get("name")) for case in root.iter("testcase")]
    assert len(set(cases)) == len(cases)
    assert all(classname for classname, _ in cases)
    assert (root.get("tests"), root.get("failures"), root.get("skipped")) == ("11", "2", "2")


def test_junit_says_in_the_body_what_failed_and_what_to_do():
    root = ET.fromstring(report.render_junit(SOUND + BROKEN, name="acme"))
    bodies = [failure.text for failure in root.iter("failure")]
    assert "secret acme-ml/registry-acme" in bodies[1]
    assert "docs/checks.md#probe-image" in bodies[1]
    assert [found.get("message") for found in root.iter("skipped")] == [BECAUSE, BECAUSE]
    assert any("warning: " in found.text for found in root.iter("system-out"))
