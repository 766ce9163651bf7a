"""``python -m bench.gke [plan]``: 50 GKE node pools by us and by bare Terraform, in turn, before a played Google.

``plan`` measures that alone: with the real provider, which ``TF_CLI_CONFIG_FILE`` may offer, an apply takes minutes.

Both run the same binary, root, modules and variables; ours also asks Google what is there, looks after Terraform's
state, compares the tenants of the cluster and applies one. Bare Terraform's ``init`` is not counted. An operation takes
a second, an answer of the API next to nothing: on Google both take longer, and what we add weighs less.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import yaml

from bench import timing
from kpo_provision import planning
from kpo_provision.render import tfvars
from kpo_provision.spec import load_spec
from tests.fakes.gke.clusters import describe
from tests.fakes.gke.stage import PARENT, PROJECT, play_google, run_control_plane, wait_for
from tests.terraform.provider.mirror import choose_provider
from tests.terraform.workspace import copy_root, make_environment

POOLS = 50
RUNS = 3
PLAN_RUNS = 10
_VARIABLES = "run.tfvars.json"
_KPO = [sys.executable, "-m", "kpo_provision"]


def write_spec(folder: Path, *, cluster: str) -> Path:
    """Write a spec with so many pools, all of them scaled to zero, and one tenant."""
    target = {"project": PROJECT, "location": "europe-west1", "cluster": cluster, "version": "1.34"}
    pool = {"machineType": "n2-standard-8", "maxNodes": 6}
    spec = {
        "apiVersion": "kpo-provision.io/v1",
        "kind": "Installation",
        "metadata": {"name": "bench"},
        "namespacePrefix": "bench",
        "target": {"gke": target | {"nodeServiceAccount": f"nodes@{PROJECT}.iam.gserviceaccount.com"}},
        "nodePools": {f"pool-{number:02d}": dict(pool) for number in range(POOLS)},
        "tenants": {"tenant": {"extraCapacity": 10, "pool": "pool-00"}},
    }
    path = folder / f"{cluster}.yaml"
    path.write_text(yaml.safe_dump(spec))
    return path


class Ours:
    """Our command line on one spec."""

    def __init__(self, spec: Path, environ: Mapping[str, str]) -> None:
        self._spec = spec
        self._environ = dict(environ)

    def plan(self) -> float:
        """Plan; 8 says that there is something to do."""
        return self._time("plan", allowed=(0, 8))

    def apply(self) -> float:
        """Apply."""
        return self._time("apply", "--no-verify", allowed=(0,))

    def destroy(self) -> None:
        """Remove everything."""
        self._time("destroy", "--yes", allowed=(0,))

    def measure_memory(self) -> float:
        """Apply, and return our own largest resident set, without Terraform's, in MiB."""
        argv = [*_KPO, "apply", str(self._spec), "--no-verify", "-q"]
        with subprocess.Popen(argv, env=self._environ, stdout=subprocess.DEVNULL) as process:
            peak_kib = 0
            while process.poll() is None:
                peak_kib = max(peak_kib, _read_peak_kib(process.pid))
                time.sleep(0.02)
        return peak_kib / 1024

    def _time(self, command: str, *options: str, allowed: Sequence[int]) -> float:
        return _time([*_KPO, command, str(self._spec), "-q", *options], environ=self._environ, allowed=allowed)


class Bare:
    """Terraform as somebody runs it who has our root and our variables."""

    def __init__(self, folder: Path, spec: Path, environ: Mapping[str, str]) -> None:
        self._folder = folder
        self._environ = dict(environ)
        folder.mkdir()
        copy_root(folder)
        installation = load_spec(spec)
        target, size = installation.target.gke, planning.size_made_pools(spec, installation)
        assert target is not None
        assert size is not None
        folder.joinpath(_VARIABLES).write_text(json.dumps(tfvars.render_tfvars(installation, target, size)))
        self._time("init", "-input=false")

    def plan(self) -> float:
        """Plan and save the plan."""
        return self._time("plan", "-input=false", "-out=saved.tfplan", f"-var-file={_VARIABLES}")

    def apply(self) -> float:
        """Plan and apply at once."""
        return self._time("apply", "-input=false", "-auto-approve", f"-var-file={_VARIABLES}")

    def destroy(self) -> None:
        """Remove everything."""
        self._time("destroy", "-input=false", "-auto-approve", f"-var-file={_VARIABLES}")

    def _time(self, *arguments: str) -> float:
        argv = ["terraform", f"-chdir={self._folder}", *arguments]
        return _time(argv, environ=self._environ, allowed=(0,))


def _time(argv: Sequence[str], *, environ: dict[str, str], allowed: Sequence[int]) -> float:
    run = timing.run(argv, environ=environ)
    if run.exit_code not in allowed:
        raise SystemExit(f"{' '.join(argv)} ended with exit code {run.exit_code}")
    return run.wall_s


def _read_peak_kib(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("VmHWM:")), 0)


def measure(ours: Ours, bare: Bare) -> list[str]:
    """Measure each step by both, in turn, and return the rows of a Markdown table."""
    steps: dict[str, Callable[[Ours | Bare], float]] = {
        f"`plan` of {POOLS} new pools": lambda who: who.plan(),
        f"`apply` of {POOLS} new pools": lambda who: who.apply(),
        "`plan` when nothing is to change": lambda who: who.plan(),
        "`apply` when nothing is to change": lambda who: who.apply(),
    }
    found: dict[str, list[tuple[float, float]]] = {what: [] for what in steps}
    ours.plan()  # its own first `init`
    for _ in range(RUNS):
        for what, step in steps.items():
            found[what].append((step(ours), step(bare)))
        ours.destroy()
        bare.destroy()
    return [_compare(what, pairs) for what, pairs in found.items()]


def measure_plan(ours: Ours, bare: Bare) -> list[str]:
    """Measure the plan of new pools alone, by both, in turn."""
    ours.plan()
    bare.plan()
    return [_compare(f"`plan` of {POOLS} new pools", [(ours.plan(), bare.plan()) for _ in range(PLAN_RUNS)])]


def _compare(what: str, pairs: Sequence[tuple[float, float]]) -> str:
    mine, other = (statistics.median(times) for times in zip(*pairs, strict=True))
    ratios = ", ".join(f"{one / two:.2f}" for one, two in pairs)
    return f"| {what} | {mine:.2f} s | {other:.2f} s | {ratios} | at most 1.2 |"


def main() -> None:
    """Measure, and print a Markdown table."""
    with tempfile.TemporaryDirectory(prefix="kpo-bench-") as scratch, run_control_plane() as kubeconfig:
        folder = Path(scratch)
        with play_google(kubeconfig, operation_s=1.0) as google:
            with google.world.lock:
                google.world.create_cluster(PARENT, {"cluster": describe("bare", project=PROJECT)})
            wait_for(lambda: not google.world.operations.running())
            environ = make_environment(folder, choose_provider(folder), google=google)
            ours = Ours(write_spec(folder, cluster="airflow"), environ)
            bare = Bare(folder / "bare", write_spec(folder, cluster="bare"), environ)
            if sys.argv[1:] == ["plan"]:
                rows = measure_plan(ours, bare)
            else:
                rows = measure(ours, bare)
                rows.append(
                    f"| our own memory in such an `apply` | {ours.measure_memory():.0f} MiB | | | under 150 MiB |"
                )
                ours.destroy()
    print("| what | kpo-provision | bare Terraform, same run | ratio in each pair | aim |\n|---|---|---|---|---|")
    print("\n".join(rows))


if __name__ == "__main__":
    main()
