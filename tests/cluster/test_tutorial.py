"""The tutorial, typed from beginning to end by a newcomer with a machine to break; what it shows is compared."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from kpo_provision import local, progress
from tests.conftest import free_port

pytestmark = pytest.mark.machine

ROOT = Path(__file__).parents[2]
TUTORIAL = ROOT / "docs/tutorial.md"
OMITTED = "…"
_BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_EVERY_TIME_ANOTHER = (
    (re.compile(r"127\.0\.0\.1:\d+"), "127.0.0.1:PORT"),
    (re.compile(r"\bkpo-probe([- ])[0-9a-f]{8}\b"), r"kpo-probe\1ID"),
    (re.compile(r"\b\d+(\.\d+)? ?m?s\b"), "TIME"),
)


class Newcomer:
    """One shell, from which all commands are typed."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._shell = subprocess.Popen(
            ["bash"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=environment,
        )

    def type(self, command: str) -> list[str]:
        """Type a command, and return the lines that it prints to stdout. ``$?`` is its exit code for the next one."""
        assert self._shell.stdin
        assert self._shell.stdout
        end = "-- the command has ended --"
        self._shell.stdin.write(f"{command}\n(code=$?; echo; echo {shlex.quote(end)}; exit $code)\n")
        self._shell.stdin.flush()
        lines: list[str] = []
        for line in self._shell.stdout:
            if line == f"{end}\n":
                return lines[:-1] if lines[-1:] == [""] else lines
            lines.append(line.rstrip("\n"))
        raise AssertionError(f"the shell ended at: {command}")

    def leave(self) -> None:
        self._shell.communicate()


@pytest.fixture
def newcomer(tmp_path: Path) -> Iterator[Newcomer]:
    home = Path(tempfile.mkdtemp(prefix="kpo-tutorial-"))
    cache = local.LocalOptions.from_environment(os.environ).cache
    options = local.LocalOptions(home=home, cache=cache, api_port=free_port(), registry_port=free_port())
    program = tmp_path / "bin" / "kpo-provision"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m kpo_provision "$@"\n')
    program.chmod(0o755)
    typing = Newcomer(
        {name: value for name, value in os.environ.items() if name != "COLUMNS"}  # which processes of tests have
        | {
            "PATH": f"{program.parent}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "KPO_PROVISION_HOME": str(home),
            "KPO_PROVISION_CACHE": str(cache),
            "KPO_PROVISION_API_PORT": str(options.api_port),
            "KPO_PROVISION_REGISTRY_PORT": str(options.registry_port),
        }
    )
    typing.type(f"cd {shlex.quote(str(tmp_path))}")
    yield typing
    typing.leave()
    local.down(options, progress.Silent(), purge=True)
    shutil.rmtree(home, ignore_errors=True)


def test_the_tutorial_goes_as_it_says(newcomer: Newcomer, tmp_path: Path) -> None:
    steps = list(read_steps(TUTORIAL.read_text(encoding="utf-8")))
    assert len(steps) > 15
    home = newcomer.type("echo $KPO_PROVISION_HOME")[0]
    cache = newcomer.type("echo $KPO_PROVISION_CACHE")[0]
    for command, expected in steps:
        here = command.replace("/tmp/my-airflow", str(tmp_path / "my-airflow"))
        here = here.replace("/var/lib/kpo-provision/local", home).replace("$HOME/.cache/kpo-provision", cache)
        printed = newcomer.type(here)
        assert matches(expected, printed), "\n".join([f"$ {here}", *printed, "", "the tutorial says:", *expected])


def read_steps(page: str) -> Iterator[tuple[str, list[str]]]:
    """Read the commands of a page, each with the lines that it is said to print."""
    for block in _BLOCK.findall(page):
        for step in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, *expected = step.rstrip("\n").split("\n")
            yield command, expected


def matches(expected: list[str], printed: list[str]) -> bool:
    """Judge lines, of which those at ``…`` are left out, and without what is another every time."""
    pattern = "".join(
        r"(?:.*\n)*?" if line == OMITTED else re.escape(_without_accidents(line)) + r"\n" for line in expected
    )
    return re.fullmatch(pattern, "".join(f"{_without_accidents(line)}\n" for line in printed)) is not None


def _without_accidents(line: str) -> str:
    for pattern, name in _EVERY_TIME_ANOTHER:
        line = pattern.sub(name, line)
    return re.sub(r" +", " ", line).strip()


def test_a_line_that_the_tutorial_does_not_show_is_noticed() -> None:
    assert matches(["a", OMITTED, "c 1.5 s"], ["a", "b", "c 20 ms"])
    assert not matches(["a", "c"], ["a", "b", "c"])
    assert not matches(["a"], ["a", "b"])
    assert not matches(["√ 30 checks passed"], ["√ 29 checks passed"])
