"""``init``: by flags, and as a dialogue with somebody at a real terminal."""

import os
import pty
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kpo_provision.spec import load_spec
from tests.commands import run

ROOT = Path(__file__).parents[2]
KUBECONFIG = """\
apiVersion: v1
kind: Config
current-context: prod
contexts:
- {name: staging, context: {cluster: a, user: a}}
- {name: prod, context: {cluster: b, user: b}}
"""
_PATIENCE_S = 60


class Terminal:
    """Somebody who reads what a program asks, and types."""

    def __init__(self, folder, *arguments):
        self.seen = ""
        self._main, other = pty.openpty()
        environ = {**os.environ, "PYTHONPATH": str(ROOT), "HOME": str(folder), "KUBECONFIG": str(folder / "config")}
        argv = [sys.executable, "-m", "kpo_provision", "init", *arguments]
        self._process = subprocess.Popen(
            argv, cwd=folder, env=environ, stdin=other, stdout=other, stderr=other, close_fds=True
        )
        os.close(other)

    def answer(self, question, text=""):
        """Wait for a question, and type a line."""
        start = len(self.seen)
        deadline = time.monotonic() + _PATIENCE_S
        while question not in self.seen[start:]:
            assert time.monotonic() < deadline, self.seen
            self._read()
        os.write(self._main, f"{text}\n".encode())

    def end(self):
        """Read on until the program ends; returns its exit code."""
        deadline = time.monotonic() + _PATIENCE_S
        while self._process.poll() is None and time.monotonic() < deadline:
            self._read()
        self._read()
        os.close(self._main)
        return self._process.wait(timeout=1)

    def _read(self):
        if select.select([self._main], [], [], 0.2)[0]:
            try:
                self.seen += os.read(self._main, 65536).decode(errors="replace")
            except OSError:  # the program has ended
                time.sleep(0.05)


def test_the_dialogue_writes_what_was_answered_and_looks_at_the_target(tmp_path):
    (tmp_path / "config").write_text(KUBECONFIG)
    terminal = Terminal(tmp_path)
    terminal.answer("Where to install", "kubeconfig")
    terminal.answer("Context (prod, staging) [prod]", "staging")
    terminal.answer("Name of the installation [acme]", "data")
    terminal.answer("First tenant", "nightly-etl")
    terminal.answer("in AU", "200")
    assert terminal.end() == 0
    spec = load_spec(tmp_path / "kpo-provision.yaml")
    assert spec.metadata.name == "data"
    assert spec.target.kubeconfig.context == "staging"
    assert spec.tenants["nightly-etl"].extra_capacity == 200
    assert "before it can be applied:" in terminal.seen
    assert "next: kpo-provision apply kpo-provision.yaml" in terminal.seen


def test_enter_takes_what_is_in_brackets_and_nonsense_is_asked_again(tmp_path):
    terminal = Terminal(tmp_path)
    terminal.answer("Where to install (local, kubeconfig, gke, selfHosted) [local]", "moon")
    terminal.answer("Where to install", "gke")
    terminal.answer("Name of the installation", "Not A Label")
    terminal.answer("Name of the installation")
    terminal.answer("First tenant")
    terminal.answer("in AU", "-1")
    terminal.answer("in AU")
    assert terminal.end() == 0
    spec = load_spec(tmp_path / "kpo-provision.yaml")
    assert (spec.metadata.name, spec.tenants["frigid-vacuum-0996"].extra_capacity) == ("acme", 10)
    assert spec.target.gke is not None


@pytest.mark.parametrize("arguments", [["--no-input"], ["--target", "local"]])
def test_nothing_is_asked_of_who_does_not_want_it(arguments, tmp_path):
    terminal = Terminal(tmp_path, *arguments)
    assert terminal.end() == 0
    assert "Where to install" not in terminal.seen
    assert load_spec(tmp_path / "kpo-provision.yaml").target.local is not None


def test_without_a_terminal_nothing_is_asked(tmp_path):
    done = run("init", "--tenant", "a-b", "--capacity", "3", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "next: kpo-provision apply kpo-provision.yaml\n")
    assert load_spec(tmp_path / "kpo-provision.yaml").tenants["a-b"].extra_capacity == 3


@pytest.mark.parametrize("tenant", ["no", "true", "1e3", "0755"])
def test_a_tenant_whose_name_could_be_something_else_is_quoted(tenant, tmp_path):
    assert run("init", "--tenant", tenant, cwd=tmp_path).returncode == 0
    assert tenant in load_spec(tmp_path / "kpo-provision.yaml").tenants


def test_a_name_that_is_none_writes_nothing(tmp_path):
    done = run("init", "--tenant", "Not_A_Label", cwd=tmp_path)
    assert done.returncode == 2
    assert "tenants.Not_A_Label" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_what_is_in_the_way_is_told_and_the_spec_is_written(tmp_path):
    environ = {**os.environ, "KUBECONFIG": str(tmp_path / "none")}
    done = run("init", "--target", "kubeconfig", "--check", "-o", "json", cwd=tmp_path, environ=environ)
    assert done.returncode == 0
    assert "there is no kubeconfig" in done.stdout
    assert (tmp_path / "kpo-provision.yaml").exists()


def test_a_first_spec_for_gke_shows_the_way_to_terraform_cloud(tmp_path):
    assert run("init", "--target", "gke", cwd=tmp_path).returncode == 0
    path = tmp_path / "kpo-provision.yaml"
    lines = path.read_text().replace("# backend:", "backend:").replace("#   remote:", "  remote:")
    path.write_text(lines)
    assert load_spec(path).target.gke.backend.remote is not None
    assert "--for terraform-cloud --out terraform" in run(cwd=tmp_path).stdout

    rendered = run("render", "--for", "terraform-cloud", "--out", "terraform", cwd=tmp_path)

    assert rendered.returncode == 0, rendered.stderr
    assert (tmp_path / "terraform/README.md").exists()
