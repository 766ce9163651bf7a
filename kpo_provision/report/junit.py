"""Checks as JUnit XML, one suite a tenant, in the dialect that Jenkins and GitLab read.

Both tell cases by ``classname`` and ``name``, and drop a second one of the same. GitLab shows no ``message``, so the
body repeats it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from xml.etree import ElementTree as ET

from kpo_provision.report.characters import clean
from kpo_provision.results import CheckResult, Outcome


def render_junit(checks: Sequence[CheckResult], *, name: str) -> str:
    """Render checks; a warning passes and says so in its output."""
    root = ET.Element("testsuites", {"name": clean(name)} | _counts(checks))
    for tenant, group in groupby(checks, key=lambda check: check.tenant):
        _add_suite(root, tenant or "cluster", list(group))
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _add_suite(root: ET.Element, name: str, checks: Sequence[CheckResult]) -> None:
    suite = ET.SubElement(root, "testsuite", {"name": name} | _counts(checks))
    for check in checks:
        attributes = {
            "classname": f"kpo.verify.{name}.{check.category}",
            "name": clean(f"{check.id}: {check.description}"),
            "time": f"{check.duration_s:.3f}",
        }
        case = ET.SubElement(suite, "testcase", attributes)
        hint = f"hint: {check.hint}\nsee docs/checks.md#{check.id}" if check.hint else ""
        detail = clean("\n".join(part for part in (check.description, check.detail, hint) if part))
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
