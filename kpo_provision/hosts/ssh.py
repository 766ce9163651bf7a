"""Runs a script on a host with OpenSSH, as the user that the spec names, and says what went wrong in terms of the spec.

The user's own configuration of OpenSSH is left out, because Terraform does not read it either: a host that could be
reached only by it would pass here and fail there.
"""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kpo_provision import errors
from kpo_provision.hosts.known_hosts import name_host
from kpo_provision.results import Finding

CONNECT_S = 15
SILENT_S = 45
"""A connection over which nothing comes for so long is given up."""
SCRIPT_FAILED = "host-script"
_FAILED = 255
"""OpenSSH's own exit code for a connection that failed; any other is the remote command's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """Where SSH goes, and as whom."""

    address: str
    port: int
    user: str
    identity_file: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """How one host is reached."""

    node: str
    target: Hop
    known_hosts: Path
    bastion: Hop | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """A script that ran to its end; ``finding`` where it could not be run."""

    stdout: str = ""
    finding: Finding | None = None


def run_script(access: Access, script: str, *, timeout_s: float) -> Ran:
    """Run a bash script as root; what it needs travels in its text, over standard input."""
    become = "bash -s" if access.target.user == "root" else "sudo -n bash -s"
    return _run(access, become, timeout_s=timeout_s, input=script)


def send_file(access: Access, file: Path, script: str, *, timeout_s: float) -> Ran:
    """Run a shell script as the user that the spec names, with a file as its standard input."""
    with file.open("rb") as source:
        return _run(access, f"sh -c {shlex.quote(script)}", timeout_s=timeout_s, stdin=source)


def _run(access: Access, command: str, *, timeout_s: float, **given: Any) -> Ran:  # noqa: ANN401  what it reads
    argv = [*_command(access.target, access), f"{access.target.user}@{access.target.address}", command]
    try:
        done = subprocess.run(
            argv, capture_output=True, text=True, errors="replace", timeout=timeout_s, check=False, **given
        )
    except FileNotFoundError as error:
        raise errors.UsageError(
            "there is no ssh on PATH, by which hosts are reached", hint="install OpenSSH's client (openssh-client)"
        ) from error
    except subprocess.TimeoutExpired:
        return Ran(finding=_finding("ssh-silent", f"did not answer for {timeout_s:.0f} s", "look at its load"))
    if done.returncode == 0:
        return Ran(stdout=done.stdout)
    return Ran(finding=_explain(access, done.returncode, done.stderr))


def _command(hop: Hop, access: Access) -> list[str]:
    options = {
        "BatchMode": "yes",
        "StrictHostKeyChecking": "yes",
        "UserKnownHostsFile": f'"{access.known_hosts}"',
        "GlobalKnownHostsFile": "/dev/null",
        "ConnectTimeout": str(CONNECT_S),
        "ServerAliveInterval": str(SILENT_S // 3),
        "ServerAliveCountMax": "3",
        "LogLevel": "ERROR",
    }
    if hop.identity_file is not None:
        options["IdentitiesOnly"] = "yes"
    argv = ["ssh", "-F", "/dev/null", "-T", "-p", str(hop.port)]
    argv += ["-i", str(hop.identity_file)] if hop.identity_file is not None else []
    if access.bastion is not None and hop is access.target:
        through = [
            *_command(access.bastion, access),
            "-W",
            "[%h]:%p",
            f"{access.bastion.user}@{access.bastion.address}",
        ]
        options["ProxyCommand"] = shlex.join(through)
    return argv + [f"-o{name}={value}" for name, value in options.items()]


_CAUSES: Sequence[tuple[str, str, str, str]] = (
    (
        "REMOTE HOST IDENTIFICATION HAS CHANGED",
        "ssh-host-key",
        "shows another key than {known_hosts} has: it is another machine, or somebody is in between",
        "compare its key on the host itself, then: ssh-keygen -R {name}",
    ),
    (
        "Host key verification failed|No .* host key is known",
        "ssh-host-key",
        "is not in {known_hosts}",
        "ssh-keyscan {scan}, compare with the host itself, and add it there",
    ),
    (
        "Permission denied|Too many authentication failures",
        "ssh-login",
        "refuses the login of {user}",
        "check ssh.user and ssh.identityFile, and its authorized_keys",
    ),
    (
        "a password is required|a terminal is required|must have a tty|not in the sudoers|is not allowed to",
        "ssh-sudo",
        "lets {user} become root only with a password",
        "allow it without one for this user: NOPASSWD in /etc/sudoers.d",
    ),
    (
        "Could not resolve hostname",
        "ssh-name",
        "has a name that does not resolve here",
        "correct `address`, or the DNS",
    ),
    (
        "Connection (refused|timed out|closed|reset)|No route to host|Network is unreachable|timed out",
        "ssh-reach",
        "does not answer at {name}",
        "see that it runs and that port {port} is open to here",
    ),
)


def _explain(access: Access, code: int, stderr: str) -> Finding:
    hop = access.target
    name = name_host(hop.address, hop.port)
    scan = hop.address if hop.port == 22 else f"-p {hop.port} {hop.address}"
    words = {"known_hosts": access.known_hosts, "user": hop.user, "port": hop.port, "name": name, "scan": scan}
    for pattern, finding, problem, hint in _CAUSES:
        if re.search(pattern, stderr) and (code == _FAILED or finding == "ssh-sudo"):
            return _finding(finding, problem.format(**words), hint.format(**words))
    said = errors.clip(stderr.strip().splitlines()[-1] if stderr.strip() else f"exit code {code}")
    what = "ssh-reach" if code == _FAILED else SCRIPT_FAILED
    return _finding(what, said, "run the same by hand: ssh " + hop.address)


def _finding(code: str, problem: str, hint: str) -> Finding:
    return Finding(code=code, is_fatal=True, problem=problem, hint=hint)
