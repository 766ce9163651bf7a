"""How hosts are reached: what OpenSSH is told, what goes over it, and what is made of its refusals. No host runs."""

import shlex
import subprocess
from pathlib import Path

import pytest

from kpo_provision import errors
from kpo_provision.hosts.ssh import Access, Hop, run_script

NEVER_S = 300
SCRIPT = "echo 'the script'\n# opensesame\n"
BASTION = Hop(address="gate.acme.io", port=2200, user="jump", identity_file=Path("/keys/gate key"))


class Ssh:
    """A program named ``ssh`` that notes what it is told, and then does what a test wants."""

    def __init__(self, folder):
        self.folder, self.known_hosts = folder, folder / "known_hosts"
        self.then("true")

    def then(self, what):
        program = self.folder / "ssh"
        program.write_text(f"#!/bin/sh\nprintf '%s\\0' \"$@\" >{self.folder}/argv\ncat >{self.folder}/stdin\n{what}\n")
        program.chmod(0o755)

    def run(self, *, timeout_s=NEVER_S, bastion=None, **hop):
        target = Hop(**{"address": "10.0.0.1", "port": 22, "user": "ops", **hop})
        access = Access(node="node-1", target=target, known_hosts=self.known_hosts, bastion=bastion)
        return run_script(access, SCRIPT, timeout_s=timeout_s)

    def refuse(self, code, *lines, **how):
        """Run, refused with these lines."""
        self.then(f"cat >&2 <<'END'\n{chr(10).join(lines)}\nEND\nexit {code}")
        ran = self.run(**how)
        assert ran.stdout == ""
        return ran.finding

    @property
    def argv(self):
        return self.folder.joinpath("argv").read_text().split("\0")[:-1]

    @property
    def stdin(self):
        return self.folder.joinpath("stdin").read_text()

    def told(self, argv=None):
        """Ask the real ``ssh`` what it would make of all that it is told; it connects to nobody."""
        done = subprocess.run(
            ["/usr/bin/ssh", "-G", *(argv or self.argv)],
            capture_output=True,
            text=True,
            check=True,
            stdin=subprocess.DEVNULL,
        )
        return dict(line.split(" ", 1) for line in done.stdout.splitlines() if " " in line)


