"""What a check is, and how a list of them is run. Knows nothing of clusters, and judges nothing itself."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from kpo_provision import errors
from kpo_provision.results import CheckResult, Outcome
from kpo_provision.verify.verdict import Verdict


class Subject(Protocol):
    """What a check looks at."""

    @property
    def words(self) -> Mapping[str, str]:
        """Names that descriptions and hints may use."""
        ...

    @property
    def release(self) -> str:
        """The tenant; empty for what all tenants share."""
        ...


S = TypeVar("S", bound=Subject)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a check found. Without a hint, a failure gets the check's own."""

    outcome: Outcome = Outcome.PASS
    detail: str = ""
    hint: str = ""
    evidence: Mapping[str, str] = field(default_factory=dict)
    simulated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Check(Generic[S]):
    """One question with a stable id, ``<category>-<thing>``, which is a heading in docs/checks.md."""

    id: str
    description: str
    """A positive sentence in the present tense, with the subject's words in braces."""
    hint: str
    """What to do when it fails and the finding itself does not say."""
    judge: Callable[[S], Finding]
    needs: tuple[str, ...] = ()
    """Checks without which this one cannot succeed; when one of them did not, this one is skipped."""
    applies: Callable[[S], bool] = lambda _: True

    @property
    def category(self) -> str:
        """What it is about: the first word of its id."""
        return self.id.partition("-")[0]


def failure(detail: str, *, hint: str = "") -> Finding:
    """Return a finding that fails the check."""
    return Finding(outcome=Outcome.FAIL, detail=detail, hint=hint)


def failure_of(verdict: Verdict) -> Finding:
    """Return a finding that fails the check for a named cause."""
    return Finding(
        outcome=Outcome.FAIL, detail=verdict.summary, hint=verdict.hint, evidence={"cause": str(verdict.cause)}
    )


def run_checks(checks: Iterable[Check[S]], subject: S) -> list[CheckResult]:
    """Ask each question that applies, in order; an error while asking is a failure with the error's sentence."""
    skips: dict[str, Finding] = {}
    results: list[CheckResult] = []
    for check in checks:
        if not check.applies(subject):
            continue
        started = time.monotonic()
        finding = next((skips[need] for need in check.needs if need in skips), None) or _judge(check, subject)
        if finding.outcome is Outcome.FAIL:
            skips[check.id] = Finding(outcome=Outcome.SKIP, detail=f"not checked, because {check.id} did not pass")
        elif finding.outcome is Outcome.SKIP:
            # Whatever left it out leaves out what builds on it.
            skips[check.id] = finding
        results.append(_result(check, subject, finding, duration_s=time.monotonic() - started))
    return results


def skip_all(checks: Iterable[Check[S]], subject: S, *, because: str) -> list[CheckResult]:
    """List every check that applies as skipped for one cause."""
    finding = Finding(outcome=Outcome.SKIP, detail=because)
    return [_result(check, subject, finding, duration_s=0.0) for check in checks if check.applies(subject)]


def _judge(check: Check[S], subject: S) -> Finding:
    try:
        return check.judge(subject)
    except errors.KpoProvisionError as error:
        return failure(str(error), hint=error.hint)


def _result(check: Check[S], subject: S, finding: Finding, *, duration_s: float) -> CheckResult:
    is_problem = finding.outcome in (Outcome.FAIL, Outcome.WARN)
    return CheckResult(
        id=check.id,
        category=check.category,
        description=check.description.format_map(subject.words),
        outcome=finding.outcome,
        tenant=subject.release,
        detail=finding.detail,
        hint=(finding.hint or check.hint.format_map(subject.words)) if is_problem else "",
        duration_s=duration_s,
        evidence=finding.evidence,
        simulated=finding.simulated,
    )
