"""What the program alone says: the next command for the folder that it stands in, without asking anybody."""

import json
import shutil
from pathlib import Path

import pytest

from kpo_provision.cli.next_step import advise, find_specs
from tests.commands import run

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "notes.yaml").write_text("kind: Notes\n")
    return tmp_path


@pytest.fixture
def environ(tmp_path):
    return {"HOME": str(tmp_path), "KPO_PROVISION_HOME": str(tmp_path / "home")}


def commands(folder, environ):
    return [command for command, _ in advise(folder, environ=environ).commands]


def test_without_a_spec_one_is_written(folder, environ):
    assert find_specs(folder) == []
    assert commands(folder, environ)[0] == "kpo-provision init"


def test_a_spec_for_this_machine_is_applied(folder, environ):
    shutil.copy(EXAMPLES / "quickstart.yaml", folder / "kpo-provision.yaml")
    assert commands(folder, environ)[0].endswith("kpo-provision apply kpo-provision.yaml")
    (folder / "home").mkdir()
    (folder / "home/kubeconfig").write_text("")
    assert commands(folder, environ)[:2] == [
        "kpo-provision plan kpo-provision.yaml",
        "kpo-provision apply kpo-provision.yaml",
    ]


def test_who_is_not_root_gets_a_command_that_sudo_finds(folder, environ, monkeypatch):
    shutil.copy(EXAMPLES / "quickstart.yaml", folder / "kpo-provision.yaml")
    program = folder / ".venv/bin/kpo-provision"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert commands(folder, environ | {"PATH": str(program.parent)}) == [
        f"sudo {program} apply kpo-provision.yaml",
        "kpo-provision local up --simulated",
    ]
    monkeypatch.setattr("kpo_provision.cli.next_step._PATH_UNDER_SUDO", str(program.parent))
    assert commands(folder, environ)[0] == "sudo kpo-provision apply kpo-provision.yaml"


def test_a_spec_for_another_place_is_planned_first_and_looked_after_later(folder, environ):
    shutil.copy(EXAMPLES / "gke.yaml", folder)
    assert commands(folder, environ)[0] == "kpo-provision plan gke.yaml"
    (folder / ".kpo-provision/acme").mkdir(parents=True)
    assert commands(folder, environ)[0] == "kpo-provision status gke.yaml"


def test_a_spec_with_a_workspace_of_terraform_cloud_can_be_rendered_for_it(folder, environ):
    text = (EXAMPLES / "gke.yaml").read_text()
    remote = "backend: {remote: {organization: acme, workspace: airflow}}"
    (folder / "gke.yaml").write_text(text.replace("backend: {local: {}}", remote))
    assert commands(folder, environ)[-1] == "kpo-provision render gke.yaml --for terraform-cloud --out terraform"


def test_a_spec_that_is_wrong_is_validated(folder, environ):
    text = (EXAMPLES / "quickstart.yaml").read_text()
    (folder / "kpo-provision.yaml").write_text(text.replace("extraCapacity: 10", "extraCapacity: many"))
    advice = advise(folder, environ=environ)
    assert advice.state.startswith("kpo-provision.yaml has 1 problem: kpo-provision.yaml:")
    assert commands(folder, environ) == ["kpo-provision validate kpo-provision.yaml"]


def test_of_several_specs_the_one_with_the_usual_name_counts(folder, environ):
    for name in ("gke.yaml", "quickstart.yaml"):
        shutil.copy(EXAMPLES / name, folder)
    assert advise(folder, environ=environ).state == "There are 2 specs in this folder: gke.yaml, quickstart.yaml."
    shutil.copy(EXAMPLES / "gke.yaml", folder / "kpo-provision.yaml")
    assert commands(folder, environ)[0] == "kpo-provision plan kpo-provision.yaml"


def test_the_program_alone_says_it_and_that_is_no_error(folder):
    done = run(cwd=folder)
    assert done.returncode == 0
    assert "There is no spec in this folder yet." in done.stdout
    assert "kpo-provision init" in done.stdout


def test_machines_are_told_too(folder):
    done = run("-o", "json", cwd=folder)
    assert done.returncode == 0
    told = json.loads(done.stdout)
    assert told["schema"] == "kpo-provision/next-step/v1"
    assert told["next"][0] == {"command": "kpo-provision init", "purpose": told["next"][0]["purpose"]}


def test_the_format_of_a_command_goes_after_it(folder):
    done = run("-o", "json", "validate", "-o", "text", cwd=folder)
    assert (done.returncode, done.stdout) == (2, "")
    assert "kpo-provision validate -o json" in done.stderr
