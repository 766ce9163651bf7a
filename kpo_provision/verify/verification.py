"""Runs the checks: the cluster first, then tenants side by side. Leaves no probe pod behind, however it ends."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed

from kpo_provision import errors
from kpo_provision.kube.api import Api
from kpo_provision.plan import Plan, TenantPlan
from kpo_provision.progress import Progress, Step
from kpo_provision.results import CheckResult, Outcome
from kpo_provision.verify.check import run_checks, skip_all
from kpo_provision.verify.checks import CATEGORIES, CLUSTER_CHECKS, POOL_CHECKS, TENANT_CHECKS
from kpo_provision.verify.identities import Identities
from kpo_provision.verify.probe import Probe, sweep_probes
from kpo_provision.verify.subjects import ClusterSubject, PoolSubject, TenantSubject

SCALE_UP_S = 300.0
"""What a probe pod may take on top where an autoscaler has to make its node first: minutes on every cloud."""


def verify(
    api: Api,
    plan: Plan,
    *,
    progress: Progress,
    tenants: Sequence[str] = (),
    workers: int = 4,
    timeout_s: float = 120,
) -> tuple[CheckResult, ...]:
    """Prove the installation, as each tenant's own service accounts, with a probe pod a tenant.

    Args:
        api: The cluster, as somebody who may read everything and request tokens.
        plan: What the cluster should hold.
        progress: Where to say how far it is.
        tenants: Releases to prove; all of them when empty.
        workers: Tenants proven at the same time.
        timeout_s: How long one probe pod may take from its creation, on a pool that has a node.
    """
    chosen = [tenant for tenant in plan.tenants if not tenants or tenant.release in tenants]
    with progress.step("Verify cluster"):
        results = _verify_cluster(api, plan)
    subjects = [_make_subject(api, plan, tenant, timeout_s=timeout_s) for tenant in chosen]
    if results[0].outcome is Outcome.FAIL:
        because = f"not checked, because {results[0].id} did not pass"
        return (*results, *(result for one in subjects for result in skip_all(TENANT_CHECKS, one, because=because)))
    with progress.step("Verify tenants", total=len(chosen)) as step:
        return (*results, *_verify_tenants(api, subjects, workers=workers, step=step))


def _verify_cluster(api: Api, plan: Plan) -> list[CheckResult]:
    results = run_checks(CLUSTER_CHECKS, ClusterSubject(api=api, plan=plan))
    for pool in plan.pools:
        subject = PoolSubject(api=api, pool=pool)
        if results[0].outcome is Outcome.FAIL:
            results += skip_all(POOL_CHECKS, subject, because=f"not checked, because {results[0].id} did not pass")
        else:
            results += run_checks(POOL_CHECKS, subject)
    return results


def _verify_tenants(api: Api, subjects: Sequence[TenantSubject], *, workers: int, step: Step) -> list[CheckResult]:
    executor = ThreadPoolExecutor(max_workers=workers, thread_name_prefix="verify")
    running = {executor.submit(_verify_tenant, subject): subject for subject in subjects}
    try:
        for done in as_completed(running):
            step.say(running[done].release)
            step.advance()
    except BaseException:
        _stop(api, executor, running)
        raise
    executor.shutdown()
    return [result for future in running for result in future.result()]


def _verify_tenant(subject: TenantSubject) -> list[CheckResult]:
    try:
        results = run_checks(TENANT_CHECKS, subject)
    finally:
        _clean_up(subject)
    return sorted(results, key=lambda result: CATEGORIES.index(result.category))


def _clean_up(subject: TenantSubject) -> None:
    try:
        if subject.probe is not None:
            subject.probe.discard()
    except errors.ClusterError:
        # The pod ends by its own deadline, and the next run removes it.
        pass
    finally:
        subject.who.close()


def _stop(api: Api, executor: ThreadPoolExecutor, running: dict[Future[list[CheckResult]], TenantSubject]) -> None:
    """Delete the probe pods under those who wait for them, which wakes them up, and let them end."""
    executor.shutdown(wait=False, cancel_futures=True)
    for subject in running.values():
        if subject.probe is not None:
            subject.probe.cancel()
    for future, subject in running.items():
        if not future.done():
            try:
                sweep_probes(api, subject.tenant.namespace)
            except errors.ClusterError:
                # The pod ends by its own deadline, and the next run removes it.
                continue
    executor.shutdown()


def _make_subject(api: Api, plan: Plan, tenant: TenantPlan, *, timeout_s: float) -> TenantSubject:
    who = Identities(api, tenant)
    timeout_s += SCALE_UP_S if tenant.pool is not None and tenant.pool.may_be_empty else 0
    can_probe = tenant.may_launch and tenant.probe_image is not None
    probe = Probe(who, plan, tenant, timeout_s=timeout_s) if can_probe else None
    return TenantSubject(plan=plan, tenant=tenant, who=who, probe=probe)
