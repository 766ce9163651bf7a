"""The fields of a change request, by the names that ServiceNow gives them; what only a person can say stays open.

Names of the fields: ServiceNow's table ``change_request`` (its documentation of the change form, read 2026-11-23).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kpo_provision.report.sizing_amounts import render_count
from kpo_provision.runbook.steps import Step
from kpo_provision.runbook.subject import Subject

OPEN_FIELDS = (
    "number",
    "requested_by",
    "assigned_to",
    "assignment_group",
    "business_service",
    "priority",
    "risk",
    "impact",
    "start_date",
    "end_date",
    "cab_required",
)
"""What nobody but the owner of the change knows."""


def make_change_request(
    subject: Subject, *, implementation: Sequence[Step], test: Sequence[Step], backout: Sequence[Step]
) -> dict[str, Any]:
    """Return the fields in the order in which a form shows them; None is for a person to fill in."""
    launching = len(subject.launching)
    return {
        "schema": "kpo-provision/change-request/v1",
        "short_description": f"Install {subject.name}: KubernetesPodOperator for "
        f"{render_count(len(subject.plan.tenants), 'Airflow deployment')} on {subject.cluster}",
        "description": f"kpo-provision makes {render_count(len(subject.plan.tenants), 'namespace')} with quotas, "
        f"rights, network policies and registry secrets from {subject.file} (SHA-256 {subject.sha256}), "
        f"{_say_pools(subject)}, and proves each tenant with a probe pod.",
        "category": "Infrastructure",
        "cmdb_ci": subject.cluster,
        "justification": f"{render_count(launching, 'Airflow deployment')} may then launch pods for tasks, each within "
        "what it was promised. Without the change their tasks cannot start pods, or start them without a limit.",
        "risk_impact_analysis": assess_risks(subject),
        "implementation_plan": [_say(step) for step in implementation],
        "test_plan": [_say(step) for step in test],
        "backout_plan": [_say(step) for step in backout],
        **dict.fromkeys(OPEN_FIELDS),
    }


def assess_risks(subject: Subject) -> list[str]:
    """Say what the change can do to others, from the plan."""
    guards = "The admission policy that keeps other pods off the pools can refuse pods of others. It reaches"
    if subject.plan.mutates_pods:
        guards = (
            "Two admission policies, the one that keeps others off the pools and the one that places KPO pods, judge "
            "pods in the whole cluster. They reach"
        )
    exempt = ", ".join(subject.plan.exempt_namespaces)
    made = render_count(subject.object_count, "object")
    risks = [
        f"Creates {made}; changes and deletes none that it did not make.",
        "An object of somebody else under one of its names stops the change instead of being taken over.",
        f"{guards} only pods that name a pool, tolerate every taint or are KPO pods. Exempt namespaces: {exempt}.",
    ]
    if subject.marked_pools:
        names = ", ".join(pool.name for pool in subject.marked_pools)
        risks.append(
            f"Nodes of {names} are tainted with NoExecute: pods there that do not tolerate it are evicted at once."
        )
    if subject.makes_pools:
        risks.append("Node pools cost money while they have nodes; the sizing table has the amount.")
    risks.append("Point of no return: none. The backout removes all of it; Airflow's own deployments are not touched.")
    return risks


def _say_pools(subject: Subject) -> str:
    pools = render_count(len(subject.plan.pools), "node pool")
    if subject.makes_pools:
        return f"makes {pools} by Terraform"
    return f"marks the nodes of {pools}" if subject.marked_pools else f"uses {pools} made beforehand"


def _say(step: Step) -> str:
    command = " ".join(step.command.replace("\\\n", "").split())
    return f"{step.title} ({step.owner}; {step.takes}): {command}"
