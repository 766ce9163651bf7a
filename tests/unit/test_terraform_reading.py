"""What Terraform says, as values: events, plans, outputs, and causes of failures. No Terraform runs here."""

import json
from pathlib import Path

import pytest

from kpo_provision import errors
from kpo_provision.terraform import announcements, commands, diagnostics, events, failures, outputs, plan_summary
from kpo_provision.terraform.process import Finished
from kpo_provision.terraform.redaction import Redactor

FAILED = Finished(returncode=1, stderr_tail="")


def fail(text, *, finished=FAILED, hide=str):
    summary, _, detail = text.partition("\n")
    found = [diagnostics.Diagnostic(severity="error", summary=summary, detail=detail)] if text else []
    return failures.describe_failure(found, command="terraform plan", folder=Path("/w"), finished=finished, hide=hide)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("Error: could not find default credentials. See https://cloud.google.com/docs", "gcloud auth application-def"),
        ('oauth2: cannot fetch token: 400 Bad Request: {"error": "invalid_grant"}', "expired or revoked"),
        (
            "googleapi: Error 403: Kubernetes Engine API has not been used in project acme-data., accessNotConfigured",
            "gcloud services enable container.googleapis.com",
        ),
        ("googleapi: Error 403: Insufficient regional quota to satisfy request: resource CPUS", "more quota"),
        ("Quota 'N2_CPUS' exceeded.  Limit: 24.0 in region europe-west1.", "more quota"),
        (
            'googleapi: Error 403: Required "container.clusters.update" permission(s) for "projects/acme-data".',
            "needs the permission container.clusters.update",
        ),
        ("googleapi: Error 409: Already exists: projects/acme-data/zones/x/nodePools/standard.", "another name"),
        (
            "googleapi: Error 400: Cluster is running incompatible operation operation-17.",
            "busy with another operation",
        ),
        (
            "googleapi: Error 404: Not found: projects/acme-data/locations/x/clusters/airflow., notFound",
            "`create: true`",
        ),
        ("googleapi: Error 503: The service is currently unavailable.", "could not be reached"),
        ("Failed to query available provider packages\nCould not retrieve the list of available versions", "mirror"),
        ("Unsupported Terraform Core version\nThis configuration does not support", "--terraform-bin"),
        ("Backend configuration changed\nA change in the backend configuration", "init -migrate-state"),
        ("Saved plan is stale\nThe given plan file can no longer be applied", "somebody applied in between"),
    ],
)
def test_a_known_cause_says_what_to_do(text, hint):
    assert hint in fail(text).hint


def test_only_what_passes_is_retryable():
    assert fail("googleapi: Error 503: The service is currently unavailable.").retryable
    assert not fail("googleapi: Error 403: forbidden").retryable


def test_the_first_error_is_told_with_its_resource_and_the_number_of_others():
    found = [
        diagnostics.parse_diagnostic({"severity": "warning", "summary": "Deprecated"}),
        diagnostics.parse_diagnostic(
            {
                "severity": "error",
                "summary": "Error creating NodePool",
                "detail": "it broke",
                "address": 'google_container_node_pool.pool["standard"]',
                "range": {"filename": "main.tf", "start": {"line": 3}},
            }
        ),
        diagnostics.parse_diagnostic({"severity": "error", "summary": "Other"}),
    ]
    error = failures.describe_failure(found, command="terraform apply", folder=Path("/w"), finished=FAILED, hide=str)
    assert str(error) == (
        'terraform apply failed in /w: google_container_node_pool.pool["standard"], main.tf:3: '
        "Error creating NodePool: it broke (and 1 more)"
    )
    assert error.exit_code == errors.ExitCode.TERRAFORM


def test_what_was_said_on_stderr_alone_is_told_without_its_frame():
    finished = Finished(returncode=1, stderr_tail="\x1b[31m╷\x1b[0m\n│ Error: Broken\n│\n│ It broke.\n╵")
    assert str(fail("", finished=finished)).endswith("exit 1: Error: Broken It broke.")


def test_nothing_said_is_told_as_such():
    assert str(fail("", finished=Finished(returncode=-9, stderr_tail=""))).endswith(
        "killed by signal 9, and it did not say why"
    )


