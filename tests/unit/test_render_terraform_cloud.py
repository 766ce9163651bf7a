from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from kpo_provision import errors, pipeline
from kpo_provision.pipeline import Decided
from kpo_provision.render import terraform_cloud
from tests import commands

REMOTE = {"remote": {"organization": "acme", "workspace": "airflow"}}
TARGET: dict[str, Any] = {"project": "acme-data", "location": "europe-west1", "cluster": "airflow", "version": "1.34"}
ACME = {"server": "registry.acme.io", "credentials": {"dockerConfig": "config.json"}}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "out"


def decide(tmp_path: Path, target: dict[str, Any]) -> Decided:
    spec = {
        "apiVersion": "kpo-provision.io/v1",
        "kind": "Installation",
        "metadata": {"name": "acme"},
        "namespacePrefix": "data",
        "target": target,
        "registries": {"acme": ACME},
        "nodePools": {"standard": {}},
        "tenants": {"etl": {"extraCapacity": 10, "registries": ["acme"]}, "bi": {"extraCapacity": 0}},
        "probe": {"image": "docker.io/library/busybox:1.37"},
    }
    path = tmp_path / "spec.json"
    path.write_text(json.dumps(spec))
    return pipeline.decide(path)


def render(tmp_path: Path, backend: dict[str, Any] = REMOTE) -> dict[str, str]:
    decided = decide(tmp_path, {"gke": {**TARGET, "backend": backend}})
    return terraform_cloud.render_terraform_cloud(decided.spec, decided.size, decided.bundle)


def test_the_manifests_are_those_of_the_bundle(tmp_path):
    bundle = decide(tmp_path, {"gke": {**TARGET, "backend": REMOTE}}).bundle
    manifests = [*bundle.shared, *(each for tenant in bundle.tenants for each in tenant.manifests)]
    written = [
        yaml.safe_load(text)
        for path, text in render(tmp_path).items()
        if path.startswith("tenants/manifests/") and path.endswith(".yaml")
    ]
    assert sorted(map(repr, written)) == sorted(map(repr, manifests))


def test_each_workspace_has_its_own_state_and_tenants_know_that_of_the_infrastructure(tmp_path):
    files = render(tmp_path)
    infrastructure, tenants = (
        json.loads(files[f"{part}/backend.tf.json"])["terraform"]["cloud"] for part in ("infrastructure", "tenants")
    )
    assert infrastructure["workspaces"] == {"name": "airflow"}
    assert tenants == {**infrastructure, "workspaces": {"name": "airflow-tenants"}}
    assert json.loads(files["tenants/run.auto.tfvars.json"]) == {"infrastructure": infrastructure}


def test_a_workspace_has_the_modules_that_it_calls_and_no_others(tmp_path):
    found = {tuple(path.split("/")[:3:2]) for path in render(tmp_path) if "/modules/" in path}
    assert found == {
        ("infrastructure", "gke-cluster"),
        ("infrastructure", "gke-node-pool"),
        ("infrastructure", "gke-service-account"),
        ("infrastructure", "node-pool-shape"),
        ("tenants", "tenant"),
        ("tenants", "tenants"),
    }


def test_only_what_runs_is_uploaded(tmp_path):
    for part in ("infrastructure", "tenants"):
        ignored = render(tmp_path)[f"{part}/.terraformignore"].splitlines()
        assert ignored[1] == "*"
        assert "!manifests/**" in ignored


def test_the_page_names_the_registries_and_both_workspaces(tmp_path):
    page = render(tmp_path)["README.md"]
    assert "| `acme` | `registry.acme.io` |" in page
    assert "`airflow-tenants`" in page
    assert "2 tenants" in page


def test_a_new_rendering_is_the_same_and_keeps_what_is_terraforms_own(tmp_path, folder):
    files = render(tmp_path)
    terraform_cloud.write_terraform_cloud(files, folder)
    lock = folder / "tenants/.terraform.lock.hcl"
    lock.write_text("locked")
    modules = folder / "tenants/.terraform/modules/modules.json"
    modules.parent.mkdir(parents=True)
    modules.write_text("{}")
    terraform_cloud.write_terraform_cloud(render(tmp_path), folder)
    assert lock.read_text() == "locked"
    assert modules.read_text() == "{}"
    lock.unlink()
    modules.unlink()
    found = {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()}
    assert found == files


def test_what_others_put_into_the_folder_is_left_alone(tmp_path, folder):
    terraform_cloud.write_terraform_cloud(render(tmp_path), folder)
    (folder / "tenants/own.tf").write_text("")
    with pytest.raises(errors.UsageError, match=r"such as tenants/own\.tf"):
        terraform_cloud.write_terraform_cloud(render(tmp_path), folder)


def test_a_spec_whose_state_is_elsewhere_is_refused_with_what_to_set(tmp_path):
    with pytest.raises(errors.UsageError) as caught:
        render(tmp_path, {"local": {}})
    assert "target.gke.backend.remote" in caught.value.hint


def test_a_target_that_terraform_cloud_cannot_make_is_refused(tmp_path):
    decided = decide(tmp_path, {"kubeconfig": {"version": "1.34"}})
    with pytest.raises(errors.UsageError, match="the spec has another target"):
        terraform_cloud.render_terraform_cloud(decided.spec, decided.size, decided.bundle)


@pytest.mark.parametrize(("tenants", "is_told"), [(50, False), (51, True)])
def test_who_has_many_tenants_is_told_of_the_quicker_way(tmp_path, folder, tenants, is_told):
    decide(tmp_path, {"gke": {**TARGET, "backend": REMOTE}})
    spec = json.loads((tmp_path / "spec.json").read_text())
    spec["tenants"] = {f"t{number}": {"extraCapacity": 1} for number in range(tenants)}
    (tmp_path / "spec.json").write_text(json.dumps(spec))
    command = ["render", str(tmp_path / "spec.json"), "--for", "terraform-cloud", "--out", str(folder)]
    answer = commands.run(*command)
    assert answer.returncode == 0
    assert ("infrastructure/ alone" in answer.stderr) == is_told
    assert ("`kpo-provision apply` for the tenants" in " ".join((folder / "README.md").read_text().split())) == is_told
