"""Decides what has to be done to which object, from what is wanted and what is there. Pure; does nothing itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from kpo_provision import errors, plan
from kpo_provision.kube.kinds import Manifest
from kpo_provision.render.bundle import Bundle, TenantBundle
from kpo_provision.results import Action, TenantFailure
from kpo_provision.tenants import diff, objects, secrets
from kpo_provision.tenants.objects import ObjectKey
from kpo_provision.tenants.read import Live

_IMMUTABLE = {"RoleBinding": "roleRef", "Secret": "type"}
"""What the API server never changes in an object: it has to be made anew."""
_PATHS_SHOWN = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One object and what has to be done to it; ``manifest`` is None for a deletion."""

    action: Action
    key: ObjectKey
    manifest: Manifest | None = field(default=None, repr=False)
    differences: tuple[str, ...] = ()

    @property
    def detail(self) -> str:
        """Say in a few words why."""
        if self.action is Action.DELETE:
            return "no longer in the spec"
        more = len(self.differences) - _PATHS_SHOWN
        return ", ".join(self.differences[:_PATHS_SHOWN]) + (f" and {more} more" if more > 0 else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantDecision:
    """A tenant's steps in their order: close what must not stay open, build, open, clear away."""

    release: str
    namespace: str
    closing: tuple[Step, ...] = ()
    building: tuple[Step, ...] = ()
    opening: tuple[Step, ...] = ()
    clearing: tuple[Step, ...] = ()
    adopts: bool = False
    """The namespace was made by others and is taken over."""
    awaits_deletion: bool = False
    """The namespace is on its way out, and has to be gone first."""
    problem: TenantFailure | None = None
    """Why nothing may be done to the tenant."""

    @property
    def steps(self) -> tuple[Step, ...]:
        """All steps, in order."""
        return self.closing + self.building + self.opening + self.clearing


@dataclass(frozen=True, slots=True, kw_only=True)
class Decisions:
    """All that one apply has to do."""

    shared: tuple[Step, ...]
    tenants: tuple[TenantDecision, ...]
    orphans: tuple[str, ...]
    """Namespaces of tenants that are no longer in the spec, and would stay."""
    ending: tuple[str, ...]
    """Such namespaces that are on their way out already."""


def installation_of(bundle: Bundle) -> str:
    """Return the installation that a bundle's objects are labelled with."""
    first = next(manifest for part in (bundle.shared, *(t.manifests for t in bundle.tenants)) for manifest in part)
    return objects.labels_of(first)[plan.INSTALLATION_KEY]


def decide(bundle: Bundle, live: Live, logins: Mapping[str, bytes], *, take_over: bool) -> Decisions:
    """Compare a bundle with a cluster. ``logins`` maps a registry's name to the content of its pull secret.

    Raises:
        errors.ClusterError: An object that all tenants share exists, and is not ours.
    """
    wanted = {tenant.plan.namespace for tenant in bundle.tenants}
    left = {key.name: found for key, found in live.ours.items() if key.kind == "Namespace" and key.name not in wanted}
    ending = {name for name, found in left.items() if _is_leaving(found)}
    by_namespace: dict[str, list[ObjectKey]] = {}
    for key in live.ours:
        by_namespace.setdefault(key.namespace, []).append(key)
    return Decisions(
        shared=_decide_shared(bundle.shared, live, take_over=take_over),
        tenants=tuple(
            _decide_tenant(
                tenant, live, logins, present=by_namespace.get(tenant.plan.namespace, ()), take_over=take_over
            )
            for tenant in bundle.tenants
        ),
        orphans=tuple(sorted(left.keys() - ending)),
        ending=tuple(sorted(ending)),
    )


def _decide_shared(manifests: Iterable[Manifest], live: Live, *, take_over: bool) -> tuple[Step, ...]:
    steps = [_compare(manifest, live.ours) for manifest in manifests]
    for step in steps:
        other = live.others.get(step.key)
        if other is not None and not take_over:
            raise errors.ClusterError(
                f"{step.key.text} {objects.owner_of(other)}; nothing was changed",
                hint="remove or rename it, or run again with --take-over to make it this installation's",
            )
    wanted = {step.key for step in steps}
    obsolete = [key for key in live.ours if key.kind in objects.SHARED_KINDS and key not in wanted]
    # A policy's binding goes before its policy, which would deny everything without one.
    obsolete.sort(key=lambda key: (not key.kind.endswith("Binding"), key.kind, key.name))
    return (*steps, *(_removal(key) for key in obsolete))


def _decide_tenant(
    tenant: TenantBundle,
    live: Live,
    logins: Mapping[str, bytes],
    *,
    present: Iterable[ObjectKey],
    take_over: bool,
) -> TenantDecision:
    release, namespace = tenant.plan.release, tenant.plan.namespace
    found = live.namespaces.get(namespace)
    is_foreign = found is not None and not objects.is_ours(found, live.installation)
    problem = _missing_login(tenant, logins) or (
        _foreign(tenant, found) if is_foreign and found and not take_over else None
    )
    if problem:
        return TenantDecision(release=release, namespace=namespace, problem=problem)
    is_leaving = found is not None and _is_leaving(found)
    there = {} if is_leaving else live.ours
    filled = [
        secrets.fill_gap(gap, logins[gap.registry], installation=live.installation, tenant=release)
        for gap in tenant.secrets
    ]
    steps = [_compare(manifest, there) for manifest in (*tenant.manifests, *filled)]
    wanted = {step.key for step in steps}
    removals = [] if is_leaving else [_removal(key) for key in present if key not in wanted]
    remade = [_removal(step.key) for step in steps if _must_be_remade(step)]
    return TenantDecision(
        release=release,
        namespace=namespace,
        closing=(*(step for step in removals if _is_binding(step)), *remade),
        building=tuple(step for step in steps if not _is_binding(step)),
        opening=tuple(step for step in steps if _is_binding(step)),
        clearing=tuple(step for step in removals if not _is_binding(step)),
        adopts=is_foreign,
        awaits_deletion=is_leaving,
    )


def _is_leaving(namespace: Manifest) -> bool:
    return "deletionTimestamp" in namespace["metadata"]


def _compare(manifest: Manifest, live: Mapping[ObjectKey, Manifest]) -> Step:
    key = objects.key_of(manifest)
    if key not in live:
        return Step(action=Action.CREATE, key=key, manifest=manifest)
    paths = diff.differs(manifest, live[key])
    if not paths:
        return Step(action=Action.UNCHANGED, key=key, manifest=manifest)
    return Step(action=Action.UPDATE, key=key, manifest=manifest, differences=paths)


def _must_be_remade(step: Step) -> bool:
    immutable = _IMMUTABLE.get(step.key.kind)
    return any(path.partition(".")[0] == immutable for path in step.differences)


def _is_binding(step: Step) -> bool:
    return step.key.kind in objects.BINDING_KINDS


def _removal(key: ObjectKey) -> Step:
    return Step(action=Action.DELETE, key=key)


def _missing_login(tenant: TenantBundle, logins: Mapping[str, bytes]) -> TenantFailure | None:
    missing = sorted({gap.registry for gap in tenant.secrets} - logins.keys())
    if not missing:
        return None
    return TenantFailure(
        tenant=tenant.plan.release,
        problem=f"there is no login for registry {', '.join(missing)}",
        hint="set registries.<name>.credentials in the spec",
    )


def _foreign(tenant: TenantBundle, namespace: Manifest) -> TenantFailure:
    return TenantFailure(
        tenant=tenant.plan.release,
        problem=f"namespace {tenant.plan.namespace} {objects.owner_of(namespace)}",
        hint="run again with --take-over to make it this tenant's, or choose another release name or namespacePrefix",
    )