def test_a_lock_is_told_with_who_holds_it():
    detail = (
        "Error message: writing failed: googleapi: Error 412: precondition\nLock Info:\n  ID:        17\n"
        "  Path:      gs://acme/default.tflock\n  Operation: OperationTypeApply\n  Who:       ci@runner\n"
        "  Version:   1.11.4\n  Created:   2026-11-23 17:05:22.3 +0000 UTC\n  Info:      \n"
    )
    error = fail(f"Error acquiring the state lock\n{detail}")
    assert "ci@runner holds it for apply since 2026-11-23 17:05:22 (lock 17)" in str(error)
    assert "terraform force-unlock 17" in error.hint


def test_a_braces_in_a_message_breaks_no_hint():
    assert fail('googleapi: Error 403: {"error": {}} forbidden').hint


def test_secrets_are_hidden_whatever_they_come_in():
    hide = Redactor({"GOOGLE_OAUTH_ACCESS_TOKEN": "opensesame", "HOME": "/home/ada", "MY_SECRET": "yes"}).hide
    assert hide("a opensesame b /home/ada yes") == "a (hidden) b /home/ada yes"
    assert hide("ya29.a0Af_x-y and AKIAABCDEFGHIJKLMNOP") == "(hidden) and (hidden)"
    assert hide("Authorization: Bearer abc.def") == "Authorization: Bearer (hidden)"
    assert hide("https://ada:pw@host/x") == "https://(hidden)@host/x"
    assert hide("-----BEGIN PRIVATE KEY-----\nMII\nabc") == "(hidden)"


def test_a_key_in_a_variable_is_hidden_line_by_line():
    hide = Redactor({"GOOGLE_CREDENTIALS": '{\n  "client_id": "12345678"\n}'}).hide
    assert hide('got "client_id": "12345678" only') == "got (hidden) only"


def test_hidden_secrets_stay_hidden_in_sentence_and_hint():
    hide = Redactor({"TF_TOKEN_app_terraform_io": "opensesame"}).hide
    error = fail("unauthorized: opensesame", hide=hide)
    assert "opensesame" not in f"{error} {error.hint}"


def test_no_command_line_holds_a_value():
    built = commands.Commands(Path("/bin/terraform"))
    for argv in (built.init(), built.plan(lock_timeout_s=3), built.apply(lock_timeout_s=3), built.output()):
        assert argv[0] == "/bin/terraform"
        assert not [part for part in argv if part.startswith(("-var=", "-backend-config", "-reconfigure", "-force"))]
    assert built.plan(lock_timeout_s=3)[1:4] == ("plan", "-json", "-input=false")
    assert "-destroy" in built.plan(lock_timeout_s=3, destroy=True)


@pytest.mark.parametrize("line", ["", "no json", "[]", "1", '{"type": "future"}', '{"type": 7}', "{}"])
def test_a_line_of_no_meaning_is_no_event(line):
    assert events.parse_event(line) is None


def test_a_resource_moves():
    hook = {"resource": {"addr": "module.gke.x.y"}, "action": "create", "elapsed_seconds": 30}
    event = events.parse_event(json.dumps({"type": "apply_progress", "hook": hook}))
    assert event == events.ResourceEvent(
        address="module.gke.x.y", action="create", stage=events.Stage.RUNNING, elapsed_s=30
    )


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ('module.gke_node_pool.google_x.pool["a.b"]', 'google_x.pool["a.b"]'),
        ('module.a["x.y"].module.b[0].google_x.pool', "google_x.pool"),
        ("google_x.pool", "google_x.pool"),
    ],
)
def test_an_address_is_shown_without_its_modules(address, shown):
    assert announcements.render_address(address) == shown


def plan_one(**change):
    resource = {"address": 'x.y["standard"]', "type": "x", "mode": "managed", "index": "standard", "change": change}
    return plan_summary.parse_plan({"resource_changes": [resource]})


