"""Chooses the target of a spec."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from kpo_provision.plan import Plan
from kpo_provision.spec import model
from kpo_provision.target.contract import Target

if TYPE_CHECKING:
    from kpo_provision.sizing.pools import InstallationSize


def choose_target(
    spec: model.Installation,
    plan: Plan,
    size: InstallationSize | None,
    *,
    base: Path,
    environ: Mapping[str, str],
    force: bool = False,
) -> Target:
    """Return the target of ``spec``; nobody is asked yet, and only what the target needs is loaded.

    Args:
        spec: The spec.
        plan: What follows from it.
        size: Its pools, sized, where the target makes them.
        base: The folder of the spec.
        environ: Where programs and credentials are found.
        force: Whether pods on hosts that leave are ended instead of waited for.
    """
    if spec.target.gke is not None and size is not None:
        from kpo_provision.target.gke import GkeTarget

        return GkeTarget(spec, plan, size, base=base, environ=environ)
    if spec.target.self_hosted is not None and size is not None:
        from kpo_provision.target.self_hosted import SelfHostedTarget

        hosts = SelfHostedTarget(spec, plan, size, base=base, environ=environ, force=force)
        if spec.target.self_hosted.ec2 is None:
            return hosts
        from kpo_provision.target.ec2_pools import Ec2Pools
        from kpo_provision.target.mixed import MixedTarget

        return MixedTarget(hosts, Ec2Pools(spec, plan, size, base=base, environ=environ))
    if spec.target.kubeconfig is not None:
        from kpo_provision.target.kubeconfig import KubeconfigTarget

        return KubeconfigTarget(spec.target.kubeconfig, plan)
    from kpo_provision.target.embedded import EmbeddedTarget

    return EmbeddedTarget(plan, environ=environ)
