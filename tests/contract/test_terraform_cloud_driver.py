"""The driver and the real Terraform binary against a played Terraform Cloud, whose runs are real ones."""

import shutil
import signal
import threading

import pytest

from kpo_provision import errors, terraform
from tests.fakes import terraform_root
from tests.fakes.gke.stage import wait_for
from tests.fakes.terraform_cloud import Simulator, make_environment

CLOUD = {"cloud": {"organization": "acme", "workspaces": {"name": "infra"}}}
ONE = """\
variable "size" {
  type = number
}

resource "terraform_data" "pool" {
  input = var.size
}

output "size" {
  value = terraform_data.pool.output
}
"""
SLOW = """\
resource "terraform_data" "pool" {
  provisioner "local-exec" {
    command = "touch FOLDER/started; while [ ! -e FOLDER/release ]; do sleep 0.1; done"
  }
}
"""
FAILS = """\
resource "terraform_data" "pool" {
  provisioner "local-exec" {
    command = "exit 3"
  }
}
"""
IMPOSSIBLE = """\
variable "size" {
  type = number
}

resource "terraform_data" "pool" {
  lifecycle {
    precondition {
      condition     = var.size > 3
      error_message = "size (${var.size}) must be more than 3."
    }
  }
}
"""
SECRET = "hunter2-registry"


@pytest.fixture
def cloud():
    with Simulator() as simulator:
        yield simulator


class Site:
    def __init__(self, folder, simulator):
        self.root = terraform_root.Root(folder, CLOUD)
        self.environ = make_environment(folder, simulator)

    def begin(
        self, text, *, program="terraform", listener=None, timeouts=terraform_root.QUICK, ephemeral=None, **variables
    ):
        workspace = self.root.write(text, **variables)
        driver = terraform.Driver(
            workspace,
            terraform.find_binary(program, environ=self.environ),
            environ=self.environ,
            progress=listener or terraform_root.Told(),
            timeouts=timeouts,
            ephemeral=ephemeral,
        )
        driver.init()
        return driver


@pytest.fixture
def site(tmp_path, cloud):
    return Site(tmp_path, cloud)


def slow(folder):
    return SLOW.replace("FOLDER", str(folder))


def last_run(cloud):
    return list(cloud.world.runs.values())[-1]


@pytest.mark.parametrize("mode", ["remote", "local"])
def test_what_is_planned_is_applied_and_then_there_is_nothing_to_do(site, cloud, mode):
    cloud.world.make_workspace("infra", execution_mode=mode)
    told = terraform_root.Told()
    driver = site.begin(ONE, listener=told, size=2)
    sketch = driver.sketch()
    assert [(change.address, change.kind.value) for change in sketch.changes] == [("terraform_data.pool", "create")]
    driver.apply(sketch)
    assert driver.read_outputs().require("size") == 2
    assert not driver.plan().has_changes
    assert not cloud.world.workspaces["infra"].holder
    assert len(cloud.world.runs) == {"remote": 2, "local": 0}[mode]
    assert any(title.startswith("Follow https://app.terraform.io/app/acme/infra/runs/") for title in told.done) == (
        mode == "remote"
    )
    driver.apply(driver.plan(destroy=True))
    assert driver.read_outputs().values == {}


def test_a_busy_cloud_is_asked_again(site, cloud):
    driver = site.begin(ONE, size=2)
    cloud.busy = 3
    driver.apply(driver.plan())
    assert last_run(cloud).status == "applied"


def test_only_the_configuration_is_uploaded(site, cloud):
    driver = site.begin(ONE, size=2)
    for name in ("secret.env", "terraform.tfstate.backup", "run.tfplan", "lock"):
        site.root.folder.joinpath(name).write_text(SECRET)
    driver.sketch()
    assert cloud.world.find('resource "terraform_data" "pool"') == ["plans", "uploads"]
    assert cloud.world.find(SECRET) == []


def test_modules_are_uploaded_with_the_root_and_run(site, cloud):
    module = site.root.source / "modules" / "pool"
    module.joinpath("scripts").mkdir(parents=True)
    module.joinpath("main.tf").write_text('output "said" {\n  value = file("${path.module}/scripts/say.sh")\n}\n')
    module.joinpath("scripts", "say.sh").write_text("echo hello")
    text = 'module "pool" {\n  source = "./modules/pool"\n}\n\noutput "said" {\n  value = module.pool.said\n}\n'
    driver = site.begin(text)
    driver.apply(driver.plan())
    assert last_run(cloud).status == "applied"
    assert driver.read_outputs().require("said") == "echo hello"


