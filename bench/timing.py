"""Running a command as a process and reading what it took."""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One finished process: wall and processor seconds, and the largest resident set of any of its processes in MiB."""

    wall_s: float
    cpu_s: float
    peak_mib: float
    exit_code: int


def run(argv: Sequence[str], *, environ: dict[str, str] | None = None, stdin: bytes | None = None) -> Run:
    """Run a command to its end; its output is thrown away."""
    started = time.monotonic()
    process = subprocess.Popen(
        argv,
        stdin=subprocess.PIPE if stdin is not None else subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **(environ or {})},
    )
    if stdin is not None and process.stdin is not None:
        process.stdin.write(stdin)
        process.stdin.close()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return Run(
        wall_s=time.monotonic() - started,
        cpu_s=usage.ru_utime + usage.ru_stime,
        peak_mib=usage.ru_maxrss / 1024,
        exit_code=process.returncode,
    )


def median(measure: Callable[[], float], *, runs: int) -> float:
    """Return the median of ``runs`` measurements."""
    return statistics.median(measure() for _ in range(runs))


def own_peak_mib() -> float:
    """Return the largest resident set of this process in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