@pytest.fixture
def ssh(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return Ssh(tmp_path)


def options_of(argv):
    return [part[2:] for part in argv if part.startswith("-o")]


def assert_strict(ssh, argv, told):
    """The keys are checked, against the spec's file and no other, whatever the user's own configuration says."""
    assert argv[argv.index("-F") + 1] == "/dev/null"
    assert told["stricthostkeychecking"] == "true"
    assert told["userknownhostsfile"] == str(ssh.known_hosts)
    assert told["globalknownhostsfile"] == "/dev/null"
    assert told["batchmode"] == "yes"


def test_the_key_of_a_host_is_always_checked(ssh):
    ssh.run()
    assert {"StrictHostKeyChecking=yes", f'UserKnownHostsFile="{ssh.known_hosts}"'} <= set(options_of(ssh.argv))
    assert_strict(ssh, ssh.argv, ssh.told())


def test_it_goes_where_the_spec_says_and_by_no_way_around(ssh):
    ssh.run(address="node-1.acme.io", port=2222)
    told = ssh.told()
    assert (told["hostname"], told["port"], told["user"]) == ("node-1.acme.io", "2222", "ops")
    assert "proxycommand" not in told
    assert "proxyjump" not in told


def test_a_connection_that_hangs_is_given_up(ssh):
    ssh.run()
    told = ssh.told()
    assert int(told["connecttimeout"]) > 0
    assert int(told["serveraliveinterval"]) * int(told["serveralivecountmax"]) == 45


def test_the_script_and_its_secrets_are_in_no_argument(ssh):
    ssh.run()
    assert ssh.stdin == SCRIPT
    assert not [part for part in ssh.argv if "opensesame" in part]
    assert ssh.argv[-2:] == ["ops@10.0.0.1", "sudo -n bash -s"]


def test_root_needs_no_sudo(ssh):
    ssh.run(user="root")
    assert ssh.argv[-2:] == ["root@10.0.0.1", "bash -s"]


def test_a_key_of_its_own_is_the_only_one_that_is_shown(ssh):
    ssh.run(identity_file=Path("/keys/node key"))
    assert ssh.argv[ssh.argv.index("-i") + 1] == "/keys/node key"
    assert ssh.told()["identitiesonly"] == "yes"


def test_without_one_the_agent_is_asked(ssh):
    ssh.run()
    assert "-i" not in ssh.argv
    assert ssh.told()["identitiesonly"] == "no"


def test_a_bastion_is_gone_through_and_checked_as_strictly(ssh):
    ssh.run(bastion=BASTION, identity_file=Path("/keys/node"))
    assert_strict(ssh, ssh.argv, ssh.told())
    program, *through = shlex.split(ssh.told()["proxycommand"])
    assert program == "ssh"
    assert through[-3:] == ["-W", "[%h]:%p", "jump@gate.acme.io"]
    assert through[through.index("-i") + 1] == "/keys/gate key"
    told = ssh.told([part.replace("%h", "10.0.0.1").replace("%p", "22") for part in through])
    assert_strict(ssh, through, told)
    assert (told["hostname"], told["port"], told["user"]) == ("gate.acme.io", "2200", "jump")
    assert told["identitiesonly"] == "yes"
    assert "proxycommand" not in told


def test_what_the_script_prints_comes_back_whole(ssh):
    ssh.then("printf 'a\\tb\\nc'; echo 'a word of warning' >&2")
    ran = ssh.run()
    assert (ran.stdout, ran.finding) == ("a\tb\nc", None)


CHANGED = (
    "@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@",
    "@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @",
    "@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@",
    "Host key for 10.0.0.1 has changed and you have requested strict checking.",
    "Host key verification failed.",
)
UNKNOWN = (
    "No ED25519 host key is known for 10.0.0.1 and you have requested strict checking.",
    "Host key verification failed.",
)


@pytest.mark.parametrize(
    ("code", "lines", "finding", "problem", "hint"),
    [
        (255, CHANGED, "ssh-host-key", "shows another key than", "ssh-keygen -R 10.0.0.1"),
        (255, UNKNOWN, "ssh-host-key", "is not in", "ssh-keyscan 10.0.0.1,"),
        (255, ["Host key verification failed."], "ssh-host-key", "is not in", "ssh-keyscan 10.0.0.1,"),
        (255, ["ops@10.0.0.1: Permission denied (publickey)."], "ssh-login", "login of ops", "ssh.identityFile"),
        (255, ["Received disconnect: Too many authentication failures"], "ssh-login", "login of ops", "ssh.user"),
        (1, ["sudo: a password is required"], "ssh-sudo", "lets ops become root only with a password", "NOPASSWD"),
        (1, ["sudo: a terminal is required to read the password"], "ssh-sudo", "become root", "/etc/sudoers.d"),
        (1, ["ops is not in the sudoers file."], "ssh-sudo", "become root", "NOPASSWD"),
        (
            255,
            ["ssh: Could not resolve hostname node-1: Name or service not known"],
            "ssh-name",
            "does not resolve",
            "`address`",
        ),
        (
            255,
            ["ssh: connect to host 10.0.0.1 port 22: Connection refused"],
            "ssh-reach",
            "does not answer at 10.0.0.1",
            "port 22 ",
        ),
        (255, ["ssh: connect to host 10.0.0.1 port 22: Connection timed out"], "ssh-reach", "10.0.0.1", "port 22 "),
        (255, ["ssh: connect to host 10.0.0.1 port 22: No route to host"], "ssh-reach", "10.0.0.1", "port 22 "),
        (255, ["ssh: connect to host 10.0.0.1 port 22: Network is unreachable"], "ssh-reach", "10.0.0.1", "port 22 "),
        (255, ["Connection closed by 10.0.0.1 port 22"], "ssh-reach", "10.0.0.1", "port 22 "),
        (255, ["kex_exchange_identification: read: Connection reset by peer"], "ssh-reach", "10.0.0.1", "port 22 "),
        (255, ["Timeout, server 10.0.0.1 not responding.", "it timed out"], "ssh-reach", "10.0.0.1", "port 22 "),
        (255, ["Bad packet length 1231976033."], "ssh-reach", "Bad packet length", "by hand: ssh 10.0.0.1"),
        (255, [], "ssh-reach", "exit code 255", "by hand: ssh 10.0.0.1"),
        (127, ["a greeting", "bash: line 1: sudo: command not found"], "host-script", "sudo: command not found", "ssh"),
        (3, [], "host-script", "exit code 3", "by hand: ssh 10.0.0.1"),
    ],
)
def test_a_refusal_is_a_finding_that_says_what_to_do(ssh, code, lines, finding, problem, hint):
    found = ssh.refuse(code, *lines)
    assert found.code == finding
    assert found.is_fatal
    assert problem in found.problem
    assert hint in found.hint


@pytest.mark.parametrize("lines", [CHANGED, UNKNOWN])
def test_the_file_that_lacks_the_key_is_named(ssh, lines):
    assert str(ssh.known_hosts) in ssh.refuse(255, *lines).problem


def test_a_port_of_its_own_is_named_as_openssh_names_it(ssh):
    assert "ssh-keygen -R [10.0.0.1]:2222" in ssh.refuse(255, *CHANGED, port=2222).hint
    assert "ssh-keyscan -p 2222 10.0.0.1," in ssh.refuse(255, *UNKNOWN, port=2222).hint
    refused = ssh.refuse(255, "ssh: connect to host 10.0.0.1 port 2222: Connection refused", port=2222)
    assert "[10.0.0.1]:2222" in refused.problem
    assert "port 2222 " in refused.hint


def test_of_many_words_the_last_line_is_told_and_no_more_than_a_line(ssh):
    found = ssh.refuse(2, "first", "x" * 5000)
    assert "first" not in found.problem
    assert len(found.problem) < 300


def test_a_host_that_accepts_and_then_says_nothing_is_given_up(ssh):
    ssh.then("exec sleep 300")
    found = ssh.run(timeout_s=1).finding
    assert (found.code, found.is_fatal, found.problem) == ("ssh-silent", True, "did not answer for 1 s")


def test_without_openssh_it_says_what_to_install(ssh, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    with pytest.raises(errors.UsageError, match="no ssh on PATH") as caught:
        ssh.run()
    assert "openssh-client" in caught.value.hint
