"""``python -m bench``: every figure of docs/performance.md, measured in one run on the local cluster."""

from __future__ import annotations

import json
import os
import platform
import statistics
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench import cluster, timing
from kpo_provision import local
from kpo_provision.progress import Silent

PYTHON = sys.executable
KPO = [PYTHON, "-m", "kpo_provision"]
TENANTS = 100
RUNS = 3
APPLY_RUNS = 5


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
    """The same 100 tenants by us and by kubectl, each on a clean cluster, in turn; then once more unchanged.

    The first round is not counted: it starts the pool's node, in which kubectl has no part, and the API server that has
    just started is slower with both.
    """
    spec = cluster.write_spec(folder, tenants=TENANTS, verify_image=local.PROBE_IMAGE)
    manifests = cluster.render_list(spec, folder)
    kpo = [*KPO, "apply", str(spec), "--no-verify", "-q", "-o", "json"]
    kubectl = [cluster.kubectl(options), "apply", "--server-side", "-f", str(manifests)]
    environ = {"KUBECONFIG": str(options.layout.kubeconfig)}
    rounds: list[list[_Load]] = []
    for _ in range(1 + APPLY_RUNS):
        cluster.remove_tenants(spec)
        mine = [_run(options, kpo), _run(options, kpo)]
        cluster.remove_tenants(spec)
        rounds.append([*mine, _run(options, kubectl, environ), _run(options, kubectl, environ)])
    ours, again, theirs, again_theirs = (list(loads) for loads in zip(*rounds[1:], strict=True))
    cluster.remove_tenants(spec)
    peak = timing.peak_mib([*KPO, "apply", str(spec), "--no-verify"])
    cluster.remove_tenants(spec)
    objects = cluster.count_objects(manifests)
    return [
        _compare_rates(objects, ours, theirs),
        _compare_cpu("CPU of that apply", ours, theirs),
        _compare("apply them again, unchanged", _walls(again), _walls(again_theirs), "the same again", "no mutation"),
        _compare_cpu("CPU of applying them again", again, again_theirs),
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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Load:
    """A command that succeeded, and what the cluster did meanwhile."""

    run: timing.Run
    cluster_cpu_s: float


def _run(options: local.LocalOptions, argv: list[str], environ: dict[str, str] | None = None) -> _Load:
    before_s = cluster.measure_cpu_s(options)
    run = cluster.succeeded(timing.run(argv, environ=environ))
    return _Load(run=run, cluster_cpu_s=cluster.measure_cpu_s(options) - before_s)


def _walls(loads: list[_Load]) -> list[float]:
    return [load.run.wall_s for load in loads]


def _compare_rates(objects: int, ours: list[_Load], theirs: list[_Load]) -> str:
    """Ours also writes a registry secret a tenant, which no rendered file holds."""
    written = objects + TENANTS
    mine_s, other_s = statistics.median(_walls(ours)), statistics.median(_walls(theirs))
    pairs = zip(_walls(ours), _walls(theirs), strict=True)
    ratios = ", ".join(f"{written / one * other / objects:.2f}" for one, other in pairs)
    return (
        f"| apply {TENANTS} tenants ({objects} objects and {TENANTS} registry secrets) "
        f"| {mine_s:.2f} s, {written / mine_s:.0f} objects/s "
        f"| `kubectl apply --server-side` of the {objects} objects {other_s:.2f} s, {objects / other_s:.0f} objects/s; "
        f"times its rate in each pair: {ratios} | twice the rate |"
    )


def _compare_cpu(what: str, ours: list[_Load], theirs: list[_Load]) -> str:
    mine, other = (
        f"{statistics.median(load.run.cpu_s for load in loads):.2f} s, "
        f"the cluster's {statistics.median(load.cluster_cpu_s for load in loads):.2f} s"
        for loads in (ours, theirs)
    )
    return f"| {what} | {mine} | kubectl's {other} | |"


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
