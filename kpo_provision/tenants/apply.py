"""Does what ``decide`` decided: shared objects first, then tenants side by side, each closed until it is whole.

A tenant that fails is reported and the rest goes on. Killed at any point, the next run ends in the same state.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field

from kpo_provision import errors
from kpo_provision.kube.api import Api
from kpo_provision.progress import Progress
from kpo_provision.render.bundle import Bundle
from kpo_provision.results import Action, Change, Changes, TenantFailure
from kpo_provision.tenants import decide, objects, read, remove, wait
from kpo_provision.tenants.admission import POLICY_KINDS, AdmissionGate
from kpo_provision.tenants.decide import Decisions, Step, TenantDecision

WORKERS = 16
"""100 tenants on an API server that shares two cores, three rounds in turn (2026-11-25): 3.8 s with four, 3.6 s with
eight, 3.0 s with sixteen, and a fifth less CPU. More than a few dozen make it slower."""


class _StoppedError(Exception):
    """The user pressed Ctrl-C: nothing more is to be sent."""


@dataclass(slots=True)
class _TenantRun:
    """One tenant on its way: what was done to it so far."""

    decision: TenantDecision
    changes: list[Change] = field(default_factory=list)
    failure: TenantFailure | None = None
    awaits_gate: bool = False
    """Whether it is built, and was set aside until it may be opened."""


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
    tenants = run.apply_tenants(decisions, progress)
    removed = remove.remove_tenants(api, live, decisions.orphans if prune else (), progress=progress)
    return Changes(
        changes=(*changes, *(change for tenant in tenants for change in tenant.changes), *removed.changes),
        failures=(*(tenant.failure for tenant in tenants if tenant.failure), *removed.failures),
        orphans=() if prune else decisions.orphans,
        ending=decisions.ending,
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

    def apply_tenants(self, decisions: Decisions, progress: Progress) -> Sequence[_TenantRun]:
        tenants = [_TenantRun(tenant) for tenant in decisions.tenants]
        with (
            progress.step("Apply tenants", total=len(tenants)) as reported,
            ThreadPoolExecutor(WORKERS, thread_name_prefix="apply") as workers,
        ):
            try:
                built = {workers.submit(self._try, self._build, tenant): tenant for tenant in tenants}
                opened = []
                for future in as_completed(built):
                    if built[future].awaits_gate:
                        opened.append(workers.submit(self._try, self._open, built[future]))
                    else:
                        reported.advance()
                for _ in as_completed(opened):
                    reported.advance()
            except KeyboardInterrupt:
                self.stop.set()
                workers.shutdown(wait=False, cancel_futures=True)
                self.api.abort()
                raise
            for future in (*built, *opened):
                future.result()
        return tenants

    def _try(self, action: Callable[[_TenantRun], None], tenant: _TenantRun) -> None:
        """Do something to a tenant; what goes wrong is the tenant's failure and nobody else's."""
        if tenant.decision.problem:
            tenant.failure = tenant.decision.problem
            return
        try:
            action(tenant)
        except errors.ClusterError as error:
            tenant.failure = TenantFailure(tenant=tenant.decision.release, problem=str(error), hint=error.hint)
        except _StoppedError:
            return

    def _build(self, tenant: _TenantRun) -> None:
        """Build a tenant, and open it too unless that had to wait: other tenants can be built meanwhile."""
        decision = tenant.decision
        if decision.awaits_deletion:
            wait.wait_for_namespace_gone(self.api, decision.namespace)
        if decision.adopts:
            # By merge patch, not by apply: a later apply without it must not take the mark away.
            mark = {"metadata": {"annotations": {objects.ADOPTED_KEY: "true"}}}
            self.api.patch("Namespace", decision.namespace, None, mark)
        self._do_all((*decision.closing, *decision.building), tenant)
        if decision.release in self.launching and not self.gate.is_open(decision.namespace):
            tenant.awaits_gate = True
            return
        self._open(tenant)

    def _open(self, tenant: _TenantRun) -> None:
        decision = tenant.decision
        self._await_quotas(decision)
        if decision.release in self.launching:
            self.gate.pass_through(decision.namespace)
        self._do_all((*decision.opening, *decision.clearing), tenant)

    def _do_all(self, steps: Iterable[Step], tenant: _TenantRun) -> None:
        for step in steps:
            self._do(step, tenant.changes, tenant=tenant.decision.release)

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
