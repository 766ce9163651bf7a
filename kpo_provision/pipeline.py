"""The order of things: Path -> Spec -> Plan -> Bundle -> PoolsAhead -> cluster -> Changes -> CheckResults -> RunReport.

What costs somebody something is found out by a ``prepare_`` function and done by another, so that the user can be asked
in between. What comes after Terraform is loaded when Terraform runs already.
"""

from __future__ import annotations

import datetime
import difflib
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from kpo_provision import __version__, errors, planning, registry, sizing, target
from kpo_provision.aside import Aside
from kpo_provision.plan import Plan
from kpo_provision.progress import Progress
from kpo_provision.results import Changes, CheckResult, PoolsAhead
from kpo_provision.spec import load_spec, model

if TYPE_CHECKING:
    from kpo_provision import report
    from kpo_provision.render.bundle import Bundle
    from kpo_provision.sizing.pools import InstallationSize


@dataclass(frozen=True, kw_only=True)
class Decided:
    """A spec and all that follows from it without asking anybody; ``size`` where the target makes its pools."""

    path: Path
    spec: model.Installation
    plan: Plan
    size: InstallationSize | None

    @cached_property
    def bundle(self) -> Bundle:
        """Every object that the plan comes to."""
        from kpo_provision import render

        return render.render(self.plan)


def decide(path: Path, *, terraform_bin: str | None = None) -> Decided:
    """Read a spec and work out every object it comes to. Pure: needs no cluster and no credentials.

    ``terraform_bin`` is the program that the command line names in place of the spec's.
    """
    spec = load_spec(path)
    if terraform_bin is not None:
        spec = _name_program(spec, terraform_bin)
    plan = sizing.size(spec)
    size = planning.size_made_pools(path, spec)
    return Decided(path=path, spec=spec, plan=plan, size=size)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyOptions:
    """What the user asks of an apply beyond the spec."""

    take_over: bool = False
    prune: bool = False
    verify: bool = True
    verify_timeout_s: float = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """All that has to be known before anything is done; ``ahead`` is what becomes of cluster and pools."""

    decided: Decided
    logins: Mapping[str, bytes]
    target: target.Target
    ahead: PoolsAhead
    started: float


@contextmanager
def prepare_apply(
    decided: Decided, *, environ: Mapping[str, str], progress: Progress, force: bool = False
) -> Iterator[Prepared]:
    """Find out what an apply will do to cluster and pools; no node and no object changes.

    Until the block ends, no other command works on the same pools. ``force`` ends pods on hosts that leave.
    """
    started = time.monotonic()
    logins = registry.load_logins(decided.spec, base=decided.path.parent, environ=environ)
    with _choose_target(decided, environ, force=force) as chosen:
        ahead = chosen.prepare(progress=progress)
        yield Prepared(decided=decided, logins=logins, target=chosen, ahead=ahead, started=started)


def apply(prepared: Prepared, options: ApplyOptions, *, progress: Progress) -> report.RunReport:
    """Bring the cluster to what the spec says, then prove it."""
    from kpo_provision import tenants

    decided = prepared.decided
    with Aside(lambda: decided.bundle, name="render") as rendering:
        rendering.begin()
        cluster = prepared.target.apply(progress=progress)
        bundle = rendering.result()
    logins = {**prepared.logins, **_load_local_logins(decided, cluster)}
    applied = tenants.apply_bundle(
        cluster.api, bundle, logins, progress=progress, take_over=options.take_over, prune=options.prune
    )
    changes = replace(applied, changes=cluster.changes + applied.changes, host_failures=cluster.host_failures)
    failed = {failure.tenant for failure in changes.failures}
    sound = [tenant.release for tenant in decided.plan.tenants if tenant.release not in failed]
    checks: tuple[CheckResult, ...] = ()
    if options.verify and sound:
        from kpo_provision import verify

        checks = verify.verify(
            cluster.api, decided.plan, progress=progress, tenants=sound, timeout_s=options.verify_timeout_s
        )
    run = _report("apply", decided, cluster, changes=changes, checks=checks, started=prepared.started)
    return replace(run, ahead=prepared.ahead)


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What an apply would do; ``target`` is what to call the cluster."""

    target: str
    ahead: PoolsAhead
    changes: Changes


def preview(decided: Decided, *, environ: Mapping[str, str], progress: Progress) -> Preview:
    """Say what ``apply`` would do, without doing it: to the tenants while the pools are planned."""
    logins = registry.load_logins(decided.spec, base=decided.path.parent, environ=environ)
    with (
        _choose_target(decided, environ) as chosen,
        Aside(lambda: _compare_tenants(decided, chosen, logins, progress), name="compare") as comparing,
    ):
        ahead = chosen.preview(progress=progress, on_start=comparing.begin)
        cluster, changes = comparing.result()
    return Preview(
        target=cluster.description if cluster else f"{chosen.description}, still to be made",
        ahead=ahead,
        changes=changes,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """How the cluster is; ``drift`` is what is not as planned about its pools, a sentence each."""

    target: str
    drift: Sequence[str]
    changes: Changes


def read_status(decided: Decided, *, environ: Mapping[str, str], progress: Progress) -> Status:
    """Compare the cluster and its pools with the spec."""
    logins = registry.load_logins(decided.spec, base=decided.path.parent, environ=environ)
    with _choose_target(decided, environ) as chosen:
        with progress.step("Read the pools"):
            drift = chosen.find_drift()
        cluster, changes = _compare_tenants(decided, chosen, logins, progress)
    return Status(target=cluster.description if cluster else chosen.description, drift=drift, changes=changes)


def prove(
    decided: Decided, *, only: Sequence[str], timeout_s: float, environ: Mapping[str, str], progress: Progress
) -> report.RunReport:
    """Verify the tenants of a cluster that was applied before."""
    from kpo_provision import verify

    started = time.monotonic()
    _require_tenants(decided.plan, only)
    with _choose_target(decided, environ) as chosen:
        cluster = chosen.open()
    checks = verify.verify(cluster.api, decided.plan, progress=progress, tenants=only, timeout_s=timeout_s)
    return _report("verify", decided, cluster, changes=None, checks=checks, started=started)


@contextmanager
def prepare_destroy(
    decided: Decided, *, environ: Mapping[str, str], progress: Progress, force: bool = False
) -> Iterator[Prepared]:
    """Find out what a destroy will do to cluster and pools; nothing is removed, and it is held as for an apply."""
    with _choose_target(decided, environ, force=force) as chosen:
        ahead = chosen.prepare_destroy(progress=progress)
        yield Prepared(decided=decided, logins={}, target=chosen, ahead=ahead, started=time.monotonic())


def destroy(prepared: Prepared, *, progress: Progress) -> Changes:
    """Remove everything that carries the installation's label, then the pools that were made for it."""
    from kpo_provision import tenants

    cluster = prepared.target.open_if_there()
    removed = Changes(changes=())
    if cluster is not None:
        removed = tenants.destroy_tenants(cluster.api, prepared.decided.plan.installation, progress=progress)
    if removed.failures:
        return removed
    return replace(removed, changes=removed.changes + prepared.target.destroy(progress=progress))


