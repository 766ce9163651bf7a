"""Running a command as a process and reading what it took."""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One finished process."""

    wall_s: float
    cpu_s: float
    """User and system time of the process and of those that it waited for."""
    exit_code: int


def run(argv: Sequence[str], *, environ: dict[str, str] | None = None) -> Run:
    """Run a command to its end, without input; its output is thrown away."""
    started, used_s = time.monotonic(), _children_cpu_s()
    finished = subprocess.run(
        argv,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=_environment() | (environ or {}),
        check=False,
    )
    wall_s = time.monotonic() - started
    return Run(wall_s=wall_s, cpu_s=_children_cpu_s() - used_s, exit_code=finished.returncode)


def _children_cpu_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _environment() -> dict[str, str]:
    """Return ours, less what would have Python compile itself anew in every process, as no installation does."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def median(measure: Callable[[], float], *, runs: int) -> float:
    """Return the median of ``runs`` measurements."""
    return statistics.median(measure() for _ in range(runs))


def peak_mib(argv: Sequence[str]) -> float:
    """Run a command and return the largest resident set of its process in MiB.

    It is started by a small process of its own: Linux counts what the starting process held as the child's.
    """
    script = (
        "import resource, subprocess, sys\n"
        "subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)\n"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024)"
    )
    answer = subprocess.run([sys.executable, "-c", script, *argv], capture_output=True, text=True, check=True)
    return float(answer.stdout)
