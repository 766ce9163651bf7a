"""Each example is valid, is rendered, and shows what to do with it; between them they show every target."""

from pathlib import Path

import pytest

from kpo_provision.spec import load_spec
from kpo_provision.spec.model import Target
from tests.commands import run

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.yaml"))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_it_is_valid_and_rendered_as_it_stands(example: Path, tmp_path: Path) -> None:
    validated = run("validate", str(example))
    assert (validated.returncode, validated.stderr) == (0, "")

    rendered = run("render", str(example), "--out", str(tmp_path / "out"))

    assert (rendered.returncode, rendered.stderr) == (0, "")
    for tenant in load_spec(example).tenants:
        assert list((tmp_path / "out").rglob(f"*{tenant}*")), f"nothing of {tenant} was rendered"


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_it_says_first_what_it_is_for(example: Path) -> None:
    first = example.read_text(encoding="utf-8").splitlines()[0]
    assert first.startswith("# ")
    assert first.endswith(".")


def test_there_is_one_for_each_target() -> None:
    shown = {name for example in EXAMPLES for name in load_spec(example).target.model_fields_set}
    assert shown == set(Target.model_fields)
