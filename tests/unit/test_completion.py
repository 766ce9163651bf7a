"""What shells complete: asked as they ask, in a real bash, with the script that the command prints."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ASK = """\
source completion.bash
COMP_WORDS=({words})
COMP_CWORD={place}
_kpo_provision_completion kpo-provision
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


@pytest.fixture
def folder(tmp_path):
    shutil.copy(ROOT / "examples/quickstart.yaml", tmp_path / "quickstart.yaml")
    shutil.copy(ROOT / "examples/quickstart.yaml", tmp_path / "kpo-provision.yaml")
    (tmp_path / "notes.txt").write_text("")
    (tmp_path / "deploy").mkdir()
    program = tmp_path / "bin" / "kpo-provision"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -m kpo_provision "$@"\n')
    program.chmod(0o755)
    return tmp_path


def run(folder, *argv):
    environ = {"PATH": f"{folder / 'bin'}:/usr/bin:/bin", "HOME": str(folder)}
    return subprocess.run(argv, cwd=folder, env=environ, capture_output=True, text=True, check=True).stdout


def complete(folder, *words):
    (folder / "completion.bash").write_text(run(folder, "kpo-provision", "completion", "bash"))
    text = ASK.format(words=" ".join(f"'{word}'" for word in ("kpo-provision", *words)), place=len(words))
    return run(folder, "bash", "-c", text).split()


def test_commands_are_completed(folder):
    assert complete(folder, "ver") == ["verify"]
    assert complete(folder, "token", "") == ["rotate"]


def test_options_and_their_values_are_completed(folder):
    assert complete(folder, "apply", "--pru") == ["--prune"]
    assert complete(folder, "init", "--target", "self") == ["selfHosted"]


def test_specs_are_completed_and_other_files_are_not(folder):
    assert complete(folder, "apply", "") == ["bin/", "deploy/", "kpo-provision.yaml", "quickstart.yaml"]
    assert complete(folder, "apply", "qu") == ["quickstart.yaml"]


def test_tenants_of_the_spec_are_completed(folder):
    assert complete(folder, "verify", "--tenant", "fri") == ["frigid-vacuum-0996"]
    assert complete(folder, "verify", "quickstart.yaml", "--tenant", "so") == ["solar-orbit-4143"]


def test_a_spec_that_cannot_be_read_offers_nothing(folder):
    (folder / "kpo-provision.yaml").write_text("tenants: [")
    assert complete(folder, "verify", "--tenant", "") == []


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_have_a_script_too(folder, shell):
    assert "kpo-provision" in run(folder, "kpo-provision", "completion", shell)
