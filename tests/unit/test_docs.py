"""What the documentation shows is what the code takes: specs, links, names of checks, rights of the installer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from kpo_provision.kube.kinds import KINDS
from kpo_provision.render import environment
from kpo_provision.spec import parse_spec
from kpo_provision.tenants import objects
from kpo_provision.verify import checks

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("README.md"), *ROOT.glob("docs/**/*.md")])
_FENCE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_CODE = re.compile(r"`[^`\n]*`")
_HEADING = re.compile(r"^#+ +(.+)$", re.MULTILINE)


def _find_blocks(page: Path, language: str) -> Iterator[str]:
    for found, text in _FENCE.findall(page.read_text(encoding="utf-8")):
        if found == language:
            yield text


def _find_links(page: Path) -> Iterator[str]:
    prose = _CODE.sub("", _FENCE.sub("", page.read_text(encoding="utf-8")))
    return (link for link in _LINK.findall(prose) if "://" not in link and not link.startswith("mailto:"))


def _find_anchors(page: Path) -> set[str]:
    prose = _FENCE.sub("", page.read_text(encoding="utf-8"))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in _HEADING.findall(prose)}


def _name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


SPECS = [
    pytest.param(text, id=f"{_name(page)}-{number}")
    for page in PAGES
    for number, text in enumerate(_find_blocks(page, "yaml"), start=1)
    if text.startswith("apiVersion: kpo-provision.io/")
]


@pytest.mark.parametrize("text", SPECS)
def test_every_spec_in_the_documentation_is_valid(text: str) -> None:
    spec = parse_spec(text, file="documentation")

    assert spec.tenants


def test_every_page_about_a_target_shows_a_spec() -> None:
    shown = {param.id.rpartition("-")[0] for param in SPECS if param.id}

    targets = {_name(page) for page in ROOT.glob("docs/how-to/*.md")} - {
        "docs/how-to/airflow.md",
        "docs/how-to/runbook.md",
    }
    assert targets <= shown


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_yaml_in_the_documentation_can_be_parsed(page: Path) -> None:
    for text in _find_blocks(page, "yaml"):
        assert all(document is not None for document in yaml.safe_load_all(text))


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_relative_links_lead_somewhere(page: Path) -> None:
    broken = []
    for link in _find_links(page):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and target.suffix == ".md" and anchor not in _find_anchors(target)):
            broken.append(link)

    assert broken == []


@pytest.mark.parametrize("page", sorted(ROOT.glob("docs/how-to/*.md")), ids=_name)
def test_pages_name_only_checks_that_exist(page: Path) -> None:
    known = {check.id for check in (*checks.CLUSTER_CHECKS, *checks.POOL_CHECKS, *checks.TENANT_CHECKS)}
    categories = "|".join(sorted({identifier.partition("-")[0] for identifier in known}))

    named = set(re.findall(rf"`((?:{categories})-[a-z-]+)`", page.read_text(encoding="utf-8")))

    assert named <= known


def test_the_installer_may_list_every_kind_that_apply_reads() -> None:
    held = _flatten(_load_roles()["kpo-provision-installer"])

    kinds = [KINDS[name] for name in (*objects.SHARED_KINDS, *objects.TENANT_KINDS)]
    assert {(kind.api_version.rpartition("/")[0], kind.plural, "list") for kind in kinds} <= held


def test_the_installer_may_bind_the_rendered_roles_and_no_other() -> None:
    bindable = {
        name
        for rule in _load_roles()["kpo-provision-installer"]
        if "bind" in rule["verbs"]
        for name in rule["resourceNames"]
    }

    assert bindable == {role["metadata"]["name"] for role in _rendered_roles()}


def test_whoever_writes_the_shared_roles_holds_what_they_grant() -> None:
    held = _flatten(_load_roles()["kpo-provision-shared"])

    for role in _rendered_roles():
        assert _flatten(role["rules"]) <= held


def _load_roles() -> dict[str, Any]:
    blocks = "\n---\n".join(_find_blocks(ROOT / "docs" / "security.md", "yaml"))
    documents = yaml.safe_load_all(blocks)
    return {one["metadata"]["name"]: one["rules"] for one in documents if one["kind"] == "ClusterRole"}


def _rendered_roles() -> list[dict[str, Any]]:
    return environment.render_manifests("shared/cluster-roles")


def _flatten(rules: list[dict[str, list[str]]]) -> set[tuple[str, str, str]]:
    return {
        (group, resource, verb)
        for rule in rules
        if "resourceNames" not in rule
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }
