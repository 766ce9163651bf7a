"""The command line: exit codes, streams and formats, as a process and within this one, and what it must not import."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import commands

MODULE = [sys.executable, "-m", "kpo_provision"]
COMMANDS = ["init", "validate", "schema", "size", "render", "plan", "apply", "verify", "status", "destroy", "catalog"]
COMMANDS += ["local"]
SUBCOMMANDS = {"local": ["up", "build", "down", "status"], "catalog": ["show", "refresh"], "size": ["node"]}


def run(*arguments: str, cwd: Path | None = None, **environ: str) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if k not in {"FORCE_COLOR", "NO_COLOR"}} | environ
    return subprocess.run([*MODULE, *arguments], capture_output=True, text=True, check=False, cwd=cwd, env=environment)


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    assert commands.run("init", "--target", "local", cwd=tmp_path).returncode == 0
    return tmp_path / "kpo-provision.yaml"


def test_help_names_every_command() -> None:
    answer = run("--help")
    assert answer.returncode == 0
    assert [name for name in COMMANDS if f"\n  {name} " not in answer.stdout] == []


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_an_example(name: str) -> None:
    answer = run(name, "--help")
    assert answer.returncode == 0
    assert "kpo-provision" in answer.stdout.split("Usage:")[1]
    subcommands = SUBCOMMANDS.get(name, [])
    for text in [run(name, sub, "--help").stdout for sub in subcommands] or [answer.stdout]:
        assert "Example" in text


def test_help_imports_nothing_heavy() -> None:
    answer = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "kpo_provision", "apply", "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    imported = {line.rsplit("|", 1)[-1].strip() for line in answer.stderr.splitlines()}
    heavy = {
        "kubernetes",
        "pydantic",
        "rich",
        "jinja2",
        "boto3",
        "google.auth",
        "requests",
        "yaml",
        "cryptography",
        "bcrypt",
        "websocket",
        "asyncio",
    }
    assert imported & heavy == set()


def test_unknown_command_suggests_the_nearest() -> None:
    answer = run("aply")
    assert answer.returncode == 2
    assert "apply" in answer.stderr
    assert answer.stdout == ""


def test_starter_spec_is_valid_as_it_stands(spec: Path) -> None:
    answer = run("validate", str(spec), "-o", "json")
    assert answer.returncode == 0
    assert json.loads(answer.stdout)["valid"] is True


def test_init_does_not_overwrite(spec: Path) -> None:
    before = spec.read_bytes()
    answer = run("init", str(spec))
    assert answer.returncode == 2
    assert "--force" in answer.stderr
    assert spec.read_bytes() == before


def test_spec_error_is_the_same_exit_code_in_both_formats(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("apiVersion: kpo-provision.io/v1\nkind: Instalation\n")
    text, document = (commands.run("validate", "bad.yaml", *how, cwd=tmp_path) for how in ((), ("-o", "json")))
    assert (text.returncode, document.returncode) == (2, 2)
    assert text.stdout == ""
    assert "bad.yaml:2:" in text.stderr
    problems = " ".join(f"{i['path']} {i['problem']}" for i in json.loads(document.stdout)["issues"])
    assert [word for word in ("kind", "metadata", "tenants", "target") if word not in problems] == []


@pytest.mark.parametrize("command", ["validate", "render", "plan", "apply", "verify", "status", "destroy"])
def test_missing_spec_is_one_sentence_and_exit_2(tmp_path: Path, command: str) -> None:
    out = ["--out", "out"] if command == "render" else []
    answer = commands.run(command, "gone.yaml", *out, cwd=tmp_path)
    assert answer.returncode == 2
    assert "gone.yaml" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_unreachable_cluster_is_exit_6_and_names_the_server(tmp_path: Path) -> None:
    (tmp_path / "config").write_text(
        "apiVersion: v1\nkind: Config\ncurrent-context: gone\n"
        "clusters: [{name: gone, cluster: {server: 'https://127.0.0.1:9'}}]\n"
        "contexts: [{name: gone, context: {cluster: gone, user: me}}]\n"
        "users: [{name: me, user: {token: canary-token}}]\n"
    )
    assert commands.run("init", "--target", "kubeconfig", cwd=tmp_path).returncode == 0
    environ = {**os.environ, "KUBECONFIG": str(tmp_path / "config"), "ACME_REGISTRY_PASSWORD": "x"}
    answer = commands.run("plan", cwd=tmp_path, environ=environ)
    assert answer.returncode == 6, answer.stderr
    assert "127.0.0.1:9" in answer.stderr
    assert "canary-token" not in answer.stderr + answer.stdout
    assert "Traceback" not in answer.stderr


def test_colour_only_where_it_is_wanted(tmp_path: Path) -> None:
    assert "\x1b[" not in run("validate", "gone.yaml", cwd=tmp_path).stderr
    assert "\x1b[" in run("validate", "gone.yaml", cwd=tmp_path, FORCE_COLOR="1").stderr
    assert "\x1b[" not in run("validate", "gone.yaml", cwd=tmp_path, FORCE_COLOR="1", NO_COLOR="1").stderr
    assert "\x1b[" not in run("validate", "gone.yaml", "--no-color", cwd=tmp_path, FORCE_COLOR="1").stderr
