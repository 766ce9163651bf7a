"""How a bundle is sent: by an ``ssh`` that runs here what it is told to run there, in a home of each host's own."""

import hashlib
import os
from pathlib import Path

import pytest

from kpo_provision import progress
from kpo_provision.hosts import Access, Hop, send_bundle

DATA = bytes(range(256)) * 1024


class Hosts:
    """Hosts that are folders; what is on a host's line is run before anything else there."""

    def __init__(self, folder):
        self.folder = folder
        self.bundle = folder / "kpo.tar.gz"
        self.bundle.write_bytes(DATA)
        self.before = {}

    def home(self, node):
        return self.folder / node

    def send(self, *nodes):
        cases = "".join(f"  *@{node}) {line} ;;\n" for node, line in self.before.items())
        program = self.folder / "ssh"
        program.write_text(f"""\
#!/bin/bash
at=${{@: -2:1}} command=${{@: -1}}
export HOME={self.folder}/${{at#*@}}
mkdir -p "$HOME" && cd "$HOME" || exit
case "$at" in
{cases}esac
exec bash -c "$command"
""")
        program.chmod(0o755)
        hosts = [
            Access(
                node=node,
                target=Hop(address=node, port=22, user="ops"),
                known_hosts=self.folder / "known_hosts",
            )
            for node in nodes
        ]
        return send_bundle(hosts, self.bundle, hashlib.sha256(DATA).hexdigest(), progress=progress.Silent())


@pytest.fixture
def hosts(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    return Hosts(tmp_path)


def test_a_bundle_is_in_the_home_of_each_host_and_nobody_else_can_read_it(hosts):
    nodes = [f"node-{index}" for index in range(7)]
    assert hosts.send(*nodes) == ()
    for node in nodes:
        assert (hosts.home(node) / ".kpo-provision/bundle").read_bytes() == DATA
        assert (hosts.home(node) / ".kpo-provision/bundle").stat().st_mode & 0o777 == 0o600
        assert (hosts.home(node) / ".kpo-provision").stat().st_mode & 0o777 == 0o700


def test_a_host_that_has_it_is_sent_nothing(hosts):
    hosts.send("node-1")
    place = hosts.home("node-1") / ".kpo-provision/bundle"
    first = place.stat()
    assert hosts.send("node-1") == ()
    assert (place.stat().st_ino, place.stat().st_mtime_ns) == (first.st_ino, first.st_mtime_ns)


def test_another_one_takes_the_place_of_what_was_there(hosts):
    left = hosts.home("node-1") / ".kpo-provision"
    left.mkdir(parents=True)
    for name in ("bundle", "bundle.part"):
        left.joinpath(name).write_text("of an earlier run\n")
    assert hosts.send("node-1") == ()
    assert {path.name: path.read_bytes() for path in left.iterdir()} == {"bundle": DATA}


def files(home: Path):
    return sorted(str(path.relative_to(home)) for path in home.rglob("*"))


@pytest.mark.parametrize(
    ("before", "problem", "hint"),
    [
        (
            "exec 3<&0; exec < <(head -c 1000 <&3)",
            "the bundle did not reach it: it arrived cut off or damaged",
            "make room there for the bundle",
        ),
        (
            "ulimit -f 16; trap '' XFSZ",
            "the bundle did not reach it: it arrived cut off or damaged",
            "make room there for the bundle",
        ),
        (
            "PATH=$HOME/../scarce:$PATH",
            "the bundle did not reach it: only 100 KiB are free in {home}, and it has 257",
            "make room there for the bundle",
        ),
        (
            "echo 'Connection refused' >&2; exit 255",
            "the bundle did not reach it: does not answer at node-2",
            "port 22 is open",
        ),
    ],
    ids=["cut-off", "no-room", "too-little-room", "unreachable"],
)
def test_a_host_that_it_does_not_reach_is_named_and_holds_up_no_other(hosts, before, problem, hint):
    scarce = hosts.folder / "scarce" / "df"
    scarce.parent.mkdir()
    scarce.write_text("#!/bin/sh\necho none 1 1 100 1% /\n")
    scarce.chmod(0o755)
    hosts.before["node-2"] = before
    (failure,) = hosts.send("node-1", "node-2", "node-3")
    assert failure.node == "node-2"
    assert failure.problem == problem.format(home=hosts.home("node-2"))
    assert hint in failure.hint
    assert files(hosts.home("node-2")) == []
    for node in ("node-1", "node-3"):
        assert files(hosts.home(node)) == [".kpo-provision", ".kpo-provision/bundle"]