def test_a_plan_that_fails_says_why_and_where_to_look(site):
    with pytest.raises(errors.TerraformError, match=r"size \(1\) must be more than 3") as caught:
        site.begin(IMPOSSIBLE, size=1).plan()
    caught.match("terraform plan failed")
    assert "app.terraform.io/app/acme/infra/runs/run-" in caught.value.hint


def test_an_apply_that_fails_says_why_and_where_to_look(site, cloud):
    driver = site.begin(FAILS)
    with pytest.raises(errors.TerraformError, match=r"local-exec provisioner error.*exit status 3") as caught:
        driver.apply(driver.plan())
    assert last_run(cloud).status == "errored"
    assert "app.terraform.io/app/acme/infra/runs/run-" in caught.value.hint


@pytest.mark.parametrize("how", ["canceled", "discarded"])
def test_a_plan_that_somebody_ends_is_not_applied(site, cloud, how):
    driver = site.begin(ONE, size=2)
    summary = driver.plan()
    cloud.world.end(last_run(cloud), how)
    wait_for(lambda: last_run(cloud).status == how)
    with pytest.raises(errors.TerraformError, match=f"Saved plan is {how}"):
        driver.apply(summary)


def test_a_run_that_somebody_cancels_while_it_applies_is_no_success(site, cloud, tmp_path):
    driver = site.begin(slow(tmp_path))
    summary = driver.plan()

    def cancel():
        wait_for(tmp_path.joinpath("started").exists)
        cloud.world.end(last_run(cloud), "canceled")
        tmp_path.joinpath("release").touch()

    canceller = threading.Thread(target=cancel)
    canceller.start()
    try:
        with pytest.raises(errors.TerraformError) as caught:
            driver.apply(summary)
    finally:
        canceller.join()
    assert last_run(cloud).status == "canceled"
    assert "app.terraform.io/app/acme/infra/runs/run-" in caught.value.hint


def test_a_run_that_did_not_apply_is_no_success_though_terraform_ends_well(site, tmp_path):
    """Terraform ends so when a run that needs nobody's yes is cancelled (1.11.4, seen 2026-11-26)."""
    lenient = tmp_path / "lenient"
    lenient.write_text(f'#!/bin/sh\n[ "$1" = apply ] || exec {shutil.which("terraform")} "$@"\n')
    lenient.chmod(0o755)
    driver = site.begin(ONE, program=str(lenient), size=2)
    with pytest.raises(errors.TerraformError, match="the run in Terraform Cloud is planned and saved, not applied"):
        driver.apply(driver.plan())


def test_ctrl_c_stops_following_and_the_run_goes_on(site, cloud, tmp_path):
    driver = site.begin(slow(tmp_path))
    summary = driver.plan()

    def interrupt():
        wait_for(tmp_path.joinpath("started").exists)
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

    presser = threading.Thread(target=interrupt)
    presser.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            driver.apply(summary)
    finally:
        presser.join()
    assert last_run(cloud).status == "applying"
    tmp_path.joinpath("release").touch()
    wait_for(lambda: last_run(cloud).status == "applied")


def test_a_workspace_that_is_locked_here_is_told(site, cloud):
    workspace = cloud.world.make_workspace("infra", execution_mode="local")
    driver = site.begin(ONE, size=2)
    cloud.world.hold(workspace, "somebody else")
    with pytest.raises(errors.TerraformError, match="locked") as caught:
        driver.plan()
    assert caught.value.retryable
    assert "unlock" in caught.value.hint


def test_a_workspace_of_version_control_is_refused_with_a_way_out(site, cloud):
    cloud.world.make_workspace("infra", repository="acme/airflow")
    driver = site.begin(ONE, size=2)
    with pytest.raises(errors.TerraformError, match="VCS connection") as caught:
        driver.plan()
    assert "start with a commit" in caught.value.hint
    assert not cloud.world.runs


def test_somebody_who_is_not_logged_in_is_told(site):
    del site.environ["TF_TOKEN_app_terraform_io"]
    with pytest.raises(errors.TerraformError) as caught:
        site.begin(ONE, size=2)
    assert "terraform login" in caught.value.hint


def test_hosts_are_not_joined_from_the_cloud(site):
    driver = site.begin(ONE, ephemeral={"join_token": "none"}, size=2)
    with pytest.raises(errors.TerraformError, match="neither your SSH keys") as caught:
        driver.plan()
    assert "execution mode to Local" in caught.value.hint
