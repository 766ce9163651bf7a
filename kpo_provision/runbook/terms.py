"""Tenants that were promised the same, as one row: two hundred of them stay readable."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from kpo_provision.plan import PoolPlan, TenantPlan
from kpo_provision.runbook.subject import Subject


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What tenants of one pool have in common, and which these are."""

    au: int
    base_au: int
    registries: tuple[str, ...]
    pod_security: str
    releases: tuple[str, ...]

    @property
    def cpu(self) -> str:
        """What one of them may use of CPUs."""
        return f"{self.au / 10:g}"

    @property
    def memory_mib(self) -> int:
        """What one of them may use of memory."""
        return self.au * 384


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolTerms:
    """A pool, None for tenants without one, and its tenants by what they were promised."""

    pool: PoolPlan | None
    terms: tuple[Terms, ...]

    @property
    def au(self) -> int:
        """All promises together."""
        return sum(each.au * len(each.releases) for each in self.terms)

    @property
    def count(self) -> int:
        """How many tenants there are."""
        return sum(len(each.releases) for each in self.terms)


def group_tenants(subject: Subject) -> Iterator[PoolTerms]:
    """Group tenants by pool, then by promise; the largest promise first."""
    for pool in (*subject.plan.pools, None):
        found: dict[tuple[int, int, tuple[str, ...], str], list[str]] = {}
        for tenant in subject.tenants_of(pool):
            found.setdefault(_terms_of(tenant), []).append(tenant.release)
        if found or pool is not None:
            terms = tuple(
                Terms(au=au, base_au=base, registries=registries, pod_security=security, releases=tuple(releases))
                for (au, base, registries, security), releases in sorted(found.items(), reverse=True)
            )
            yield PoolTerms(pool=pool, terms=terms)


def _terms_of(tenant: TenantPlan) -> tuple[int, int, tuple[str, ...], str]:
    registries = tuple(registry.name for registry in tenant.registries)
    return tenant.extra_capacity_au, tenant.base_capacity_au, registries, tenant.pod_security
