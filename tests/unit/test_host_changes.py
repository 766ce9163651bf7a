"""What Terraform would do, told by hosts: who joins, who leaves, what an earlier run left, and what went wrong."""

import hashlib
from types import SimpleNamespace

import pytest

from kpo_provision import errors
from kpo_provision.hosts import HostFacts, HostLook
from kpo_provision.results import Action, Finding, HostChange, HostFailure
from kpo_provision.target import host_changes
from kpo_provision.terraform import HOST_TYPE, ChangeKind, KnownResource, PlanSummary, ResourceChange

SWAP = Finding(code="host-swap", is_fatal=True, problem="swap is on")


def make_spec(**pools):
    """Make what is asked of a spec: hosts by pool, each at an address of its own name."""
    hosts = {
        pool: {name: SimpleNamespace(address=f"{name}.acme.io") for name in names} for pool, names in pools.items()
    }
    return SimpleNamespace(node_pools={pool: SimpleNamespace(hosts=named) for pool, named in hosts.items()})


def address(node, part="host"):
    return f'terraform_data.{part}["{node}"]'


def change(kind, node, part="host"):
    return ResourceChange(address=address(node, part), type=HOST_TYPE, key=node, kind=kind)


def known(node, part="host", *, is_tainted=False):
    return KnownResource(address=address(node, part), type=HOST_TYPE, name="", is_tainted=is_tainted)


def describe(*changes, state=(), looks=None, spec=None):
    summary = PlanSummary(changes=changes, known=tuple(state))
    return host_changes.describe_hosts(spec or make_spec(etl=["a"]), summary, looks or {})


def look(node, *, findings=(), **facts):
    return HostLook(node=node, facts=HostFacts(**facts) if facts else None, findings=findings)


def fail(**texts):
    """Make Terraform's error, by nodes: what it found wrong, and the lines that were printed."""
    error = errors.TerraformError("terraform apply failed")
    error.failed = {address(node): text for node, (text, _) in texts.items()}
    error.printed = {address(node): tuple(lines) for node, (_, lines) in texts.items()}
    return host_changes.explain_failures(error)


def test_a_host_that_nothing_changes_about_stays_as_it_is():
    assert describe() == (HostChange(action=Action.UNCHANGED, node="a", pool="etl", address="a.acme.io"),)


@pytest.mark.parametrize(
    ("changes", "action", "detail"),
    [
        ([change(ChangeKind.CREATE, "a"), change(ChangeKind.CREATE, "a", "configuration")], Action.CREATE, "joins"),
        ([change(ChangeKind.REPLACE, "a")], Action.REPLACE, "leaves, then joins anew"),
        ([change(ChangeKind.REPLACE, "a", "configuration")], Action.UPDATE, "is reconfigured"),
        ([change(ChangeKind.CREATE, "a", "configuration")], Action.UPDATE, "is reconfigured"),
        ([change(ChangeKind.REPLACE, "a", "logins")], Action.UPDATE, "is given registry logins"),
        (
            [change(ChangeKind.REPLACE, "a", "configuration"), change(ChangeKind.CREATE, "a", "logins")],
            Action.UPDATE,
            "is reconfigured",
        ),
        ([change(ChangeKind.CREATE, "a"), change(ChangeKind.CREATE, "a", "logins")], Action.CREATE, "joins"),
        ([change(ChangeKind.UPDATE, "a")], Action.UPDATE, "is reached in another way"),
        (
            [change(ChangeKind.UPDATE, "a"), change(ChangeKind.REPLACE, "a", "configuration")],
            Action.UPDATE,
            "is reconfigured",
        ),
        ([change(ChangeKind.CREATE, "b")], Action.UNCHANGED, ""),
    ],
)
def test_what_becomes_of_a_host_is_told_by_its_membership_before_its_configuration(changes, action, detail):
    [row] = describe(*changes)
    assert (row.node, row.pool, row.action, row.detail) == ("a", "etl", action, detail)


def test_a_host_that_only_half_joined_joins_anew():
    state = [known("a", is_tainted=True), known("b")]
    spec = make_spec(etl=["a", "b"])
    half, whole = describe(change(ChangeKind.REPLACE, "a"), change(ChangeKind.REPLACE, "b"), state=state, spec=spec)
    assert (half.action, half.detail) == (Action.REPLACE, "joins anew: an earlier run ended half way")
    assert whole.detail == "leaves, then joins anew"


