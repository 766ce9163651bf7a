"""What sidecars leave of the largest pod for the task's own container, and whom they leave nothing.

A pool is not sized for them: quota and LimitRange count them within what a tenant was promised.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Literal

from kpo_provision.enumeration import name_few
from kpo_provision.sizing import amounts, pods
from kpo_provision.sizing.mixes import AU
from kpo_provision.sizing.node import Reason
from kpo_provision.sizing.pool import PoolSize, PoolWarning, WarningCode

_DEFAULTS = pods.ContainerDefaults(
    requests=pods.Amounts(cpu_milli=AU.cpu_milli, memory_ki=AU.memory_ki),
    limits=pods.Amounts(cpu_milli=AU.cpu_milli, memory_ki=AU.memory_ki),
)
"""What every tenant's LimitRange gives a container that asks for nothing: one AU."""
_FEW = 3


def allow_for(sized: PoolSize, mesh: Literal["none", "istio"]) -> PoolSize:
    """Say beside a sized pool what its sidecars leave."""
    added = (pods.XCOM_SIDECAR,) if mesh == "none" else (pods.XCOM_SIDECAR, pods.MESH_SIDECAR)
    return replace(
        sized,
        reasons=(*sized.reasons, _explain(sized, added)),
        warnings=(*sized.warnings, *(_warn_of_mesh(sized) if mesh != "none" else ())),
    )


def _explain(sized: PoolSize, added: Sequence[pods.Container]) -> Reason:
    task = pods.largest_task(sized.largest_pod, sidecars=added, defaults=_DEFAULTS)
    names = "XCom's sidecar" if len(added) == 1 else "XCom's and the mesh's sidecars"
    if task.cpu_milli <= 0 or task.memory_ki <= 0:
        return Reason(step="largestPod", text=f"{names} alone have limits as large as the largest pod")
    return Reason(
        step="largestPod", text=f"all its containers together; beside {names} a task has {amounts.render_size(task)}"
    )


def _warn_of_mesh(sized: PoolSize) -> Iterator[PoolWarning]:
    limit = pods.effective_limit(pods.PodSpec(containers=(pods.MESH_SIDECAR,), defaults=_DEFAULTS))
    short = [promise.tenant for promise in sized.demand.promises if not limit.fits(promise.resources)]
    if short:
        named = name_few(short, few=_FEW)
        yield PoolWarning(
            code=WarningCode.SIDECAR_EXCEEDS_QUOTA,
            sentence=f"the mesh's sidecar has limits of {amounts.render_size(limit)}, more than the whole quota of "
            f"{named}",
            hint="give the sidecar smaller limits (annotations sidecar.istio.io/proxyCPULimit and proxyMemoryLimit), "
            "keep the mesh out of these namespaces, or promise more",
        )
