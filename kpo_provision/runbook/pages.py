"""What the documentation says already and a runbook needs too: taken from its pages, which are shipped."""

from __future__ import annotations

import re

from kpo_provision import assets

CHECKS_PAGE, SECURITY_PAGE = "docs/checks.md", "docs/security.md"
_CHECK = re.compile(r"^### ", re.MULTILINE)
_ROLES = re.compile(r"^```yaml\n(# 1\. Tenants:.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK_ELSEWHERE = re.compile(r"\[([^\]]+)\]\((?!#)[^)]*\)")


def read_checks() -> str:
    """Return what each check means, how its failure looks and what to do, under headings of the third level."""
    page = _read(CHECKS_PAGE)
    sections = page.split("\n## ")[1:]
    found = "\n".join(section.partition("\n")[2] for section in sections)
    return _LINK_ELSEWHERE.sub(r"\1", found[_first(found) :]).strip()


def read_roles() -> str:
    """Return the installer's ClusterRoles as YAML."""
    found = _ROLES.search(_read(SECURITY_PAGE))
    assert found is not None  # noqa: S101 - a test reads every page that is shipped
    return found[1]


def _first(text: str) -> int:
    found = _CHECK.search(text)
    return found.start() if found else 0


def _read(name: str) -> str:
    return assets.asset(name).read_text(encoding="utf-8")
