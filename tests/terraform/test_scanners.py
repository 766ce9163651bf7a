"""tflint and checkov find nothing in the root, the modules and the example that a sentence does not explain."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import commands
from tests.terraform.workspace import ROOT

ALONE = ["self-hosted-ec2-pool", "tenant"]
FOLDERS = [".", "examples/terraform", *sorted(str(p.parent.relative_to(ROOT)) for p in ROOT.glob("modules/*/main.tf"))]


@pytest.fixture(scope="session")
def scanners() -> Path:
    # The virtualenv that runs the tests may have the Go toolchain.
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "PYTHON": sys.executable}
    script = Path(__file__).with_name("install.sh")
    made = subprocess.run([script], env=environment, check=True, stdout=subprocess.PIPE, text=True)
    return Path(made.stdout.strip()) / "bin"


@pytest.mark.parametrize("folder", FOLDERS)
def test_tflint_finds_nothing(folder: str, scanners: Path) -> None:
    command = [scanners / "tflint", f"--chdir={folder}", f"--config={ROOT}/.tflint.hcl", "--no-color"]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (found.returncode, found.stdout) == (0, ""), found.stderr


def test_tflint_finds_nothing_in_what_is_rendered_for_terraform_cloud(scanners: Path, tmp_path: Path) -> None:
    remote = "{remote: {organization: acme, workspace: airflow}}"
    spec = (ROOT / "examples/gke.yaml").read_text().replace("{local: {}}", remote)
    tmp_path.joinpath("gke.yaml").write_text(spec)
    rendered = commands.run("render", "gke.yaml", "--for", "terraform-cloud", "--out", "out", cwd=tmp_path)
    assert rendered.returncode == 0, rendered.stderr
    command = [scanners / "tflint", f"--config={ROOT}/.tflint.hcl", "--no-color"]
    for part in ("infrastructure", "tenants"):
        found = subprocess.run(command, cwd=tmp_path / "out" / part, capture_output=True, text=True, check=False)
        assert (found.returncode, found.stdout) == (0, ""), found.stderr


@pytest.mark.parametrize(
    "where",
    [
        ["--directory=.", "--config-file=.checkov.yaml"],
        # By themselves: .checkov.yaml says why.
        *(
            [f"--directory=modules/{name}", "--framework=terraform", "--skip-path=tests", "--skip-download"]
            for name in ALONE
        ),
    ],
    ids=["root", *ALONE],
)
def test_checkov_finds_nothing_unexplained(where: list[str], scanners: Path) -> None:
    command = [scanners / "checkov", *where, "--compact", "--quiet"]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout
    assert "Failed checks: 0" in found.stdout
    assert "Passed checks: 0" not in found.stdout
