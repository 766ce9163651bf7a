"""From a spec to the bytes of its folder. `pytest --update-golden` writes the folders anew, for review as a diff."""

from __future__ import annotations

from pathlib import Path

import pytest

from kpo_provision import render, sizing
from kpo_provision.render import folder
from kpo_provision.spec import load_spec

SPECS = sorted(Path(__file__).parent.glob("*/spec.yaml"))


@pytest.mark.parametrize("spec", SPECS, ids=lambda path: path.parent.name)
def test_folder_is_as_reviewed(spec: Path, request: pytest.FixtureRequest):
    bundle = render.render(sizing.size(load_spec(spec)))
    golden = spec.parent / "bundle"
    if request.config.getoption("--update-golden"):
        render.write_bundle(bundle, golden)
    reviewed = {path.relative_to(golden).as_posix(): path for path in golden.rglob("*") if path.is_file()}
    rendered = folder.render_files(bundle)
    assert sorted(rendered) == sorted(reviewed)
    for name, path in reviewed.items():
        assert rendered[name].encode() == path.read_bytes(), name
