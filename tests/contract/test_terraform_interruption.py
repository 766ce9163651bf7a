"""Ctrl-C and kill -9 while the real Terraform binary works: the next run ends in the same state."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kpo_provision import errors, terraform
from tests.fakes import terraform_root
from tests.fakes.gke.stage import wait_for

CHAIN = """\
resource "terraform_data" "first" {}

resource "terraform_data" "second" {
  depends_on = [terraform_data.first]

  provisioner "local-exec" {
    command = "echo >>runs; if [ ! -e go ]; then touch go; %s; fi"
  }
}
"""
APPLY = """\
import os, pathlib, sys
from kpo_provision import progress, terraform
driver = terraform.Driver(
    terraform.Workspace(folder=pathlib.Path(sys.argv[1])), terraform.find_binary("terraform", environ=os.environ),
    environ=os.environ, progress=progress.Silent())
driver.apply(driver.plan())
"""


@pytest.fixture
def root(tmp_path):
    return terraform_root.Root(tmp_path)


def begin(root, trouble, *, listener=None):
    root.write(CHAIN % trouble)
    driver = root.drive(listener=listener)
    driver.init()
    return driver


def finish(root):
    """Run again, as a user would, and return how much there was left to do."""
    driver = root.drive(timeouts=terraform.Timeouts(lock_s=60))
    summary = driver.plan()
    driver.apply(summary)
    assert not driver.plan().has_changes
    return {change.address: change.kind.value for change in summary.changes}


def test_an_interruption_stops_terraform_cleanly_and_the_next_run_finishes(root):
    def interrupt(title):
        if title == "Create terraform_data.second":
            # Terraform announces a resource before it begins with it.
            wait_for(root.folder.joinpath("go").exists)
            raise KeyboardInterrupt

    told = terraform_root.Told(interrupt)
    driver = begin(root, "sleep 1000", listener=told)
    summary = driver.plan()
    with pytest.raises(KeyboardInterrupt):
        driver.apply(summary)
    assert "Create terraform_data.first" in told.done
    assert "Apply node pools" in told.failed
    # Terraform released its lock and kept what was made.
    left = finish(root)
    assert "terraform_data.first" not in left
    assert "terraform_data.second" in left


def test_terraform_killed_in_the_middle_is_told_and_the_next_run_finishes(root):
    driver = begin(root, "kill -9 $PPID")
    summary = driver.plan()
    with pytest.raises(errors.TerraformError, match=r"terraform apply failed in .*killed by signal 9"):
        driver.apply(summary)
    left = finish(root)
    assert "terraform_data.second" in left


def test_terraform_finishes_though_we_are_killed_and_the_next_run_waits_for_it(root):
    begin(root, "while [ ! -e release ]; do sleep 0.1; done")
    runner = subprocess.Popen([sys.executable, "-c", APPLY, str(root.folder)], cwd=Path(__file__).parents[2])
    try:
        while not root.folder.joinpath("go").exists():
            assert runner.poll() is None
            time.sleep(0.05)
    finally:
        runner.send_signal(signal.SIGKILL)
        runner.wait()
    with pytest.raises(errors.TerraformError, match="holds it for apply"):
        root.drive().plan()
    root.folder.joinpath("release").touch()
    assert finish(root) == {}
    assert root.folder.joinpath("runs").read_text() == "\n"
