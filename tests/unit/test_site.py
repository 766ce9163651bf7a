"""The documentation's site: every page in its order, no broken link, and nothing fetched from another host."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
_FETCHED = (
    re.compile(
        r"<(?:script|img|iframe|source|video|audio|object|embed)\b[^>]*?(?:src|srcset|data)=[\"']?(?:https?:)?//"
    ),
    re.compile(
        r"<link\b(?=[^>]*rel=[\"']?(?:stylesheet|preload|preconnect|icon|prefetch))[^>]*href=[\"']?(?:https?:)?//"
    ),
    re.compile(r"(?:url\(|@import\s)\s*[\"']?(?:https?:)?//"),
)


def build(docs: Path, out: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-n", "-c", str(docs / "site")]
    return subprocess.run([*command, str(docs), str(out)], cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("site")
    built = build(DOCS, out)
    assert built.returncode == 0, built.stderr
    return out


def test_every_page_is_reached_from_the_front_page(site: Path) -> None:
    front = (site / "index.html").read_text()
    pages = {page.relative_to(DOCS).with_suffix(".html").as_posix() for page in DOCS.rglob("*.md")} - {"index.html"}
    sidebar = front[front.index("sidebar-tree") :]
    assert {page for page in pages if f'href="{page}"' not in sidebar} == set()


def test_nothing_is_fetched_from_another_host(site: Path) -> None:
    fetched = [
        f"{file.relative_to(site)}: {found.group()}"
        for file in sorted(site.rglob("*"))
        if file.suffix in (".html", ".css", ".svg")
        for pattern in _FETCHED
        for found in pattern.finditer(file.read_text(encoding="utf-8"))
    ]
    assert fetched == []


@pytest.mark.parametrize(
    ("page", "text"),
    [
        ("tutorial.md", "[nowhere](gone.md)"),
        ("tutorial.md", "[nowhere](spec.md#gone)"),
        ("in-no-part.md", "# A page\n\nThat nothing leads to.\n"),
    ],
)
def test_a_fault_fails_the_build(tmp_path: Path, page: str, text: str) -> None:
    docs = tmp_path / "docs"
    shutil.copytree(DOCS, docs)
    with (docs / page).open("a", encoding="utf-8") as file:
        file.write(f"\n{text}\n")

    built = build(docs, tmp_path / "out")

    assert built.returncode != 0
    assert page in built.stderr
