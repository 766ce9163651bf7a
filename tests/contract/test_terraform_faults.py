"""What can go wrong with the real Terraform binary: each fault is one sentence and a hint."""

import json
import os
import threading

import pytest

from kpo_provision import errors, terraform
from tests.fakes import terraform_root

ONE = 'resource "terraform_data" "pool" {}\n'
SLOW = """\
resource "terraform_data" "pool" {
  provisioner "local-exec" {
    command = "touch started; while [ ! -e release ]; do sleep 0.1; done"
  }
}
"""
PRECONDITION = """\
variable "size" {
  type = number
}

resource "terraform_data" "pool" {
  lifecycle {
    precondition {
      condition     = var.size > 3
      error_message = "size (${var.size}) must be more than 3, says opensesame."
    }
  }
}
"""


@pytest.fixture
def root(tmp_path):
    return terraform_root.Root(tmp_path)


def begin(root, text, *, timeouts=terraform_root.QUICK, environ=os.environ, **variables):
    root.write(text, **variables)
    driver = root.drive(timeouts=timeouts, environ=environ)
    driver.init()
    return driver


def edit_state(root, **changes):
    state = root.folder / "terraform.tfstate"
    state.write_text(json.dumps({**json.loads(state.read_text()), **changes}))


def make_program(folder, text):
    program = folder / "terraform"
    program.write_text(f"#!/bin/sh\n{text}\n")
    program.chmod(0o755)
    return str(program)


def test_a_precondition_that_fails_is_told_in_its_own_words_without_secrets(root):
    driver = begin(root, PRECONDITION, environ={**os.environ, "MY_TOKEN": "opensesame"}, size=1)
    with pytest.raises(errors.TerraformError, match=r"main.tf:\d+: .*size \(1\) must be more than 3, says \(hidden\)"):
        driver.plan()


def test_a_variable_of_the_wrong_type_is_told_with_its_place(root):
    driver = begin(root, PRECONDITION, size="many")
    with pytest.raises(errors.TerraformError, match=r"run.tfvars.json:2: .*a number is required"):
        driver.plan()


def test_hcl_that_cannot_be_parsed_is_told_with_its_line(root):
    root.write("resource {\n")
    with pytest.raises(errors.TerraformError, match=r"terraform init failed in .*main.tf:1: "):
        root.drive().init()


def test_a_state_that_another_run_holds_is_told_with_its_holder(root):
    driver = begin(root, SLOW)
    summary = driver.plan()
    run = threading.Thread(target=driver.apply, args=(summary,))
    run.start()
    try:
        while not root.folder.joinpath("started").exists():
            assert run.is_alive()
            run.join(0.05)
        with pytest.raises(errors.TerraformError, match=r"holds it for apply since \d{4}-") as caught:
            root.drive().plan()
    finally:
        root.folder.joinpath("release").touch()
        run.join()
    assert caught.value.retryable
    assert "terraform force-unlock" in caught.value.hint
    assert not root.drive().plan().has_changes


def test_a_state_of_a_newer_terraform_is_told_as_such(root):
    driver = begin(root, ONE)
    driver.apply(driver.plan())
    edit_state(root, version=9, terraform_version="1.99.0")
    with pytest.raises(errors.TerraformError, match=r"created by Terraform 1\.99\.0") as caught:
        driver.plan()
    assert "newer Terraform wrote this state" in caught.value.hint


def test_a_damaged_state_is_told_as_such(root):
    driver = begin(root, ONE)
    root.folder.joinpath("terraform.tfstate").write_text("{")
    with pytest.raises(errors.TerraformError) as caught:
        driver.plan()
    assert "the state is damaged" in caught.value.hint


def test_a_plan_that_is_stale_is_not_applied(root):
    driver = begin(root, PRECONDITION, size=4)
    summary = driver.plan()
    driver.apply(summary)
    edit_state(root, serial=99)
    with pytest.raises(errors.TerraformError, match="Saved plan is stale") as caught:
        driver.apply(summary)
    assert caught.value.retryable


def test_a_version_that_the_root_does_not_allow_is_told(root):
    root.write('terraform {\n  required_version = ">= 9"\n}\n')
    with pytest.raises(errors.TerraformError, match="Unsupported Terraform Core version") as caught:
        root.drive().init()
    assert "--terraform-bin" in caught.value.hint


def test_a_provider_that_cannot_be_had_is_told(root, tmp_path):
    config = tmp_path / "terraform.rc"
    config.write_text(f'provider_installation {{\n  filesystem_mirror {{\n    path = "{tmp_path}"\n  }}\n}}\n')
    root.write('terraform {\n  required_providers {\n    google = { source = "hashicorp/google" }\n  }\n}\n')
    with pytest.raises(errors.TerraformError, match="hashicorp/google") as caught:
        root.drive(environ={**os.environ, "TF_CLI_CONFIG_FILE": str(config)}).init()
    assert "TF_CLI_CONFIG_FILE" in caught.value.hint


def test_a_run_that_takes_too_long_is_stopped_and_the_next_one_finishes(root):
    driver = begin(root, SLOW, timeouts=terraform.Timeouts(apply_s=1, lock_s=0))
    with pytest.raises(errors.TerraformError, match="gave up on terraform apply after 1 s; last seen: ") as caught:
        driver.apply(driver.plan())
    assert caught.value.retryable
    root.folder.joinpath("release").touch()
    driver = root.drive()
    driver.apply(driver.plan())
    assert not driver.plan().has_changes


def test_a_program_that_is_not_there_is_told():
    with pytest.raises(errors.TerraformError, match="there is no program tofu-9 on the PATH") as caught:
        terraform.find_binary("tofu-9", environ=os.environ)
    assert "--terraform-bin" in caught.value.hint


@pytest.mark.parametrize(("version", "product"), [("1.8.5", "Terraform"), ("2.0.0", "OpenTofu")])
def test_a_program_that_is_too_old_or_too_new_is_refused(tmp_path, version, product):
    answer = json.dumps({"terraform_version": version})
    program = make_program(tmp_path, f"""[ "$2" ] && echo '{answer}' || echo '{product} v{version}'""")
    with pytest.raises(errors.TerraformError, match=rf"is {product} {version}, and the modules need 1\.9"):
        terraform.find_binary(program, environ=os.environ)


@pytest.mark.parametrize("text", ["exit 0", "exit 1", "echo '[]'", "echo '{}'"])
def test_a_program_that_is_something_else_is_refused(tmp_path, text):
    with pytest.raises(errors.TerraformError, match="neither Terraform nor OpenTofu"):
        terraform.find_binary(make_program(tmp_path, text), environ=os.environ)


def test_a_folder_that_cannot_be_written_is_told(tmp_path):
    tmp_path.joinpath("file").touch()
    with pytest.raises(errors.TerraformError, match=r"the workspace .* cannot be written"):
        terraform.write_workspace(tmp_path / "file" / "w", tmp_path, variables={}, backend=terraform_root.LOCAL)


def test_a_folder_that_is_gone_is_told(root):
    driver = begin(root, ONE)
    root.folder.rename(root.folder.with_name("moved"))
    with pytest.raises(errors.TerraformError, match="cannot be started"):
        driver.plan()
