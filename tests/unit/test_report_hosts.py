"""Hosts as a table that a person can read, with what was found out about them below it."""

from kpo_provision.report.hosts import document_of_hosts, render_hosts
from kpo_provision.report.layout import Layout
from kpo_provision.results import Action, Finding, HostChange

PLAIN = Layout(colour=False, width=100)
SWAP = Finding(code="host-swap", is_fatal=True, problem="swap is on", hint="swapoff -a")
CLOCK = Finding(code="host-ntp", is_fatal=False, problem="nothing keeps its clock right", hint="run chrony")
BARE = Finding(code="host-route", is_fatal=True, problem="it has no default route")


def host(node, action=Action.CREATE, **fields):
    standard = {"pool": "etl", "address": "10.0.0.1", "os": "debian 12", "cpus": 8, "memory_ki": 16384000}
    return HostChange(action=action, node=node, **(standard | fields))


def render(*hosts, layout=PLAIN):
    return "\n".join(render_hosts(hosts, layout))


def findings(*hosts):
    """Give the lines below the table."""
    text = render(*hosts)
    return text.splitlines()[4 + len(hosts) :]


def test_every_host_is_one_aligned_line():
    table = render(
        host("node-1", storage_ki=102400000, detail="joins"),
        host("n2", Action.UNCHANGED, pool="big", cpus=16),
        host("node-3", Action.UPDATE, detail="is reconfigured"),
        host("node-4", Action.REPLACE, detail="leaves, then joins anew"),
        HostChange(action=Action.DELETE, node="gone", pool="", detail="leaves"),
        layout=Layout(colour=False),
    )
    assert (
        table
        == """
hosts
-----
     host    pool  address   system     CPUs  memory KiB  storage KiB
+    node-1  etl   10.0.0.1  debian 12     8  16,384,000  102,400,000  joins
=    n2      big   10.0.0.1  debian 12    16  16,384,000
~    node-3  etl   10.0.0.1  debian 12     8  16,384,000               is reconfigured
+/-  node-4  etl   10.0.0.1  debian 12     8  16,384,000               leaves, then joins anew
-    gone                                                              leaves"""
    )


def test_a_target_without_hosts_shows_none():
    assert render() == ""


def test_what_keeps_a_host_from_joining_is_said_in_its_line():
    lines = render(host("node-1", detail="joins", findings=(SWAP,)), host("node-2", detail="joins", findings=(CLOCK,)))
    first, second = lines.splitlines()[4:6]
    assert first.endswith("is left as it is")
    assert "joins" not in first
    assert second.endswith("joins")


def test_a_node_that_nothing_becomes_of_is_not_said_to_be_left():
    line = render(host("node-1", Action.UNCHANGED, findings=(SWAP,))).splitlines()[4]
    assert "is left as it is" not in line


def test_a_finding_has_its_mark_its_code_and_what_to_do():
    assert findings(host("node-1", findings=(SWAP,))) == [
        "× node-1: swap is on (host-swap)",
        "    hint: swapoff -a",
    ]
    assert findings(host("node-1", findings=(CLOCK,)))[0] == "‼ node-1: nothing keeps its clock right (host-ntp)"
    assert findings(host("node-1", findings=(BARE,))) == ["× node-1: it has no default route (host-route)"]


def test_what_hosts_have_in_common_is_said_once_and_what_is_fatal_first():
    lines = findings(
        host("node-1", findings=(CLOCK, SWAP)),
        host("node-2", findings=(CLOCK,)),
        host("node-3", findings=(BARE, SWAP)),
    )
    assert [line for line in lines if not line.startswith(" ")] == [
        "× node-1, node-3: swap is on (host-swap)",
        "× node-3: it has no default route (host-route)",
        "‼ node-1, node-2: nothing keeps its clock right (host-ntp)",
    ]


def test_the_same_with_other_words_is_another_finding():
    other = Finding(code="host-swap", is_fatal=True, problem="swap is on at /dev/sda", hint="swapoff -a")
    lines = findings(host("node-1", findings=(SWAP,)), host("node-2", findings=(other,)))
    assert [line for line in lines if line.startswith("×")] == [
        "× node-1: swap is on (host-swap)",
        "× node-2: swap is on at /dev/sda (host-swap)",
    ]


def test_of_many_hosts_a_finding_names_a_few():
    [line, _] = findings(*(host(f"n{number}", findings=(SWAP,)) for number in range(8)))
    assert line == "× n0, n1, n2, n3, n4 and 3 more: swap is on (host-swap)"


def test_forty_hosts_are_listed_and_of_more_only_those_that_are_of_interest():
    same = [host(f"node-{number}", Action.UNCHANGED) for number in range(38)]
    joins, found = host("new"), host("odd", Action.UNCHANGED, findings=(CLOCK,))
    assert len(render(*same, joins, found).splitlines()) == 4 + 40 + 2
    lines = render(*same, host("one-more", Action.UNCHANGED), joins, found).splitlines()
    assert [line.split()[1] for line in lines[4:6]] == ["new", "odd"]
    assert lines[6] == "39 hosts unchanged, without a finding"
    assert len(lines) == 9


def test_where_nothing_is_of_interest_there_is_no_table():
    lines = render(*(host(f"node-{number}", Action.UNCHANGED) for number in range(41))).splitlines()
    assert lines == ["", "hosts", "-----", "41 hosts unchanged, without a finding"]


def test_what_a_host_says_of_itself_cannot_write_on_the_terminal():
    odd = Finding(code="host-name", is_fatal=True, problem="its name is \x1b[31mred\nand more", hint="\x1b[2J")
    text = render(host("node-1", os="\x1b[2Jdebian", findings=(odd,)))
    assert "\x1b" not in text
    assert len(text.splitlines()) == 4 + 1 + 2


def test_json_has_every_host_and_where_its_findings_are_explained():
    hosts = (
        host("node-1", storage_ki=3, detail="joins", findings=(SWAP,)),
        *(host(f"same-{number}", Action.UNCHANGED) for number in range(60)),
    )
    first, *others = document_of_hosts(hosts)["hosts"]
    assert first == {
        "action": "create",
        "host": "node-1",
        "pool": "etl",
        "address": "10.0.0.1",
        "os": "debian 12",
        "cpus": 8,
        "memoryKi": 16384000,
        "storageKi": 3,
        "detail": "joins",
        "findings": [
            {
                "code": "host-swap",
                "fatal": True,
                "problem": "swap is on",
                "hint": "swapoff -a",
                "help": "docs/hosts.md#host-swap",
            }
        ],
    }
    assert len(others) == 60
