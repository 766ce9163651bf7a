"""The wheel holds all that the commands need: templates, modules and the Terraform root."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from kpo_provision.runbook import pages

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    return built


def test_wheel_holds_templates_modules_and_the_root(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    wanted = [
        "kpo_provision/_assets/main.tf",
        *(f"kpo_provision/_assets/{path.relative_to(ROOT)}" for path in (ROOT / "modules").rglob("*.tf")),
        *(str(path.relative_to(ROOT)) for path in (ROOT / "kpo_provision/catalog/data").iterdir()),
        *(f"kpo_provision/_assets/{path.relative_to(ROOT)}" for path in (ROOT / "templates").rglob("*.*")),
        *(f"kpo_provision/_assets/{page}" for page in (pages.CHECKS_PAGE, pages.SECURITY_PAGE)),
    ]
    assert [name for name in wanted if name not in names] == []


def test_installed_wheel_renders_what_the_checkout_renders(wheel: Path, tmp_path: Path) -> None:
    installed = tmp_path / "installed"
    zipfile.ZipFile(wheel).extractall(installed)
    spec = ROOT / "examples" / "quickstart.yaml"
    for out, path in (("from-wheel", installed), ("from-checkout", ROOT)):
        command = [sys.executable, "-m", "kpo_provision", "render", str(spec), "--out", str(tmp_path / out)]
        environment = {**os.environ, "PYTHONPATH": str(path)}
        subprocess.run(command, check=True, capture_output=True, cwd=tmp_path, env=environment)
    assert _read(tmp_path / "from-wheel") == _read(tmp_path / "from-checkout") != {}


def _read(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
