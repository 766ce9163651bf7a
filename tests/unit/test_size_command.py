"""``kpo-provision size`` as a command: a spec or one node, exit codes, and never a traceback."""

import json
import os
from pathlib import Path

import pytest

from tests import commands

ROOT = Path(__file__).parents[2]
EXAMPLE = str(ROOT / "examples" / "gke-sizing.yaml")
LOCAL = str(ROOT / "examples" / "quickstart.yaml")


@pytest.fixture
def run(tmp_path):
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path), "COLUMNS": "80"}

    def run_size(*arguments):
        answer = commands.run("size", *arguments, cwd=tmp_path, environ=environment)
        assert "Traceback" not in answer.stderr
        return answer

    return run_size


def test_help_shows_the_options_of_a_spec_and_the_command_for_a_node(run):
    answer = run("--help")
    assert answer.returncode == 0
    for words in ("size [OPTIONS] [SPEC]", "--compare N", "--observe", "node  Work out one node", "Examples:"):
        assert words in answer.stdout


def test_a_spec_may_come_before_and_after_options(run):
    first = run(EXAMPLE, "--pool", "big", "-o", "json")
    last = run("-o", "json", "--pool", "big", EXAMPLE)
    assert first.returncode == last.returncode == 0
    assert first.stdout == last.stdout
    assert [pool["name"] for pool in json.loads(first.stdout)["pools"]] == ["big"]


def test_one_node_is_a_command_of_its_own(run):
    answer = run("node", "--platform", "gke", "--machine", "n1-standard-4", "-o", "json")
    assert answer.returncode == 0
    assert json.loads(answer.stdout)["allocatableCpuMilli"] == 3920


def test_alternatives_are_as_many_as_asked_for(run):
    for count in (0, 5):
        [pool] = json.loads(run(EXAMPLE, "--pool", "standard", "--compare", str(count), "-o", "json").stdout)["pools"]
        assert len(pool["alternatives"]) == count


def test_without_a_spec_the_usual_file_is_read(run):
    answer = run()
    assert answer.returncode == 2
    assert "kpo-provision.yaml" in answer.stderr


@pytest.mark.parametrize(
    ("arguments", "exit_code", "words"),
    [
        ((LOCAL,), 3, "sizing.platform"),
        ((EXAMPLE, "--pool", "standrad"), 2, "did you mean standard?"),
        ((EXAMPLE, "--platform", "gcp"), 2, "is not one of"),
        ((EXAMPLE, "--version", "1.99"), 3, "1.99"),
        ((EXAMPLE, "--version", "latest"), 3, "latest"),
        ((EXAMPLE, "--version", ""), 3, "version"),
        ((EXAMPLE, "--platform", "eks"), 3, "n2"),
        ((EXAMPLE, "--compare", "-1"), 2, "range"),
    ],
)
def test_what_cannot_be_sized_is_refused_with_its_exit_code_in_both_formats(run, arguments, exit_code, words):
    for extra in ((), ("-o", "json")):
        answer = run(*arguments, *extra)
        assert answer.returncode == exit_code
        assert words in answer.stderr
    assert json.loads(answer.stdout)["exitCode"] == exit_code