def test_a_host_that_is_no_longer_in_the_spec_leaves_and_comes_last():
    parts = ("host", "configuration", "logins")
    gone = [change(ChangeKind.DELETE, node, part) for node in ("z", "b") for part in parts]
    rows = describe(*gone, spec=make_spec(small=["x"], big=["c"]))
    assert [(row.node, row.pool, row.action) for row in rows] == [
        ("x", "small", Action.UNCHANGED),
        ("c", "big", Action.UNCHANGED),
        ("b", "", Action.DELETE),
        ("z", "", Action.DELETE),
    ]
    assert rows[-1].detail == "leaves, once no KPO pod runs on it"


def test_what_is_no_host_is_no_row():
    other = ResourceChange(address="terraform_data.other", type=HOST_TYPE, key="", kind=ChangeKind.DELETE)
    within = ResourceChange(
        address='module.x.terraform_data.host["b"]', type=HOST_TYPE, key="b", kind=ChangeKind.DELETE
    )
    assert [row.node for row in describe(other, within)] == ["a"]


def test_what_was_found_out_about_a_host_is_told_with_it():
    looks = {
        "a": look("a", os="debian 12", cpus=8, memory_ki=16, storage_ki=32, findings=(SWAP,)),
        "b": look("b", findings=(SWAP,)),
    }
    seen, silent, unknown = describe(looks=looks, spec=make_spec(etl=["a", "b", "c"]))
    assert (seen.os, seen.cpus, seen.memory_ki, seen.storage_ki) == ("debian 12", 8, 16, 32)
    assert (silent.os, silent.cpus) == ("", 0)
    assert (seen.findings, silent.findings, unknown.findings) == ((SWAP,), (SWAP,), ())


def test_who_leaves_and_who_joins_follows_from_that():
    spec = make_spec(etl=["same", "new", "moved", "half", "told"])
    rows = describe(
        change(ChangeKind.CREATE, "new"),
        change(ChangeKind.REPLACE, "moved"),
        change(ChangeKind.REPLACE, "half"),
        change(ChangeKind.REPLACE, "told", "configuration"),
        change(ChangeKind.DELETE, "gone"),
        state=[known("half", is_tainted=True)],
        spec=spec,
    )
    assert host_changes.list_joining(rows) == ["new", "moved", "half"]
    assert host_changes.list_leaving(rows) == ["moved", "gone"]


def test_the_script_on_the_host_has_the_last_word():
    said = (
        "a: join the cluster",
        "a: the node is not ready after 300 s",
        "  next: look at: journalctl -u kubelet",
        "a: kubeadm join failed: x509",
        "  next: compare the clock",
        "Connection to a closed.",
    )
    text = 'remote-exec provisioner error\nerror executing "/x.sh": Process exited with status 1'
    assert fail(a=(text, said)) == (
        HostFailure(node="a", problem="kubeadm join failed: x509", hint="compare the clock"),
    )


def test_a_script_that_ended_without_a_word_of_its_own_is_quoted():
    text = "remote-exec provisioner error\nerror executing: Process exited with status 137"
    [quoted] = fail(a=(text, ["first", "b: not about it", "Killed"]))
    assert (quoted.problem, quoted.hint) == ("b: not about it Killed", "run again; what was done on it is kept")
    [silent] = fail(a=(text, []))
    assert silent.problem == "remote-exec provisioner error error executing: Process exited with status 137"


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("file provisioner error\nssh: handshake failed: ssh: host key mismatch", "compare its key on the host itself"),
        ("remote-exec provisioner error\nssh: handshake failed: knownhosts: key is unknown", "somebody is in between"),
        ("remote-exec provisioner error\ntimeout - last error: dial tcp 10.0.0.1:22: i/o timeout", "reached over SSH"),
    ],
)
def test_a_connection_that_failed_is_told_with_what_to_look_at(text, hint):
    [failure] = fail(a=(text, ["a: what an earlier script said", "  next: something else"]))
    assert failure.problem == text.replace("\n", ": ")
    assert hint in failure.hint


def test_failures_are_one_a_host_in_order_and_about_hosts_alone():
    error = errors.TerraformError("terraform apply failed")
    error.failed = {
        address("b"): "first of b",
        address("a", "configuration"): "of a",
        address("b", "configuration"): "second of b",
        "terraform_data.other": "of nobody",
    }
    assert [(failure.node, failure.problem) for failure in host_changes.explain_failures(error)] == [
        ("a", "of a"),
        ("b", "first of b"),
    ]
    assert host_changes.explain_failures(errors.TerraformError("no binary")) == ()


