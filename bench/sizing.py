"""``python -m bench.sizing``: how long sizing and a runbook take, as rows for docs/performance.md. Needs no cluster."""

from __future__ import annotations

import json
import os
import platform
import random
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bench import cluster, timing
from kpo_provision import errors
from kpo_provision.catalog import Cloud, MachineType, load_catalog
from kpo_provision.sizing import choice, mixes, shape, weighing
from kpo_provision.sizing.node import NodeRequest, NodeShape, Platform
from kpo_provision.sizing.pool import PoolDemand, PoolSize, Promise
from kpo_provision.sizing.resources import Resources

PODS = 10_000
TENANTS = 1_000
RUNBOOK_TENANTS = 200
RUNS = 5
LARGEST_POD = Resources(cpu_milli=3500, memory_ki=13 * 2**20, pods=1)
PLATFORMS = {Platform.GKE: Cloud.GCP, Platform.EKS: Cloud.AWS, Platform.AKS: Cloud.AZURE}


def make_demand(seed: int) -> PoolDemand:
    """Promise tenants of random sizes so many AU that their pods are ``PODS``."""
    rng = random.Random(seed)
    promises, left = [], PODS
    while left:
        au = min(left, rng.randint(1, 40))
        size = Resources(cpu_milli=au * mixes.AU.cpu_milli, memory_ki=au * mixes.AU.memory_ki, pods=au)
        promises.append(Promise(tenant=f"tenant-{left}", resources=size))
        left -= au
    return PoolDemand(name="bench", promises=tuple(promises), largest_pod=LARGEST_POD)


def shape_machines() -> list[NodeShape]:
    """Work out a node of every machine type in the catalog."""
    catalog = load_catalog()
    shapes = [
        shape_machine(machine, platform) for platform, cloud in PLATFORMS.items() for machine in catalog.machines(cloud)
    ]
    return [node for node in shapes if node is not None]


def shape_machine(machine: MachineType, platform: Platform) -> NodeShape | None:
    """Work out one node; None where the machine is too small to be one."""
    try:
        return shape.shape_node(NodeRequest(platform=platform, machine=machine))
    except errors.SizingError:
        return None


def measure_choice() -> list[str]:
    """Choose among all machine types, and pack the pods onto every one of them without leaving any out."""
    shapes = shape_machines()
    demand = make_demand(seed=1)
    load = weighing.make_load(demand, LARGEST_POD)
    fitting = [each for each in shapes if LARGEST_POD.fits(each.schedulable)]

    def choose() -> PoolSize:
        weighing.count_mixes.cache_clear()
        return choice.choose(demand, shapes)

    def pack_all() -> None:
        weighing.count_mixes.cache_clear()
        for each in fitting:
            weighing.weigh(weighing.make_candidate(each, load), load)

    shaped = timing.median(lambda: _time(shape_machines), runs=RUNS)
    chosen = timing.median(lambda: _time(choose), runs=RUNS)
    packed = timing.median(lambda: _time(pack_all), runs=RUNS)
    size = choose()
    answer = f"{size.shape.machine.name}: {size.nodes_at_promise} nodes, lower bound {size.lower_bound}"
    return [
        f"| work out a node of each of {len(shapes):,} machine types | {shaped:.2f} s | | |",
        f"| choose among them for {PODS:,} pods | {chosen:.2f} s | {answer} | under 2 s |",
        f"| pack {PODS:,} pods onto each of {len(fitting):,} that hold the largest | {packed:.2f} s | | under 2 s |",
    ]


def measure_command() -> list[str]:
    """Time the whole command, start-up included, for a spec of many tenants."""
    with tempfile.TemporaryDirectory() as scratch:
        spec = cluster.write_spec(Path(scratch), tenants=TENANTS, verify_image="registry/kpo/probe:1")
        argv = [sys.executable, "-m", "kpo_provision", "size", str(spec), "--platform", "gke", "-o", "json"]
        wall_s = timing.median(lambda: cluster.succeeded(timing.run(argv)).wall_s, runs=RUNS)
    return [f"| `size` of {TENANTS:,} tenants, start-up included | {wall_s:.2f} s | | under 1 s |"]


def measure_runbook() -> list[str]:
    """Time the whole command that writes the runbook of many tenants, start-up included."""
    with tempfile.TemporaryDirectory() as scratch:
        spec = cluster.write_spec(Path(scratch), tenants=RUNBOOK_TENANTS, verify_image="registry/kpo/probe:1")
        argv = [sys.executable, "-m", "kpo_provision", "runbook", str(spec), "--out", scratch]
        wall_s = timing.median(lambda: cluster.succeeded(timing.run(argv)).wall_s, runs=RUNS)
    return [f"| `runbook` of {RUNBOOK_TENANTS} tenants, start-up included | {wall_s:.2f} s | | under 2 s |"]


def main() -> None:
    """Measure, and print a Markdown table."""
    machine = {"cores": os.cpu_count(), "kernel": platform.release(), "python": platform.python_version()}
    rows = [*measure_choice(), *measure_command(), *measure_runbook()]
    print(f"Machine: {json.dumps(machine)}\n")
    print("| what | kpo-provision | | promise |\n|---|---|---|---|")
    print("\n".join(rows))


def _time(work: Callable[[], object]) -> float:
    started = time.monotonic()
    work()
    return time.monotonic() - started


if __name__ == "__main__":
    main()
