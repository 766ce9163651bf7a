"""Checks as JUnit XML, one suite a tenant, in the dialect that Jenkins, GitLab and GitHub read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from xml.etree import ElementTree as ET

from kpo_provision.report.characters import clean
from kpo_provision.results import CheckResult, Outcome


def render_junit(checks: Sequence[CheckResult], *, name: str) -> str:
    """Render checks; a warning passes and says so in its output."""
    root = ET.Element("testsuites", _counts(checks) | {"name": name})
    for tenant, group in groupby(checks, key=lambda check: check.tenant):
        _add_suite(root, tenant or "cluster", list(group))
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _add_suite(root: ET.Element, name: str, checks: Sequence[CheckResult]) -> None:
    suite = ET.SubElement(root, "testsuite", _counts(checks) | {"name": name})
    for check in checks:
        case = ET.SubElement(
            suite,
            "testcase",
            {"classname": f"{name}.{check.category}", "name": check.id, "time": f"{check.duration_s:.3f}"},
        )
        detail = clean("\n".join(part for part in (check.description, check.detail, check.hint) if part))
        if check.outcome is Outcome.FAIL:
            ET.SubElement(case, "failure", {"message": clean(check.detail)}).text = detail
        elif check.outcome is Outcome.SKIP:
            ET.SubElement(case, "skipped", {"message": clean(check.detail)})
        else:
            prefix = "warning: " if check.outcome is Outcome.WARN else ""
            ET.SubElement(case, "system-out").text = prefix + detail


def _counts(checks: Iterable[CheckResult]) -> dict[str, str]:
    listed = list(checks)
    return {
        "tests": str(len(listed)),
        "failures": str(sum(check.outcome is Outcome.FAIL for check in listed)),
        "errors": "0",
        "skipped": str(sum(check.outcome is Outcome.SKIP for check in listed)),
        "time": f"{sum(check.duration_s for check in listed):.3f}",
    }
