"""What the measurements need of the local cluster: specs, manifests, and a clean start."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml

from bench.timing import Run
from kpo_provision import local, render, sizing
from kpo_provision.local import launch
from kpo_provision.progress import Silent
from kpo_provision.spec import load_spec

PREFIX = "bench"
POOL = "standard"


@contextmanager
def own_cluster() -> Iterator[local.LocalOptions]:
    """Start a local cluster beside any other, for this run alone; commands find it through the environment."""
    with tempfile.TemporaryDirectory(prefix="kpo-bench-") as home:
        os.environ["KPO_PROVISION_HOME"] = home
        for name in ("KPO_PROVISION_API_PORT", "KPO_PROVISION_REGISTRY_PORT"):
            with socket.create_server(("127.0.0.1", 0)) as server:
                os.environ[name] = str(server.getsockname()[1])
        options = local.LocalOptions.from_environment(os.environ)
        try:
            local.up(options, Silent())
            yield options
        finally:
            local.down(options, Silent(), purge=True)


def write_spec(folder: Path, *, tenants: int, verify_image: str) -> Path:
    """Write a spec with so many tenants, each with the local registry's secret."""
    spec = {
        "apiVersion": "kpo-provision.io/v1",
        "kind": "Installation",
        "metadata": {"name": PREFIX},
        "namespacePrefix": PREFIX,
        "target": {"local": {}},
        "registries": {
            "local": {
                "server": local.REGISTRY_SERVER,
                "credentials": {"localCluster": {}},
                "probeImage": verify_image.partition("/")[2],
            }
        },
        "nodePools": {POOL: {}},
        "tenants": {f"tenant-{n:04d}": {"extraCapacity": 10, "registries": ["local"]} for n in range(tenants)},
    }
    path = folder / f"bench-{tenants}.yaml"
    path.write_text(yaml.safe_dump(spec, sort_keys=False))
    return path


def render_list(spec: Path, folder: Path) -> Path:
    """Write every rendered object into one file, in the order in which they are applied."""
    bundle = render.render(sizing.size(load_spec(spec)))
    objects = [*bundle.shared, *(manifest for tenant in bundle.tenants for manifest in tenant.manifests)]
    path = folder / f"{spec.stem}-list.yaml"
    path.write_text(yaml.safe_dump_all(objects))
    return path


def count_objects(manifests: Path) -> int:
    """Count the objects in a file that ``render_list`` wrote."""
    return sum(1 for _ in yaml.safe_load_all(manifests.read_text()))


def measure_cpu_s(options: local.LocalOptions) -> float:
    """Read how much CPU the cluster's processes have had until now, nodes included."""
    ticks = 0
    for pid in launch.list_processes(options):
        try:
            # User and system time: the 12th and 13th field after the program's name, which may hold spaces.
            fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        except OSError:
            continue  # it ended meanwhile
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def kubectl(options: local.LocalOptions) -> str:
    """Return the path of the kubectl that belongs to the local cluster."""
    return str(options.cache / "bin" / f"kubernetes-{local.KUBERNETES_VERSION}" / "kubectl")


def kubectl_run(options: local.LocalOptions, spec: Path) -> list[str]:
    """Return a ``kubectl run --rm`` of the probe's image in the first tenant's namespace, placed as KPO's pods are."""
    (tenant,) = sizing.size(load_spec(spec)).tenants
    return [
        *(kubectl(options), "run", "bench", f"--namespace={tenant.namespace}", f"--image={local.PROBE_IMAGE}"),
        *("--labels=kubernetes_pod_operator=True", "--restart=Never", "--image-pull-policy=Always"),
        *("--rm", "-i", "--quiet", "--", "sh", "-c", "echo hello"),
    ]


def remove_tenants(spec: Path) -> None:
    """Delete what an earlier run applied, so that the next one creates everything."""
    subprocess.run(
        [sys.executable, "-m", "kpo_provision", "destroy", str(spec), "--yes", "-q"],
        check=True,
        stdout=subprocess.DEVNULL,
    )


def succeeded(run: Run) -> Run:
    """Return ``run``, if its command did what it should."""
    if run.exit_code != 0:
        raise SystemExit(f"a measured command ended with exit code {run.exit_code}")
    return run
