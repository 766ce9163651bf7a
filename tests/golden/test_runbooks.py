"""The runbook of each kind of target, as reviewed. `pytest --update-golden` writes the files anew."""

from __future__ import annotations

from pathlib import Path

import pytest

from kpo_provision import planning
from kpo_provision.runbook import render_runbook

ROOT = Path(__file__).parents[2]
GOLDEN = Path(__file__).parent / "runbook"
SPECS = {
    "local": ROOT / "examples" / "quickstart.yaml",
    "gke": ROOT / "examples" / "gke.yaml",
    "selfHosted": ROOT / "examples" / "self-hosted.yaml",
    "selfHosted-ec2": ROOT / "examples" / "self-hosted-ec2.yaml",
    "kubeconfig": ROOT / "examples" / "gke-sizing.yaml",
}


@pytest.mark.parametrize("kind", SPECS)
def test_runbook_is_as_reviewed(kind: str, request: pytest.FixtureRequest) -> None:
    files = render_runbook(planning.describe_runbook(SPECS[kind]))
    # The page is made from the Markdown, by templates that tests of their own look at.
    reviewed = {name: text for name, text in files.items() if name != "runbook.html"}
    folder = GOLDEN / kind
    if request.config.getoption("--update-golden"):
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in reviewed.items():
            (folder / name).write_text(text, encoding="utf-8")

    assert sorted(reviewed) == sorted(path.name for path in folder.iterdir())
    for name, text in reviewed.items():
        assert text == (folder / name).read_text(encoding="utf-8"), name
