"""The real Terraform binary through the door, on roots without providers."""

import os

import pytest

from kpo_provision import assets, terraform
from tests.fakes import terraform_root

TWO = """\
variable "size" {
  type = number
}

resource "terraform_data" "pool" {
  for_each         = toset(["standard", "big"])
  input            = each.key == "big" ? var.size : 1
  triggers_replace = each.key == "big" ? null : var.size
}

output "size" {
  value = terraform_data.pool["big"].output
}

output "token" {
  sensitive = true
  value     = "opensesame"
}
"""
SHAPE = """\
variable "node_pools" {
  type = map(object({ min_nodes = number, max_nodes = number }))
}

module "shape" {
  source     = "./modules/node-pool-shape"
  node_pools = var.node_pools
}

output "node_pools" {
  value = module.shape.node_pools
}
"""


@pytest.fixture
def root(tmp_path):
    return terraform_root.Root(tmp_path)


def apply(root, text, **variables):
    root.write(text, **variables)
    driver = root.drive()
    driver.init()
    driver.apply(driver.plan())
    return driver.read_outputs()


def kinds(summary):
    return {change.address: change.kind.value for change in summary.changes}


def test_what_is_planned_is_applied_and_then_there_is_nothing_to_do(root):
    root.write(TWO, size=2)
    told = terraform_root.Told()
    driver = root.drive(listener=told)
    driver.init()
    summary = driver.plan()
    assert kinds(summary) == {'terraform_data.pool["big"]': "create", 'terraform_data.pool["standard"]': "create"}
    assert [change.key for change in summary.changes] == ["big", "standard"]

    driver.apply(summary)
    made = driver.read_outputs()

    assert made.require("size") == 2
    assert made.sensitive == {"token"}
    assert not driver.plan().has_changes
    pools = ['Create terraform_data.pool["big"]', 'Create terraform_data.pool["standard"]']
    assert told.begun[:2] == ["Prepare Terraform", "Plan node pools"]
    assert sorted(told.done) == sorted([*told.begun])
    assert set(pools) <= set(told.done)
    assert told.failed == []


def test_a_plan_says_when_terraform_runs_before_it_says_what_changes(root):
    root.write(TWO, size=2)
    told = terraform_root.Told()
    driver = root.drive(listener=told)
    driver.init()
    done_before = []
    summary = driver.sketch(on_start=lambda: done_before.append(list(told.done)))
    assert done_before == [["Prepare Terraform"]]
    assert [change.key for change in summary.changes] == ["big", "standard"]


def test_a_change_is_an_update_or_a_replacement_and_says_why(root):
    apply(root, TWO, size=2)
    root.write(TWO, size=3)
    driver = root.drive()
    summary = driver.plan()
    assert kinds(summary) == {'terraform_data.pool["big"]': "update", 'terraform_data.pool["standard"]': "replace"}
    update, replacement = summary.changes
    assert "input" in update.attributes
    assert replacement.forced_by == ("triggers_replace",)
    assert summary.destructive == (replacement,)
    driver.apply(summary)
    assert driver.read_outputs().require("size") == 3


def test_destroy_is_planned_like_anything_else_and_leaves_nothing(root):
    apply(root, TWO, size=2)
    driver = root.drive()
    summary = driver.plan(destroy=True)
    assert set(kinds(summary).values()) == {"delete"}
    driver.apply(summary)
    assert driver.read_outputs().values == {}
    assert not driver.plan(destroy=True).has_changes


def test_what_exists_and_is_not_in_the_state_is_imported(root):
    text = 'resource "terraform_data" "pool" {}\n'
    root.source.joinpath("main.tf").write_text(text)
    imports = {"terraform_data.pool": "made-by-hand"}
    for _ in range(2):
        terraform.write_workspace(root.folder, root.source, variables={}, backend=terraform_root.LOCAL)
        driver = root.drive()
        driver.declare_imports(imports)
        driver.init()
        summary = driver.plan()
        driver.apply(summary)
        imports_planned = kinds(summary)
        if imports_planned:
            assert imports_planned == {"terraform_data.pool": "import"}
    assert imports_planned == {}


def test_a_module_of_ours_runs_in_the_workspace(root):
    root.source.joinpath("modules").symlink_to(assets.asset("modules"))
    made = apply(root, SHAPE, node_pools={"standard": {"min_nodes": 0, "max_nodes": 3}})
    pool = made.require("node_pools")["standard"]
    assert pool["labels"] == {"kpo-provision.io/pool": "standard"}
    assert {taint["effect"] for taint in pool["taints"]} == {"NoSchedule", "NoExecute"}
    assert not list(root.folder.glob("modules/*/tests"))


def test_a_root_that_lost_a_file_runs_without_it(root):
    root.source.joinpath("more.tf").write_text('resource "terraform_data" "more" {}\n')
    apply(root, TWO, size=2)
    root.source.joinpath("more.tf").unlink()
    root.write(TWO, size=2)
    assert kinds(root.drive().plan()) == {"terraform_data.more": "delete"}


def test_the_workspace_is_nobody_elses_business(root):
    apply(root, TWO, size=2)
    assert root.folder.stat().st_mode & 0o077 == 0
    for name in ("run.tfvars.json", "run.tfplan", "terraform.tfstate", "backend.tf.json"):
        assert root.folder.joinpath(name).stat().st_mode & 0o077 == 0, name


def test_the_same_input_writes_the_same_bytes(root, tmp_path):
    root.write(TWO, size=2)
    tmp_path.joinpath("other").mkdir()
    other = terraform_root.Root(tmp_path / "other")
    other.write(TWO, size=2)
    read = {path.name: path.read_bytes() for path in root.folder.iterdir()}
    assert read == {path.name: path.read_bytes() for path in other.folder.iterdir()}


def test_the_environment_cannot_answer_for_the_spec(root):
    root.write(TWO, size=2)
    environ = {**os.environ, "TF_VAR_size": "9", "TF_CLI_ARGS_plan": "-destroy", "TF_LOG": "TRACE"}
    driver = root.drive(environ=environ)
    driver.init()
    driver.apply(driver.plan())
    assert driver.read_outputs().require("size") == 2
