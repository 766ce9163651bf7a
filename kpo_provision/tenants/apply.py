"""Does what ``decide`` decided: shared objects first, then tenants side by side, each closed until it is whole.

A tenant that fails is reported and the rest goes on. Killed at any point, the next run ends in the same state.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field

from kpo_provision import errors
from kpo_provision.kube.api import Api
from kpo_provision.progress import Progress
from kpo_provision.render.bundle import Bundle
from kpo_provision.results import Action, Change, Changes, TenantFailure
from kpo_provision.tenants import decide, objects, read, remove, wait
from kpo_provision.tenants.admission import POLICY_KINDS, AdmissionGate
from kpo_provision.tenants.decide import Decisions, Step, TenantDecision

WORKERS = 8
"""Four keep an API server on two cores busy; more than a few dozen make it slower."""


class _StoppedError(Exception):
    """The user pressed Ctrl-C: nothing more is to be sent."""


@dataclass(frozen=True, slots=True)
class _TenantResult:
    changes: tuple[Change, ...] = ()
    failure: TenantFailure | None = None


def apply_bundle(
    api: Api,
    bundle: Bundle,
    logins: Mapping[str, bytes],
    *,
    progress: Progress,
    take_over: bool = False,
    prune: bool = False,
) -> Changes:
    """Bring the cluster to what ``bundle`` says; ``logins`` maps a registry's name to its docker config.

    Without ``prune`` tenants that the bundle no longer has are named and left alone.

    Raises:
        errors.ClusterError: The cluster does not answer, or an object that all tenants share cannot be applied.
    """
    with progress.step("Read the cluster"):
        shared = [objects.key_of(manifest) for manifest in bundle.shared]
        live = read.read_live(api, decide.installation_of(bundle), shared=shared)
        decisions = decide.decide(bundle, live, logins, take_over=take_over)
    run = _Run(
        api=api,
        take_over=take_over,
        gate=_build_gate(api, decisions),
        launching=frozenset(tenant.plan.release for tenant in bundle.tenants if tenant.plan.may_launch),
    )
    changes = run.apply_shared(decisions)
    results = run.apply_tenants(decisions, progress)
    removed = remove.remove_tenants(api, live, decisions.orphans if prune else (), progress=progress)
    return Changes(
        changes=(*changes, *(change for result in results for change in result.changes), *removed.changes),
        failures=(*(result.failure for result in results if result.failure), *removed.failures),
        orphans=() if prune else decisions.orphans,
    )


def _build_gate(api: Api, decisions: Decisions) -> AdmissionGate:
    """Nothing is to be waited for where every policy stood already."""
    policies = [step for step in decisions.shared if step.key.kind in POLICY_KINDS]
    return AdmissionGate(
        api,
        is_open=all(step.action is Action.UNCHANGED for step in policies),
        mutates_pods=any(step.key.kind == "MutatingAdmissionPolicy" for step in policies),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    api: Api
    take_over: bool
    gate: AdmissionGate
    launching: frozenset[str]
    """Releases whose workers may create pods."""
    stop: threading.Event = field(default_factory=threading.Event)

    def apply_shared(self, decisions: Decisions) -> list[Change]:
        changes: list[Change] = []
        for step in decisions.shared:
            self._do(step, changes)
        return changes

    def apply_tenants(self, decisions: Decisions, progress: Progress) -> Sequence[_TenantResult]:
        with (
            progress.step("Apply tenants", total=len(decisions.tenants)) as reported,
            ThreadPoolExecutor(WORKERS, thread_name_prefix="apply") as workers,
        ):
            running: list[Future[_TenantResult]] = []
            try:
                running.extend(workers.submit(self._apply_tenant, tenant) for tenant in decisions.tenants)
                for _ in as_completed(running):
                    reported.advance()
            except KeyboardInterrupt:
                self.stop.set()
                workers.shutdown(wait=False, cancel_futures=True)
                self.api.abort()
                raise
            return [future.result() for future in running]

    def _apply_tenant(self, tenant: TenantDecision) -> _TenantResult:
        if tenant.problem:
            return _TenantResult(failure=tenant.problem)
        changes: list[Change] = []
        try:
            self._carry_out(tenant, changes)
        except errors.ClusterError as error:
            failure = TenantFailure(tenant=tenant.release, problem=str(error), hint=error.hint)
            return _TenantResult(tuple(changes), failure)
        except _StoppedError:
            return _TenantResult(tuple(changes))
        return _TenantResult(tuple(changes))

    def _carry_out(self, tenant: TenantDecision, changes: list[Change]) -> None:
        if tenant.awaits_deletion:
            wait.wait_for_namespace_gone(self.api, tenant.namespace)
        if tenant.adopts:
            # By merge patch, not by apply: a later apply without it must not take the mark away.
            mark = {"metadata": {"annotations": {objects.ADOPTED_KEY: "true"}}}
            self.api.patch("Namespace", tenant.namespace, None, mark)
        for step in (*tenant.closing, *tenant.building):
            self._do(step, changes, tenant=tenant.release)
        self._await_quotas(tenant)
        if tenant.release in self.launching:
            self.gate.pass_through(tenant.namespace)
        for step in (*tenant.opening, *tenant.clearing):
            self._do(step, changes, tenant=tenant.release)

    def _await_quotas(self, tenant: TenantDecision) -> None:
        quotas = [step for step in tenant.building if step.key.kind == "ResourceQuota"]
        if all(step.action is Action.UNCHANGED for step in (*quotas, *tenant.opening)):
            return
        for step in quotas:
            if step.manifest is not None:
                wait.wait_for_quota(self.api, step.manifest)

    def _do(self, step: Step, changes: list[Change], *, tenant: str = "") -> None:
        if self.stop.is_set():
            raise _StoppedError
        if step.action is Action.DELETE:
            remove.delete_if_there(self.api, step.key)
        elif step.action is not Action.UNCHANGED and step.manifest is not None:
            self.api.apply(step.manifest, force=self.take_over)
        changes.append(objects.change(step.action, step.key, tenant=tenant, detail=step.detail))
