"""The examples for clusters that are at hand, applied to the real one as a user does, and taken away again."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from kpo_provision import local, progress
from tests.commands import Answer, run

pytestmark = pytest.mark.cluster

EXAMPLES = Path(__file__).parents[2] / "examples"


class User:
    """Who has copied an example into a folder, and changed what is another at every site."""

    def __init__(self, folder: Path, example: str, changes: Mapping[str, str], environ: Mapping[str, str]) -> None:
        text = (EXAMPLES / example).read_text(encoding="utf-8")
        for old, new in changes.items():
            assert old in text
            text = text.replace(old, new)
        (folder / example).write_text(text, encoding="utf-8")
        self._folder = folder
        self._example = example
        self._environ = environ

    def run(self, command: str, *options: str) -> Answer:
        return run(command, self._example, *options, cwd=self._folder, environ=self._environ)


@pytest.fixture(scope="module")
def options() -> local.LocalOptions:
    home = Path(os.environ["KPO_TEST_KUBECONFIG"]).parent
    return local.LocalOptions.from_environment(os.environ | {"KPO_PROVISION_HOME": str(home)})


@pytest.fixture(params=["quickstart.yaml", "kubeconfig.yaml"])
def user(request: pytest.FixtureRequest, tmp_path: Path, options: local.LocalOptions) -> Iterator[User]:
    changes = {}
    if request.param == "kubeconfig.yaml":
        pool = local.PoolNode(pool="standard", labels={"workload": "kpo"}, taints=())
        local.ensure_pools(options, [pool], progress.Silent())
        changes = {
            "{context: airflow, ": f"{{path: {options.layout.kubeconfig}, ",
            "registry.acme.io": "registry.local:5000",
            "~/.docker/config.json": str(options.home / "registry" / "config.json"),
        }
    environ = os.environ | {"KPO_PROVISION_HOME": str(options.home), "KPO_PROVISION_CACHE": str(options.cache)}
    one = User(tmp_path, request.param, changes, environ)
    yield one
    one.run("destroy", "--yes")


def test_it_is_applied_proven_left_alone_and_removed(user: User) -> None:
    applied = user.run("apply")
    assert applied.returncode == 0, applied.stdout + applied.stderr
    assert "applied and verified" in applied.stdout

    assert user.run("plan").returncode == 0
    assert "no changes" in user.run("apply", "--no-verify").stdout

    removed = user.run("destroy", "--yes")
    assert removed.returncode == 0, removed.stdout + removed.stderr
    assert user.run("status").returncode == 8
