"""``python -m bench.hosts``: ten hosts join side by side, and one alone, in turn.

The hosts are containers on one machine with systemd and sshd of their own, so that they share its cores, which hosts of
a site do not: what ten cost here is more than there. Counted is the whole of ``apply``, the look at the hosts included;
before it begins, what went before has come to its end.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

from kpo_provision import local, progress
from tests.hosts.administrator import Administrator
from tests.hosts.site import Site

MANY = 10
ROUNDS = 5
_IDLE = 0.8
_WATCHED_S = 2.0
_HOSTS = "      node-1: {address: 10.89.0.11}\n      node-2: {address: 10.89.0.12}\n"


def main() -> None:
    """Print a line a round, and the median."""
    with tempfile.TemporaryDirectory(prefix="bench-hosts-") as folder:
        options = local.LocalOptions.from_environment(
            {"KPO_PROVISION_HOME": f"{folder}/home", "HOME": str(Path.home())}
        )
        local.up(options, progress.Silent())
        try:
            with Site(Path(folder), options) as site:
                _measure(site, Path(folder))
        finally:
            local.down(options, progress.Silent(), purge=True)


def _measure(site: Site, folder: Path) -> None:
    for number in range(1, MANY + 1):
        site.add_host(f"node-{number}")
    ratios = []
    for turn in range(ROUNDS):
        one, many = (_time_join(site, folder / f"{turn}-{count}", count) for count in (1, MANY))
        ratios.append(many / one)
        sys.stdout.write(f"one host {one:.1f} s, {MANY} hosts {many:.1f} s: {many / one:.2f}\n")
        sys.stdout.flush()
    sys.stdout.write(f"median {statistics.median(ratios):.2f}\n")


def _time_join(site: Site, folder: Path, count: int) -> float:
    """Have so many hosts join, from nothing, and take them out again."""
    folder.mkdir()
    admin = Administrator(site, folder)
    lines = "".join(f"      node-{number}: {{address: 10.89.0.{10 + number}}}\n" for number in range(1, count + 1))
    text = admin.spec.read_text().replace(_HOSTS, lines)
    text = text[: text.index("  big:\n")] + text[text.index("\n# What the hosts are") :]
    admin.spec.write_text(text.replace("    pool: big\n", "    pool: standard\n"))
    _wait_until_idle()
    started = time.monotonic()
    admin.succeed("apply", "--no-verify")
    elapsed = time.monotonic() - started
    admin.succeed("destroy", "--yes")
    return elapsed


def _wait_until_idle() -> None:
    """Wait until hosts have done with booting, or leaving, and little more than the control plane works."""
    before = _read_idle()
    while True:
        time.sleep(_WATCHED_S)
        now = _read_idle()
        if now - before > _IDLE * _WATCHED_S * len(os.sched_getaffinity(0)):
            return
        before = now


def _read_idle() -> float:
    """Read for how many seconds cores have had nothing to do, all together (proc(5), ``/proc/stat``)."""
    return int(Path("/proc/stat").read_text().split()[4]) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
