"""A run for a person: what changed, then each check under its heading, then one line that sums up."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from kpo_provision.report.changes import describe_changes, describe_failures, describe_host_failures
from kpo_provision.report.characters import clean_line
from kpo_provision.report.hosts import render_hosts
from kpo_provision.report.layout import Layout, Mark
from kpo_provision.report.pools import render_pools
from kpo_provision.report.run import RunReport
from kpo_provision.results import CheckResult, Outcome

FEW_TENANTS = 10
"""With more tenants than this, those without a finding are shown as one line each."""

_MARKS = {
    Outcome.PASS: Mark.GOOD,
    Outcome.WARN: Mark.DOUBTFUL,
    Outcome.FAIL: Mark.BAD,
    Outcome.SKIP: Mark.LEFT_OUT,
}


def render_text(run: RunReport, *, colour: bool, ascii_only: bool = False, width: int = 120) -> str:
    """Render the whole run."""
    layout = Layout(colour=colour, ascii_only=ascii_only, width=width)
    lines = [clean_line(f"{run.installation} on {run.target}, Kubernetes {run.kubernetes_version}")]
    if run.changes is not None:
        lines += render_pools(run.ahead, layout) if run.ahead.changes else []
        lines += render_hosts(run.ahead.hosts, layout)
        lines += layout.heading("changes")
        lines += describe_changes(run.changes, layout)
        lines += describe_host_failures(run.changes.host_failures, layout)
        lines += describe_failures(run.changes.failures, layout)
    by_tenant = [(tenant, list(group)) for tenant, group in groupby(run.checks, key=lambda check: check.tenant)]
    is_short = sum(bool(tenant) for tenant, _ in by_tenant) > FEW_TENANTS
    sound = [tenant for tenant, checks in by_tenant if is_short and _is_sound(tenant, checks)]
    for tenant, checks in by_tenant:
        if tenant not in sound:
            lines += _render_subject(tenant, checks, layout)
    if sound:
        lines += layout.heading("tenants without a finding")
        lines += [line for tenant in sound for line in layout.marked(Mark.GOOD, f"tenant {tenant}")]
    lines += ["", *_sum_up(run, layout), *(f"next: {command}" for command in run.next_commands)]
    return "\n".join(lines) + "\n"


def _is_sound(tenant: str, checks: Sequence[CheckResult]) -> bool:
    return bool(tenant) and all(check.outcome is Outcome.PASS for check in checks)


def _render_subject(tenant: str, checks: Sequence[CheckResult], layout: Layout) -> list[str]:
    lines = layout.heading(f"tenant {tenant}" if tenant else "cluster")
    for cause, group in groupby(checks, key=lambda check: check.detail if check.outcome is Outcome.SKIP else None):
        if cause is None:
            lines += [line for check in group for line in _render_check(check, layout)]
        else:
            lines += layout.marked(Mark.LEFT_OUT, f"{cause}: {', '.join(check.id for check in group)}")
    return lines


def _render_check(check: CheckResult, layout: Layout) -> list[str]:
    simulated = " (simulated)" if check.simulated else ""
    lines = layout.marked(_MARKS[check.outcome], check.description + simulated)
    if check.detail and (check.evidence or check.outcome is not Outcome.PASS):
        lines += layout.detail(check.detail)
    if check.outcome in {Outcome.FAIL, Outcome.WARN}:
        lines += layout.detail(f"hint: {check.hint}") if check.hint else []
        lines += layout.detail(f"see docs/checks.md#{check.id}")
    return lines


def _sum_up(run: RunReport, layout: Layout) -> list[str]:
    done = "checked"
    if run.changes is not None:
        done = "applied in part" if run.changes.failures or run.changes.host_failures else "applied"
    mark = Mark.BAD if run.exit_code else Mark.GOOD
    if not run.checks:
        return layout.marked(mark, f"{done}, not verified ({run.duration_s:.1f} s)")
    counts = run.counts
    words = [f"{counts[Outcome.PASS]} checks passed"]
    words += [f"{counts[Outcome.WARN]} warned"] if counts[Outcome.WARN] else []
    words += [f"{counts[Outcome.FAIL]} failed"] if counts[Outcome.FAIL] else []
    words += [f"{counts[Outcome.SKIP]} not run"] if counts[Outcome.SKIP] else []
    proven = "NOT verified" if counts[Outcome.FAIL] else "verified"
    simulated = " on simulated nodes" if run.is_simulated else ""
    return layout.marked(mark, f"{done} and {proven}{simulated}: {', '.join(words)} ({run.duration_s:.1f} s)")
