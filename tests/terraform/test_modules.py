"""The modules by themselves: form, types, their own tests, and documentation that says what is there."""

import re
import shutil
from pathlib import Path

import pytest

from tests.terraform.tables import BEGIN, END, read_variables, render_tables
from tests.terraform.workspace import ROOT, Workspace

MODULES = sorted(path.name for path in (ROOT / "modules").iterdir() if path.is_dir())


def test_hcl_is_formatted(tmp_path: Path, mirror: Path) -> None:
    terraform = Workspace(tmp_path, mirror)
    files = [ROOT / "modules", ROOT / "examples", ROOT / "templates", *ROOT.glob("*.tf")]
    found = terraform.run("fmt", "-check", "-recursive", "-list=true", *map(str, files), check=False)
    assert (found.returncode, found.stdout) == (0, "")


def test_root_is_valid_and_says_only_what_the_provider_knows(initialised: Path, mirror: Path) -> None:
    assert "Success!" in Workspace(initialised, mirror).run("validate", "-no-color").stdout


@pytest.mark.parametrize("module", MODULES)
def test_module_passes_its_own_tests(module: str, tmp_path: Path, mirror: Path) -> None:
    left = shutil.ignore_patterns(".terraform*")
    shutil.copytree(ROOT / "modules", tmp_path / "modules", ignore=left)
    terraform = Workspace(tmp_path / "modules" / module, mirror)
    terraform.run("init", "-input=false")
    passed = terraform.run("test", "-no-color")
    assert "0 failed" in passed.stdout


@pytest.mark.parametrize("module", MODULES)
def test_every_rule_of_a_module_has_a_run_that_it_refuses(module: str) -> None:
    folder = ROOT / "modules" / module
    source = "".join(path.read_text() for path in folder.glob("*.tf"))
    tests = "".join(path.read_text() for path in folder.glob("tests/*.hcl"))
    rules = len(re.findall(r"^ *(?:validation|precondition|postcondition) \{", source, re.MULTILINE))
    assert tests.count("expect_failures") >= rules


def test_root_hands_the_modules_what_they_ask_for() -> None:
    root = read_variables(ROOT)
    pools = read_variables(ROOT / "modules/gke-node-pool")
    assert {name: root[name].type for name in ("artifact_registries", "node_pools", "service_account")} == {
        name: pools[name].type for name in ("artifact_registries", "node_pools", "service_account")
    }
    settings = read_variables(ROOT / "modules/gke-cluster")["settings"].type
    own = ("    create ", "    name ")
    assert [line.split() for line in root["cluster"].type.splitlines() if not line.startswith(own)] == [
        line.split() for line in settings.splitlines()
    ]


@pytest.mark.parametrize(
    ("folder", "page"),
    [
        *((f"modules/{name}", f"modules/{name}/README.md") for name in MODULES),
        ("examples/terraform", "examples/terraform/README.md"),
        (".", "modules/README.md"),
    ],
)
def test_readme_lists_variables_and_outputs(folder: str, page: str, request: pytest.FixtureRequest) -> None:
    readme = ROOT / page
    text = readme.read_text()
    head, rest = text.split(BEGIN)
    expected = head + BEGIN + render_tables(ROOT / folder) + END + rest.split(END)[1]
    if request.config.getoption("--update-golden"):
        readme.write_text(expected)
    assert readme.read_text() == expected
