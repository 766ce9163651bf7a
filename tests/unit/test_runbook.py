"""A runbook is whole, readable, harmless and the same bytes for the same spec, however many tenants there are."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
import yaml

from kpo_provision import planning
from kpo_provision.report import sizing_amounts
from kpo_provision.runbook import render_runbook
from kpo_provision.verify import checks
from tests.commands import run

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted(ROOT.glob("examples/*.yaml"))
TENANTS = 200


class Page(HTMLParser):
    """What a page links to, defines and asks for."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.tags.append(tag)
        self.ids += [values["id"] or ""] if "id" in values else []
        self.links += [value or "" for name, value in attrs if name in ("href", "src")]
        if tag not in ("meta", "link", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def write_spec(folder: Path, **changes: object) -> Path:
    spec = yaml.safe_load((ROOT / "examples" / "quickstart.yaml").read_text()) | changes
    path = folder / "spec.yaml"
    path.write_text(yaml.safe_dump(spec, sort_keys=False))
    return path


@pytest.mark.parametrize("spec", EXAMPLES, ids=lambda path: path.stem)
def test_page_is_whole_and_asks_for_nothing(spec: Path) -> None:
    page = Page(render_runbook(planning.describe_runbook(spec))["runbook.html"])

    assert page.open == []
    assert len(page.ids) == len(set(page.ids))
    assert "script" not in page.tags
    assert [link for link in page.links if not link.startswith(("#", "data:"))] == []
    assert {link[1:] for link in page.links if link.startswith("#")} <= set(page.ids)


@pytest.mark.parametrize("spec", EXAMPLES, ids=lambda path: path.stem)
def test_every_check_has_an_entry(spec: Path) -> None:
    page = Page(render_runbook(planning.describe_runbook(spec))["runbook.html"])

    assert set(checks.all_ids()) <= set(page.ids)


def test_hosts_without_the_internet_have_their_bundle_checked_first(tmp_path: Path) -> None:
    text = (ROOT / "examples" / "self-hosted.yaml").read_text()
    spec = tmp_path / "spec.yaml"
    spec.write_text(text.replace('    version: "1.37"\n', '    version: "1.37"\n    bundle: kpo-bundle.tar.gz\n'))
    runbook = render_runbook(planning.describe_runbook(spec))["runbook.md"]

    assert "\nkpo-provision bundle verify kpo-bundle.tar.gz\n" in runbook
    assert runbook.index("bundle verify kpo-bundle.tar.gz\n") < runbook.index("kpo-provision apply spec.yaml --yes\n")


def test_command_writes_the_same_bytes_again(tmp_path: Path) -> None:
    spec = ROOT / "examples" / "gke.yaml"

    answers = [run("runbook", str(spec), "--out", str(tmp_path / name)) for name in ("a", "b")]

    assert [answer.returncode for answer in answers] == [0, 0]
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()


def test_many_tenants_with_the_same_terms_share_a_row(tmp_path: Path) -> None:
    tenants = {f"tenant-{number:04d}": {"extraCapacity": 10 + number % 2} for number in range(TENANTS)}

    text = render_runbook(planning.describe_runbook(write_spec(tmp_path, tenants=tenants)))["runbook.md"]

    rows = [line for line in text.splitlines() if re.search(r"\btenant-\d{4}, tenant-\d{4}", line) and line[0] == "|"]
    assert [line.count("tenant-") for line in rows] == [TENANTS // 2, TENANTS // 2]


def test_names_of_a_spec_break_neither_table_nor_page(tmp_path: Path) -> None:
    target = {"kubeconfig": {"context": "a|b<script>`c`", "version": "1.37"}}
    spec = yaml.safe_load((ROOT / "examples" / "quickstart.yaml").read_text())
    registries = {"local": spec["registries"]["local"] | {"credentials": {"dockerConfig": "x"}, "server": "r.acme.io"}}

    files = render_runbook(planning.describe_runbook(write_spec(tmp_path, target=target, registries=registries)))

    assert "script" not in Page(files["runbook.html"]).tags
    row = next(line for line in files["runbook.md"].splitlines() if line.startswith("| Cluster |"))
    assert len(re.findall(r"(?<!\\)\|", row)) == 3


def test_change_request_leaves_open_what_only_a_person_knows() -> None:
    files = render_runbook(planning.describe_runbook(ROOT / "examples" / "gke.yaml"))

    request = json.loads(files["change-request.json"])
    assert request["assigned_to"] is request["start_date"] is None
    assert any("destroy" in line for line in request["backout_plan"])


def test_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    answer = run("runbook", str(ROOT / "examples" / "gke.yaml"), "--out", str(tmp_path / "file" / "out"))

    assert answer.returncode == 2
    assert str(tmp_path / "file") in answer.stderr


def test_cost_says_what_is_paid_as_promised_and_at_most() -> None:
    text = render_runbook(planning.describe_runbook(ROOT / "examples" / "gke-sizing.yaml"))["runbook.md"]

    big = next(line for line in text.splitlines() if line.startswith("| big | spot"))
    # 3 and 6 nodes x $0.253643 x 730 h; the other pool is 1 of at most 3 nodes x $0.536048 x 730 h.
    assert big.endswith("| $555.48 for 3 nodes | $1,110.96 for 6 nodes |")
    assert "| Cost | $946.80 a month, with every promise used to the full; at most $2,284.91 a month, " in text


def test_pools_without_a_price_are_not_counted_as_free() -> None:
    assert sizing_amounts.render_months([2_000_000, None]) == "$1,460.00 a month, and 1 pool without a price"
    assert sizing_amounts.render_months([None]) == "price unknown"