def test_a_failure_is_no_longer_than_a_line():
    [failure] = fail(a=("x" * 5000, []))
    assert len(failure.problem) == errors.MESSAGE_LIMIT


@pytest.mark.parametrize(
    ("membership", "applied", "unfinished"),
    [
        ("joined", "f00", []),
        ("half", "f00", ["host"]),
        ("fresh", "f00", ["host"]),
        ("joined", "old", ["configuration"]),
        ("fresh", "", ["host", "configuration"]),
    ],
)
def test_what_terraform_takes_for_done_is_asked_of_the_host(membership, applied, unfinished):
    summary = PlanSummary(changes=(), known=(known("a"), known("a", "configuration"), known("a", "logins")))
    looks = {"a": look("a", membership=membership, applied=applied)}
    found = host_changes.find_unfinished(summary, looks, {"a": "f00"})
    assert found == [address("a", part) for part in unfinished]


@pytest.mark.parametrize(
    ("changes", "state", "seen"),
    [
        pytest.param([], [known("a", is_tainted=True)], look("a", membership="half"), id="is made anew already"),
        pytest.param([change(ChangeKind.REPLACE, "a")], [known("a")], look("a", membership="half"), id="changes"),
        pytest.param([], [known("a")], look("a"), id="cannot be reached"),
        pytest.param([], [known("a")], None, id="is not looked at"),
        pytest.param([], [], look("a", membership="half"), id="is not in the state"),
        pytest.param([], [known("a", "other")], look("a", membership="half"), id="is no host"),
    ],
)
def test_what_is_mended_anyhow_or_cannot_be_known_is_left_alone(changes, state, seen):
    summary = PlanSummary(changes=tuple(changes), known=tuple(state))
    assert host_changes.find_unfinished(summary, {"a": seen} if seen else {}, {"a": "f00"}) == []


LOGINS = '{"auths":{"registry.acme.io":{"auth":"eDp5"}}}'
DIGEST = hashlib.sha256(f"{LOGINS}\n".encode()).hexdigest()


@pytest.mark.parametrize(
    ("logins", "held", "is_old"),
    [(LOGINS, DIGEST, False), (LOGINS, "", True), (LOGINS, "0" * 64, True)],
)
def test_a_kubelet_with_other_registry_logins_is_found_by_their_digest(logins, held, is_old):
    state = (known("a"), known("a", "configuration"), known("a", "logins"), known("b", "logins"))
    looks = {"a": look("a", membership="joined", logins=held), "b": look("b")}
    summary = PlanSummary(changes=(), known=state)
    assert host_changes.find_old_logins(summary, looks, logins) == [address("a", "logins")] * is_old


@pytest.mark.parametrize("state", [known("a", "logins", is_tainted=True), known("a", "logins")])
def test_logins_that_are_given_anew_anyhow_are_not_given_twice(state):
    changes = () if state.is_tainted else (change(ChangeKind.REPLACE, "a", "logins"),)
    looks = {"a": look("a", membership="joined")}
    assert host_changes.find_old_logins(PlanSummary(changes=changes, known=(state,)), looks, LOGINS) == []


def test_a_host_that_half_joined_and_is_to_go_is_found_so_that_it_leaves():
    changes = (
        change(ChangeKind.DELETE, "half"),
        change(ChangeKind.DELETE, "whole"),
        change(ChangeKind.REPLACE, "anew"),
        change(ChangeKind.DELETE, "told", "configuration"),
    )
    state = (
        known("half", is_tainted=True),
        known("whole"),
        known("anew", is_tainted=True),
        known("told", "configuration", is_tainted=True),
    )
    assert host_changes.find_half_leaving(PlanSummary(changes=changes, known=state)) == [address("half")]


def test_a_node_is_found_by_its_address_and_an_address_by_its_node():
    assert host_changes.find_node(address("node-1.acme")) == "node-1.acme"
    assert host_changes.find_node(address("a", "configuration")) == "a"
    assert host_changes.find_node("terraform_data.other") == ""
    assert host_changes.address_host("node-1") == 'terraform_data.host["node-1"]'


def test_a_host_that_is_given_up_says_that_nobody_reset_it():
    row = HostChange(action=Action.DELETE, node="a", pool="")
    lost = host_changes.describe_lost(row, HostFailure(node="a", problem="no route to host"))
    assert lost.detail == "is given up, and was not reset: no route to host"
    assert (lost.action, lost.node) == (Action.DELETE, "a")
