"""Looks at all hosts at once, before anything is done to one of them."""

from __future__ import annotations

import shlex
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from kpo_provision import assets
from kpo_provision.hosts.findings import HostFacts, HostLook
from kpo_provision.hosts.ssh import Access, run_script
from kpo_provision.progress import Progress
from kpo_provision.results import Finding

_AT_ONCE = 32
_PATIENCE_S = 120
_SCRIPTS = ("host.sh", "containerd.sh", "preflight.sh")
_RUN = """\
preflight
"$(PATH=$PATH:/usr/sbin command -v sshd)" -T 2>/dev/null | sed -n 's/^hostkey //p' | while read -r key; do
  [ ! -e "$key.pub" ] || printf 'hostKey\\t%s\\n' "$(cut -d ' ' -f 1,2 "$key.pub")"
done || true
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A host to look at, and what the scripts are to expect of it."""

    access: Access
    settings: Mapping[str, str]


def look_at_hosts(hosts: Sequence[Wanted], *, progress: Progress) -> tuple[HostLook, ...]:
    """Look at every host; what they must not have in common is found as well."""
    if not hosts:
        return ()
    with (
        progress.step("Look at the hosts", total=len(hosts)) as step,
        ThreadPoolExecutor(min(_AT_ONCE, len(hosts))) as pool,
    ):

        def look(wanted: Wanted) -> HostLook:
            seen = _look(wanted)
            step.advance()
            return seen

        looks = tuple(pool.map(look, hosts))
    return _find_twins(looks)


def _look(wanted: Wanted) -> HostLook:
    settings = {**wanted.settings, "NODE": wanted.access.node, "NOW": str(int(time.time()))}
    head = "".join(f"readonly {name}={shlex.quote(value)}\n" for name, value in settings.items())
    folder = assets.asset("modules") / "self-hosted-node-pool" / "scripts"
    body = "\n".join((folder / name).read_text(encoding="utf-8") for name in _SCRIPTS)
    ran = run_script(wanted.access, f"{head}{body}\n{_RUN}", timeout_s=_PATIENCE_S)
    if ran.finding is not None:
        return HostLook(node=wanted.access.node, facts=None, findings=(ran.finding,))
    return parse_look(wanted.access.node, ran.stdout)


def parse_look(node: str, text: str) -> HostLook:
    """Parse what the script prints of one host."""
    facts: dict[str, str] = {}
    keys: list[str] = []
    findings: list[Finding] = []
    for line in text.splitlines():
        match line.split("\t"):
            case ["fact", name, value]:
                facts[name] = value
            case ["hostKey", key]:
                keys.append(key)
            case ["finding", code, severity, problem, hint]:
                findings.append(Finding(code=code, is_fatal=severity == "fatal", problem=problem.strip(), hint=hint))
            case _:
                pass  # what a login shell of the host greets with
    return HostLook(node=node, facts=HostFacts.parse(facts, host_keys=tuple(keys)), findings=tuple(findings))


def _find_twins(looks: Sequence[HostLook]) -> tuple[HostLook, ...]:
    """Find hosts that are copies of one another: a machine ID is the node's identity to others."""
    count = Counter(look.facts.machine_id for look in looks if look.facts and look.facts.machine_id)
    found = []
    for look in looks:
        if look.facts and count[look.facts.machine_id] > 1:
            twins = [other.node for other in looks if other.facts and other.facts.machine_id == look.facts.machine_id]
            problem = f"has the machine ID of {', '.join(twin for twin in twins if twin != look.node)}"
            hint = "empty /etc/machine-id, run systemd-machine-id-setup, and reboot it"
            twin = Finding(code="host-machine-id", is_fatal=True, problem=problem, hint=hint)
            found.append(replace(look, findings=(*look.findings, twin)))
        else:
            found.append(look)
    return tuple(found)
