"""A sizing as a person and as a machine reads it: the exact text and document, narrow, and without a float."""

import json
from pathlib import Path

import pytest

from kpo_provision import planning
from kpo_provision.report.layout import Layout
from kpo_provision.report.sizing_amounts import render_hour, render_memory, render_month
from kpo_provision.report.sizing_document import render_size_json
from kpo_provision.report.sizing_text import render_size_text
from kpo_provision.report.sizing_truth import describe_comparison, render_comparison
from kpo_provision.sizing.observed import Comparison, ObservedNode
from kpo_provision.sizing.pools import SizeOptions
from kpo_provision.sizing.resources import Resources

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "golden" / "sizing"
WIDTH = 80


@pytest.fixture
def size(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return planning.size_pools(ROOT / "examples" / "gke-sizing.yaml", SizeOptions())


def check_golden(request, name, found):
    golden = GOLDEN / name
    if request.config.getoption("--update-golden"):
        golden.write_text(found, encoding="utf-8")
    assert found == golden.read_text(encoding="utf-8")


def test_the_text_is_as_reviewed(request, size):
    check_golden(request, "gke.txt", render_size_text(size, layout=Layout(colour=False, width=WIDTH)))


def test_the_document_is_as_reviewed(request, size):
    check_golden(request, "gke.json", render_size_json(size) + "\n")


def test_no_line_is_wider_than_the_terminal(size):
    assert [
        line
        for line in render_size_text(size, layout=Layout(colour=False, width=WIDTH)).split("\n")
        if len(line) > WIDTH
    ] == []


def test_there_is_colour_only_where_it_is_wanted(size):
    assert "\x1b" not in render_size_text(size, layout=Layout(colour=False))
    assert "\x1b" in render_size_text(size, layout=Layout(colour=True))


def test_no_number_of_the_document_is_a_float(size):
    def refuse(text):
        raise AssertionError(text)

    assert json.loads(render_size_json(size), parse_float=refuse)["schema"] == "kpo-provision/size/v1"


def test_memory_is_written_in_every_unit_that_is_mistaken_for_another():
    assert render_memory(13 * 1024 * 1024) == "13,631,488 KiB = 13.000 GiB = 13.959 GB"


def test_money_is_rounded_up_to_a_cent_and_never_looks_free():
    assert render_month(1) == "$0.01"
    assert render_month(388_450) == "$283.57"
    assert render_hour(388_450) == "$0.38845"
    assert render_hour(12_000_000) == "$12.0000"
    assert render_month(None) == "price unknown"


TRUTH = ObservedNode(
    name="pool-1",
    pool="standard",
    machine_type="",
    architecture="amd64",
    version="v1.37.2",
    capacity=Resources(cpu_milli=2000, memory_ki=4_000_000, pods=110),
    allocatable=Resources(cpu_milli=2000, memory_ki=3_897_600, pods=110),
    overhead=Resources(cpu_milli=50, memory_ki=1024, pods=1),
)


def test_a_truth_without_a_model_says_what_is_missing():
    lines = render_comparison(Comparison(nodes=3, truth=TRUTH, model=None, is_capacity_predicted=False))
    assert lines[0] == "pool standard: 3 nodes like pool-1, kubelet v1.37.2"
    assert "sizing.platform" in lines[1]
    assert any(line.split() == ["allocatable", "KiB", "3,897,600", "-"] for line in lines)


def test_the_difference_of_model_and_truth_is_shown_with_its_sign(size):
    model = size.pools[0].shape
    comparison = Comparison(nodes=1, truth=TRUTH, model=model, is_capacity_predicted=True)
    difference = model.allocatable.cpu_milli - 2000
    assert any(line.endswith(f"{difference:+,}") for line in render_comparison(comparison))
    document = describe_comparison(comparison)
    assert document["truth"]["allocatableCpuMilli"] == 2000
    assert document["model"]["allocatableCpuMilli"] == model.allocatable.cpu_milli
