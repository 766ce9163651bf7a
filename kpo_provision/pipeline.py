"""The order of things: Path -> Spec -> Plan -> Bundle -> cluster -> Changes -> CheckResults -> RunReport."""

from __future__ import annotations

import difflib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from kpo_provision import __version__, errors, registry, render, report, sizing, target, tenants, verify
from kpo_provision.plan import Plan
from kpo_provision.progress import Progress
from kpo_provision.render.bundle import Bundle
from kpo_provision.results import Changes, CheckResult
from kpo_provision.spec import load_spec, model


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """A spec and all that follows from it without asking anybody."""

    path: Path
    spec: model.Installation
    plan: Plan
    bundle: Bundle


def decide(path: Path) -> Decided:
    """Read a spec and work out every object it comes to. Pure: needs no cluster and no credentials."""
    spec = load_spec(path)
    plan = sizing.size(spec)
    return Decided(path=path, spec=spec, plan=plan, bundle=render.render(plan))


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyOptions:
    """What the user asks of an apply beyond the spec."""

    take_over: bool = False
    prune: bool = False
    verify: bool = True
    verify_timeout_s: float = 120


def apply(
    decided: Decided, options: ApplyOptions, *, environ: Mapping[str, str], progress: Progress
) -> report.RunReport:
    """Bring the cluster to what the spec says, then prove it."""
    started = time.monotonic()
    logins = registry.load_logins(decided.spec, base=decided.path.parent, environ=environ)
    cluster = target.prepare_target(decided.spec, decided.plan, environ=environ, progress=progress)
    logins |= _load_local_logins(decided, cluster)
    applied = tenants.apply_bundle(
        cluster.api, decided.bundle, logins, progress=progress, take_over=options.take_over, prune=options.prune
    )
    changes = replace(applied, changes=cluster.changes + applied.changes)
    failed = {failure.tenant for failure in changes.failures}
    sound = [tenant.release for tenant in decided.plan.tenants if tenant.release not in failed]
    checks: tuple[CheckResult, ...] = ()
    if options.verify and sound:
        checks = verify.verify(
            cluster.api, decided.plan, progress=progress, tenants=sound, timeout_s=options.verify_timeout_s
        )
    return _report("apply", decided, cluster, changes=changes, checks=checks, started=started)


def preview(decided: Decided, *, environ: Mapping[str, str]) -> tuple[target.OpenTarget, Changes]:
    """Say what ``apply`` would do, without doing it."""
    logins = registry.load_logins(decided.spec, base=decided.path.parent, environ=environ)
    cluster = target.open_target(decided.spec, decided.plan, environ=environ)
    logins |= _load_local_logins(decided, cluster)
    return cluster, tenants.preview_bundle(cluster.api, decided.bundle, logins)


def prove(
    decided: Decided, *, only: Sequence[str], timeout_s: float, environ: Mapping[str, str], progress: Progress
) -> report.RunReport:
    """Verify the tenants of a cluster that was applied before."""
    started = time.monotonic()
    _require_tenants(decided.plan, only)
    cluster = target.open_target(decided.spec, decided.plan, environ=environ)
    checks = verify.verify(cluster.api, decided.plan, progress=progress, tenants=only, timeout_s=timeout_s)
    return _report("verify", decided, cluster, changes=None, checks=checks, started=started)


def destroy(decided: Decided, *, environ: Mapping[str, str], progress: Progress) -> Changes:
    """Remove everything that carries the installation's label."""
    cluster = target.open_target(decided.spec, decided.plan, environ=environ)
    return tenants.destroy_tenants(cluster.api, decided.plan.installation, progress=progress)


def _load_local_logins(decided: Decided, cluster: target.OpenTarget) -> dict[str, bytes]:
    if cluster.docker_config is None:
        return {}
    return registry.load_local_logins(decided.spec, cluster.docker_config)


def _require_tenants(plan: Plan, only: Sequence[str]) -> None:
    known = [tenant.release for tenant in plan.tenants]
    for release in only:
        if release not in known:
            near = difflib.get_close_matches(release, known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"the spec has: {', '.join(known[:10])}"
            raise errors.UsageError(f"the spec has no tenant {release}", hint=hint)


def _report(
    command: str,
    decided: Decided,
    cluster: target.OpenTarget,
    *,
    changes: Changes | None,
    checks: tuple[CheckResult, ...],
    started: float,
) -> report.RunReport:
    return report.RunReport(
        command=command,
        tool_version=__version__,
        installation=decided.plan.installation,
        target=cluster.description,
        kubernetes_version=cluster.version,
        changes=changes,
        checks=checks,
        next_commands=_next_commands(decided, changes),
        duration_s=time.monotonic() - started,
    )


def _next_commands(decided: Decided, changes: Changes | None) -> tuple[str, ...]:
    if changes is None:
        return ()
    if changes.failures:
        return (f"kpo-provision apply {decided.path}",)
    if changes.orphans:
        return (f"kpo-provision apply {decided.path} --prune",)
    return ()