def find_pitfalls(decided: Decided, *, environ: Mapping[str, str]) -> tuple[errors.KpoProvisionError, ...]:
    """Look whether the target can be reached and used, as far as that can be told before a spec is filled in."""
    found: list[errors.KpoProvisionError] = []
    wanted = decided.spec.target
    runs_terraform = wanted.gke or wanted.self_hosted
    try:
        if runs_terraform is not None:
            from kpo_provision.terraform import find_binary

            find_binary(runs_terraform.terraform_bin, environ=environ)
    except errors.KpoProvisionError as error:
        found.append(error)
    try:
        if wanted.kubeconfig is not None or wanted.self_hosted is not None:
            with _choose_target(decided, environ) as chosen:
                chosen.open()
        elif wanted.local is not None:
            from kpo_provision.local.machine import check_machine

            check_machine()
    except errors.KpoProvisionError as error:
        found.append(error)
    return tuple(found)


def rotate_token(decided: Decided, *, environ: Mapping[str, str], progress: Progress) -> datetime.datetime:
    """Have the instances of EC2 pools join by another token from now on; returns when that one ends."""
    if decided.spec.target.self_hosted is None or decided.spec.target.self_hosted.ec2 is None:
        raise errors.UsageError(
            "the spec has no EC2 instances, which alone keep a join token", hint="set target.selfHosted.ec2"
        )
    from kpo_provision.target.mixed import MixedTarget

    with _choose_target(decided, environ) as chosen:
        assert isinstance(chosen, MixedTarget)  # noqa: S101  every target with target.selfHosted.ec2 is
        return chosen.renew_token(progress=progress)


def _name_program(spec: model.Installation, program: str) -> model.Installation:
    for name, chosen in (("gke", spec.target.gke), ("self_hosted", spec.target.self_hosted)):
        if chosen is not None:
            made = spec.target.model_copy(update={name: chosen.model_copy(update={"terraform_bin": program})})
            return spec.model_copy(update={"target": made})
    raise errors.UsageError("Terraform has no part in this target", hint="leave out --terraform-bin")


def _choose_target(
    decided: Decided, environ: Mapping[str, str], *, force: bool = False
) -> AbstractContextManager[target.Target]:
    base = decided.path.parent
    return closing(
        target.choose_target(decided.spec, decided.plan, decided.size, base=base, environ=environ, force=force)
    )


def _compare_tenants(
    decided: Decided, chosen: target.Target, logins: Mapping[str, bytes], progress: Progress
) -> tuple[target.OpenTarget | None, Changes]:
    """Compare the tenants with those of the cluster; with nothing where the cluster is still to be made."""
    with progress.step("Compare the cluster"):
        from kpo_provision import tenants

        bundle, cluster = decided.bundle, chosen.open_if_there()
        if cluster is None:
            return None, tenants.preview_new(bundle, logins)
        return cluster, tenants.preview_bundle(cluster.api, bundle, {**logins, **_load_local_logins(decided, cluster)})


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
    from kpo_provision import report

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
    if changes.failures or changes.host_failures:
        return (f"kpo-provision apply {decided.path}",)
    if changes.orphans:
        return (f"kpo-provision apply {decided.path} --prune",)
    return ()
