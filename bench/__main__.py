"""``python -m bench``: every figure of docs/performance.md, measured in one run on the local cluster."""

from __future__ import annotations

import json
import os
import platform
import statistics
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from bench import cluster, timing
from kpo_provision import local
from kpo_provision.progress import Silent

PYTHON = sys.executable
KPO = [PYTHON, "-m", "kpo_provision"]
TENANTS = 100
RUNS = 3


def measure_help() -> list[str]:
    """Start-up, against Python doing nothing."""
    ours = timing.median(lambda: timing.run([*KPO, "--help"]).wall_s, runs=9)
    bare = timing.median(lambda: timing.run([PYTHON, "-c", "pass"]).wall_s, runs=9)
    return [f"| `--help` | {ours * 1000:.0f} ms | bare `python -c pass` {bare * 1000:.0f} ms | under 200 ms |"]


def measure_local_up(options: local.LocalOptions) -> list[str]:
    """Stop and start the local cluster; everything is built and kept."""

    def restart() -> float:
        local.down(options, Silent())
        return timing.run([*KPO, "local", "up", "-q"]).wall_s

    return [f"| `local up`, warm, to Ready nodes | {timing.median(restart, runs=RUNS):.1f} s | | under 12 s |"]


def measure_apply(options: local.LocalOptions, folder: Path) -> list[str]:
    """The same 100 tenants by us and by kubectl, each on a clean cluster, in turn; then once more unchanged."""
    spec = cluster.write_spec(folder, tenants=TENANTS, verify_image=local.PROBE_IMAGE)
    manifests = cluster.render_list(spec, folder)
    ours, theirs, again, again_theirs = [], [], [], []
    for _ in range(RUNS):
        cluster.remove_tenants(spec)
        first = timing.run([*KPO, "apply", str(spec), "--no-verify", "-q", "-o", "json"])
        second = timing.run([*KPO, "apply", str(spec), "--no-verify", "-q", "-o", "json"])
        cluster.remove_tenants(spec)
        kubectl = [cluster.kubectl(options), "apply", "--server-side", "-f", str(manifests)]
        environ = {"KUBECONFIG": str(options.layout.kubeconfig)}
        ours.append(cluster.succeeded(first).wall_s)
        again.append(cluster.succeeded(second).wall_s)
        theirs.append(cluster.succeeded(timing.run(kubectl, environ=environ)).wall_s)
        again_theirs.append(cluster.succeeded(timing.run(kubectl, environ=environ)).wall_s)
    cluster.remove_tenants(spec)
    peak = timing.peak_mib([*KPO, "apply", str(spec), "--no-verify"])
    cluster.remove_tenants(spec)
    objects = cluster.count_objects(manifests)
    return [
        _compare_rates(objects, ours, theirs),
        _compare("apply them again, unchanged", again, again_theirs, "the same again", "no mutation"),
        f"| memory of that apply | {peak:.0f} MiB | | under 150 MiB |",
    ]


def measure_verify(options: local.LocalOptions, folder: Path) -> list[str]:
    """One tenant proven, against one ``kubectl run --rm`` of the same image in the same namespace."""
    spec = cluster.write_spec(folder, tenants=1, verify_image=local.PROBE_IMAGE)
    cluster.succeeded(timing.run([*KPO, "apply", str(spec), "--no-verify", "-q"]))
    ours, theirs = [], []
    run = cluster.kubectl_run(options, spec)
    for _ in range(5):
        ours.append(cluster.succeeded(timing.run([*KPO, "verify", str(spec), "-q"])).wall_s)
        theirs.append(cluster.succeeded(timing.run(run, environ={"KUBECONFIG": str(options.layout.kubeconfig)})).wall_s)
    cluster.remove_tenants(spec)
    return [_compare("verify one tenant", ours, theirs, "`kubectl run --rm`", "at most 1.5 times it")]


def _compare_rates(objects: int, ours: list[float], theirs: list[float]) -> str:
    """Ours also writes a registry secret a tenant, which no rendered file holds."""
    written = objects + TENANTS
    mine, other = written / statistics.median(ours), objects / statistics.median(theirs)
    return (
        f"| apply {TENANTS} tenants ({objects} objects and {TENANTS} registry secrets) "
        f"| {statistics.median(ours):.2f} s, {mine:.0f} objects/s "
        f"| `kubectl apply --server-side` of the {objects} objects {statistics.median(theirs):.2f} s, "
        f"{other:.0f} objects/s: {mine / other:.2f} times the rate | twice the rate |"
    )


def _compare(what: str, ours: list[float], theirs: list[float], name: str, promise: str) -> str:
    mine, other = statistics.median(ours), statistics.median(theirs)
    return f"| {what} | {mine:.2f} s | {name} {other:.2f} s, ratio {mine / other:.2f} | {promise} |"


def main() -> None:
    """Measure all, or what is named on the command line, and print a Markdown table."""
    with cluster.own_cluster() as options, tempfile.TemporaryDirectory() as scratch:
        parts: dict[str, Callable[[], list[str]]] = {
            "help": measure_help,
            "local-up": lambda: measure_local_up(options),
            "apply": lambda: measure_apply(options, Path(scratch)),
            "verify": lambda: measure_verify(options, Path(scratch)),
        }
        rows = [row for name in sys.argv[1:] or list(parts) for row in parts[name]()]
    machine = {"cores": os.cpu_count(), "kernel": platform.release(), "python": platform.python_version()}
    print(f"Machine: {json.dumps(machine)}\n")
    print("| what | kpo-provision | beside it, same run | promise |\n|---|---|---|---|")
    print("\n".join(rows))


if __name__ == "__main__":
    main()