@pytest.mark.parametrize(
    ("actions", "kind"),
    [
        (["create"], "create"),
        (["update"], "update"),
        (["delete"], "delete"),
        (["delete", "create"], "replace"),
        (["create", "delete"], "replace"),
        (["forget"], "forget"),
    ],
)
def test_a_change_is_of_one_kind(actions, kind):
    summary = plan_one(actions=actions)
    assert [(change.key, change.kind.value) for change in summary.changes] == [("standard", kind)]
    assert summary.has_changes
    assert bool(summary.destructive) == (kind in ("delete", "replace"))


@pytest.mark.parametrize("actions", [["no-op"], ["read"]])
def test_what_stays_as_it_is_is_no_change(actions):
    assert not plan_one(actions=actions).has_changes


def test_a_replacement_says_what_forces_it_and_what_comes_first():
    [change] = plan_one(
        actions=["create", "delete"],
        before={"name": "a", "taint": [1], "size": 1},
        after={"name": "b", "taint": [2], "size": 1},
        after_unknown={"id": True},
        replace_paths=[["node_config", 0, "taint"], ["name"]],
    ).changes
    assert change.creates_first
    assert change.attributes == ("name", "taint")
    assert change.forced_by == ("node_config.taint", "name")


def test_an_import_is_one_whether_or_not_something_is_changed_by_it():
    before, after = ({"name": "a-1", "taint": taints} for taints in ([], ["mine"]))
    [known] = plan_one(actions=["no-op"], importing={"id": "a-1"}, before=after, after=after).changes
    [changed] = plan_one(actions=["update"], importing={"id": "a-1"}, before=before, after=after).changes
    assert (known.kind, known.attributes) == (plan_summary.ChangeKind.IMPORT, ())
    assert (changed.kind, changed.attributes) == (plan_summary.ChangeKind.IMPORT, ("taint",))


def test_what_only_the_cloud_will_know_counts_where_nothing_else_differs():
    [change] = plan_one(
        actions=["update"], before={"version": "1", "size": 1}, after={"size": 1}, after_unknown={"version": True}
    ).changes
    assert change.attributes == ("version",)


def test_a_change_within_a_block_is_named_within_it():
    before, after = ({"node_config": [{"labels": labels, "disk": 1}]} for labels in ({"a": "1"}, {}))
    [change] = plan_one(actions=["update"], before=before, after=after).changes
    assert change.attributes == ("node_config.labels",)


def test_a_resource_is_known_by_what_the_cloud_calls_it_wherever_it_is_in_the_state():
    pool = {"mode": "managed", "type": "pool", "address": 'module.m.pool.p["a"]', "values": {"name": "a-1"}}
    data = {"mode": "data", "type": "cluster", "address": "data.cluster.c", "values": {"name": "c"}}
    child = {"resources": [pool | {"tainted": True}, data]}
    state = {"values": {"root_module": {"child_modules": [child]}}}
    [known] = plan_summary.parse_plan({"prior_state": state}).known
    assert (known.address, known.type, known.name, known.is_tainted) == ('module.m.pool.p["a"]', "pool", "a-1", True)


def test_a_replacement_says_what_the_cloud_calls_either():
    [change] = plan_one(actions=["create", "delete"], before={"name": "a-1"}, after={"name": "a-2"}).changes
    assert (change.old_name, change.new_name) == ("a-1", "a-2")


def test_a_sensitive_value_is_in_no_summary():
    summary = plan_one(actions=["update"], before={"key": "old-secret"}, after={"key": "new-secret"})
    assert "secret" not in repr(summary)


def test_outputs_are_not_shown_and_a_missing_one_is_named():
    found = outputs.parse_outputs(
        {"cluster": {"value": {"name": "airflow"}}, "token": {"value": "s", "sensitive": True}}
    )
    assert found.require("cluster") == {"name": "airflow"}
    assert found.sensitive == {"token"}
    assert "airflow" not in repr(found)
    with pytest.raises(errors.TerraformError, match="has no output node_pools; it has: cluster, token"):
        found.require("node_pools")


def test_a_plan_is_sketched_in_one_order_whatever_terraform_says_first():
    big, standard = (
        events.PlannedEvent(address=f'terraform_data.pool["{key}"]', type="terraform_data", key=key, action="create")
        for key in ("big", "standard")
    )
    for said in ((big, standard), (standard, big)):
        assert [change.key for change in plan_summary.sketch_plan(said).changes] == ["big", "standard"]
