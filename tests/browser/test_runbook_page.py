"""The runbook's page in a real browser: no complaint, no request, accessible, printed with an outline."""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from kpo_provision import planning
from kpo_provision.runbook import write_runbook
from tests.browser.chromium import Tab, open_tab

ROOT = Path(__file__).parents[2]
SPECS = [ROOT / "examples" / f"{name}.yaml" for name in ("quickstart", "gke", "self-hosted", "gke-sizing")]


@pytest.fixture(scope="module")
def axe() -> str:
    script = Path(__file__).with_name("install.sh")
    made = subprocess.run(
        [script], env={**os.environ, "PYTHON": sys.executable}, check=True, stdout=subprocess.PIPE, text=True
    )
    return (Path(made.stdout.strip()) / "axe_playwright_python" / "axe.min.js").read_text(encoding="utf-8")


@pytest.fixture
def tab() -> Iterator[Tab]:
    with open_tab() as opened:
        yield opened


def write_page(spec: Path, folder: Path) -> Path:
    write_runbook(planning.describe_runbook(spec), folder)
    return folder / "runbook.html"


@pytest.mark.parametrize("spec", SPECS, ids=lambda path: path.stem)
def test_page_opens_without_a_complaint_and_asks_for_nothing(spec: Path, tab: Tab, tmp_path: Path) -> None:
    page = write_page(spec, tmp_path)

    tab.open(page)

    assert tab.evaluate("document.title").startswith("Install runbook")
    assert tab.named("Runtime.exceptionThrown") == []
    assert tab.named("Runtime.consoleAPICalled") == []
    assert [entry["entry"]["text"] for entry in tab.named("Log.entryAdded")] == []
    asked = [event["request"]["url"] for event in tab.named("Network.requestWillBeSent")]
    assert [url for url in asked if not url.startswith("data:")] == [page.as_uri()]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("spec", SPECS, ids=lambda path: path.stem)
def test_axe_finds_nothing(spec: Path, scheme: str, tab: Tab, tmp_path: Path, axe: str) -> None:
    tab.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
    tab.open(write_page(spec, tmp_path))

    tab.evaluate(axe)
    found = json.loads(tab.evaluate("axe.run().then(found => JSON.stringify(found))"))

    assert len(found["passes"]) > 20
    wrong = [(rule["id"], rule["nodes"][0]["html"], len(rule["nodes"])) for rule in found["violations"]]
    assert wrong == []


def test_axe_finds_an_unreadable_colour(tab: Tab, tmp_path: Path, axe: str) -> None:
    page = write_page(SPECS[0], tmp_path)
    page.write_text(page.read_text().replace("--ink: #1b2330", "--ink: #e9e9e9"))
    tab.open(page)

    tab.evaluate(axe)
    found = json.loads(tab.evaluate("axe.run().then(found => JSON.stringify(found))"))

    assert "color-contrast" in {rule["id"] for rule in found["violations"]}


def test_page_prints_with_an_outline_and_links(tab: Tab, tmp_path: Path) -> None:
    tab.open(write_page(SPECS[1], tmp_path))

    printed = tab.call("Page.printToPDF", generateDocumentOutline=True, generateTaggedPDF=True, preferCSSPageSize=True)

    pdf = base64.b64decode(printed["data"])
    text = pdf + b"".join(inflate(stream) for stream in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", pdf, re.DOTALL))
    assert text.count(b"/Type /Page\n") + text.count(b"/Type /Page ") > 5
    assert b"/Outlines" in text
    assert b"(Troubleshooting)" in text
    assert b"/StructTreeRoot" in text
    assert text.count(b"/Subtype /Link") > 20


def inflate(stream: bytes) -> bytes:
    try:
        return zlib.decompress(stream)
    except zlib.error:
        return b""
