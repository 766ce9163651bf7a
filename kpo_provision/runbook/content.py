"""Everything that the pages of a runbook show, as values: the templates only arrange them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from kpo_provision.report.sizing_amounts import render_months
from kpo_provision.runbook import backout, change_request, day_two, firewall, install, pages, terms
from kpo_provision.runbook.steps import Step
from kpo_provision.runbook.subject import Subject


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """Steps that belong together, and what has been reached when they are done."""

    title: str
    steps: tuple[Step, ...]
    reached: str


@dataclass(frozen=True, kw_only=True)
class Content:
    """A runbook's content."""

    subject: Subject

    @cached_property
    def preparation(self) -> tuple[Step, ...]:
        """Steps that only read, days before."""
        return tuple(install.make_preparation(self.subject))

    @cached_property
    def procedure(self) -> tuple[Phase, ...]:
        """Steps of the change, in phases."""
        grants = tuple(install.make_grants(self.subject))
        phases = (
            Phase(title="Grant", steps=grants, reached="Nothing has changed for anybody else. Safe to stop here."),
            Phase(
                title="Install",
                steps=tuple(install.make_installation(self.subject)),
                reached="Every tenant is there, and proven. Safe to stop here.",
            ),
        )
        return tuple(phase for phase in phases if phase.steps)

    @cached_property
    def verification(self) -> tuple[Step, ...]:
        """Steps that show that it works."""
        return tuple(install.make_verification(self.subject))

    @cached_property
    def backout(self) -> tuple[Step, ...]:
        """Steps that undo the change."""
        return tuple(backout.make_backout(self.subject))

    @cached_property
    def day_two(self) -> tuple[Step, ...]:
        """Steps for the time after."""
        return tuple(day_two.make_day_two(self.subject))

    @cached_property
    def implementation(self) -> tuple[Step, ...]:
        """Steps up to the proof, in order."""
        return (*self.preparation, *(step for phase in self.procedure for step in phase.steps))

    @property
    def steps(self) -> tuple[Step, ...]:
        """Steps of the change and of its backout, in order."""
        return (*self.implementation, *self.verification, *self.backout)

    @cached_property
    def numbers(self) -> dict[str, int]:
        """The number of each of these steps, by its id."""
        return {step.id: number for number, step in enumerate(self.steps, start=1)}

    @cached_property
    def titles(self) -> dict[str, str]:
        """Their titles, by their ids."""
        return {step.id: step.title for step in self.steps}

    @cached_property
    def request(self) -> dict[str, Any]:
        """The fields of the change request."""
        return change_request.make_change_request(
            self.subject,
            implementation=self.implementation,
            test=self.verification,
            backout=self.backout,
        )

    @cached_property
    def risks(self) -> list[str]:
        """What the change can do to others."""
        return change_request.assess_risks(self.subject)

    @cached_property
    def tenants(self) -> tuple[terms.PoolTerms, ...]:
        """Tenants by pool and promise."""
        return tuple(terms.group_tenants(self.subject))

    @cached_property
    def connections(self) -> tuple[firewall.Connection, ...]:
        """What has to be open."""
        return firewall.list_connections(self.subject)

    @property
    def checks(self) -> str:
        """The documentation of the checks."""
        return pages.read_checks()

    @property
    def roles(self) -> str:
        """The installer's ClusterRoles."""
        return pages.read_roles()

    @property
    def cost(self) -> str:
        """What all pools cost in a month, used as promised and at most; empty where nobody knows."""
        pools = self.subject.size.pools if self.subject.size else ()
        if all(pool.micro_usd_per_hour is None for pool in pools):
            return ""
        promised = render_months([pool.micro_usd_per_hour for pool in pools])
        most = render_months([pool.most_micro_usd_per_hour for pool in pools])
        return f"{promised}, with every promise used to the full; at most {most}, with every node that may be made"
