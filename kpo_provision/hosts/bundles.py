"""Sends a bundle to hosts that are about to join. The one thing that the door to hosts puts on them: a file, at home.

A host that has it already, from a run that ended early, is sent nothing.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from kpo_provision.hosts.ssh import Access, send_file
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
mkdir -p "$(dirname {place})"
cat >{place}.part
if ! has {place}.part; then rm -f {place}.part; echo 'it arrived damaged, or there is no room for it' >&2; exit 1; fi
mv {place}.part {place}
"""


def send_bundle(hosts: Sequence[Access], bundle: Path, sha256: str, *, progress: Progress) -> tuple[HostFailure, ...]:
    """Send the bundle to every host, some at a time; returns those that it did not reach."""
    script = _TAKE.format(place=shlex.quote(_PLACE), sha256=shlex.quote(sha256))
    with (
        progress.step("Send the bundle", total=len(hosts)) as step,
        ThreadPoolExecutor(min(_AT_ONCE, len(hosts))) as pool,
    ):

        def send(access: Access) -> HostFailure | None:
            ran = send_file(access, bundle, script, timeout_s=_PATIENCE_S)
            step.advance()
            if ran.finding is None:
                return None
            problem = f"the bundle did not reach it: {ran.finding.problem}"
            return HostFailure(node=access.node, problem=problem, hint=ran.finding.hint)

        return tuple(failure for failure in pool.map(send, hosts) if failure is not None)
