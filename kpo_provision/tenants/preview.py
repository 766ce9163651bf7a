"""Says what an apply would do, without doing it."""

from __future__ import annotations

from collections.abc import Mapping

from kpo_provision.kube.api import Api
from kpo_provision.render.bundle import Bundle
from kpo_provision.results import Changes
from kpo_provision.tenants import decide, objects, read


def preview_bundle(api: Api, bundle: Bundle, logins: Mapping[str, bytes], *, take_over: bool = False) -> Changes:
    """Compare a bundle with the cluster; a tenant that could not be applied is among the failures.

    Raises:
        errors.ClusterError: The cluster does not answer, or an object that all tenants share is not ours.
    """
    shared = [objects.key_of(manifest) for manifest in bundle.shared]
    live = read.read_live(api, decide.installation_of(bundle), shared=shared)
    return _describe(decide.decide(bundle, live, logins, take_over=take_over))


def preview_new(bundle: Bundle, logins: Mapping[str, bytes]) -> Changes:
    """Say what an apply would do to a cluster that is still to be made."""
    nothing = read.Live(installation=decide.installation_of(bundle), ours={}, namespaces={}, others={})
    return _describe(decide.decide(bundle, nothing, logins, take_over=False))


def _describe(decisions: decide.Decisions) -> Changes:
    return Changes(
        changes=(
            *(objects.change(step.action, step.key, detail=step.detail) for step in decisions.shared),
            *(
                objects.change(step.action, step.key, tenant=tenant.release, detail=step.detail)
                for tenant in decisions.tenants
                for step in tenant.steps
            ),
        ),
        failures=tuple(tenant.problem for tenant in decisions.tenants if tenant.problem),
        orphans=decisions.orphans,
        ending=decisions.ending,
    )
