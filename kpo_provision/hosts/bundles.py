"""Sends a bundle to hosts that are about to join. The one thing that the door to hosts puts on them: a file, at home.

A host that has it already, from a run that ended early, is sent nothing.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from kpo_provision.hosts.ssh import SCRIPT_FAILED, Access, send_file
from kpo_provision.progress import Progress
from kpo_provision.results import HostFailure

_AT_ONCE = 5
"""More share the way through a bastion, whose bandwidth is what they wait for."""
_PATIENCE_S = 3600
_PLACE = ".kpo-provision/bundle"
"""Where the module's script looks, below the user's home."""
_TAKE = """\
umask 077
has() {{ printf '%s  %s\\n' {sha256} "$1" | sha256sum -c --status 2>/dev/null; }}
if has {place}; then exit 0; fi
rm -f {place}.part
free=$(df -Pk . | awk 'END {{ print $4 }}')
if [ "$free" -lt {kib} ]; then
  echo "only $free KiB are free in $HOME, and it has {kib}" >&2
  exit 1
fi
mkdir -p "$(dirname {place})"
if ! cat >{place}.part || ! has {place}.part; then
  rm -f {place}.part
  rmdir "$(dirname {place})" 2>/dev/null
  echo 'it arrived cut off or damaged' >&2
  exit 1
fi
mv {place}.part {place}
"""
_MAKE_ROOM = "make room there for the bundle, and see that the way to it is good; then run again"


def send_bundle(hosts: Sequence[Access], bundle: Path, sha256: str, *, progress: Progress) -> tuple[HostFailure, ...]:
    """Send the bundle to every host, some at a time; returns those that it did not reach."""
    kib = bundle.stat().st_size // 1024 + 1
    script = _TAKE.format(place=shlex.quote(_PLACE), sha256=shlex.quote(sha256), kib=kib)
    with (
        progress.step("Send the bundle", total=len(hosts)) as step,
        ThreadPoolExecutor(min(_AT_ONCE, len(hosts))) as pool,
    ):

        def send(access: Access) -> HostFailure | None:
            ran = send_file(access, bundle, script, timeout_s=_PATIENCE_S)
            step.advance()
            if ran.finding is None:
                step.say(f"{access.node} has it")
                return None
            problem = f"the bundle did not reach it: {ran.finding.problem}"
            hint = _MAKE_ROOM if ran.finding.code == SCRIPT_FAILED else ran.finding.hint
            return HostFailure(node=access.node, problem=problem, hint=hint)

        return tuple(failure for failure in pool.map(send, hosts) if failure is not None)
