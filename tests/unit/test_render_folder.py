from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from kpo_provision import errors, render, sizing
from kpo_provision.render import folder
from kpo_provision.render.bundle import Bundle
from kpo_provision.spec import model

TWO_TENANTS = {"etl": {"extraCapacity": 10, "registries": ["acme"]}, "idle": {"extraCapacity": 0}}


def make_bundle(tenants: dict[str, Any] = TWO_TENANTS) -> Bundle:
    spec = {
        "apiVersion": "kpo-provision.io/v1",
        "kind": "Installation",
        "metadata": {"name": "acme"},
        "namespacePrefix": "data",
        "target": {"local": {}},
        "registries": {"acme": {"server": "registry.acme.io", "credentials": {"dockerConfig": "config.json"}}},
        "nodePools": {"standard": {}},
        "tenants": tenants,
    }
    return render.render(sizing.size(model.Installation.model_validate(spec)))


def read_tree(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def read_tree_after_write(tmp_path: Path) -> dict[str, bytes]:
    written = render.write_bundle(make_bundle(), tmp_path / "out")
    files = read_tree(tmp_path / "out")
    assert {path.relative_to(tmp_path / "out").as_posix() for path in written} == set(files)
    return files


def test_files_hold_the_objects_of_the_bundle(tmp_path):
    bundle = make_bundle()
    render.write_bundle(bundle, tmp_path / "out")
    listed = yaml.safe_load((tmp_path / "out/kustomization.yaml").read_text())["resources"]
    written = [yaml.safe_load((tmp_path / "out" / name).read_text()) for name in listed]
    assert written == [*bundle.shared, *(m for tenant in bundle.tenants for m in tenant.manifests)]


def test_kustomization_leaves_out_what_is_no_object_of_the_cluster(tmp_path):
    files = read_tree_after_write(tmp_path)
    listed = set(yaml.safe_load(files["kustomization.yaml"])["resources"])
    assert set(files) - listed == {
        folder.MARKER,
        "airflow/etl/connection.json",
        "airflow/etl/pod-template.yaml",
        "airflow/idle/connection.json",
        "airflow/idle/pod-template.yaml",
        "kustomization.yaml",
        "secrets.json",
    }


def test_secrets_are_named_and_not_held(tmp_path):
    files = read_tree_after_write(tmp_path)
    assert json.loads(files["secrets.json"]) == [
        {
            "namespace": "data-etl",
            "name": "registry-acme",
            "type": "kubernetes.io/dockerconfigjson",
            "registry": "acme",
            "server": "registry.acme.io",
        }
    ]


def test_writing_twice_gives_the_same_bytes(tmp_path):
    assert read_tree_after_write(tmp_path) == read_tree_after_write(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_tenant_that_left_the_spec_leaves_the_folder(tmp_path):
    read_tree_after_write(tmp_path)
    render.write_bundle(make_bundle({"idle": {"extraCapacity": 0}}), tmp_path / "out")
    assert not any("etl" in name for name in read_tree(tmp_path / "out"))


def test_text_of_several_lines_is_written_as_a_block():
    assert (
        "\n      expression: |-\n"
        in folder.render_files(make_bundle())["shared/mutatingadmissionpolicy-kpo-placement.yaml"]
    )


@pytest.mark.parametrize("name", ["README.md", "tenants/etl/secret.yaml", "tenants/.hidden"])
def test_folder_with_a_foreign_file_is_left_alone(tmp_path, name):
    read_tree_after_write(tmp_path)
    (tmp_path / "out" / name).write_text("mine")
    before = read_tree(tmp_path / "out")
    with pytest.raises(errors.UsageError, match=f"did not render, such as {name}"):
        render.write_bundle(make_bundle({}), tmp_path / "out")
    assert read_tree(tmp_path / "out") == before


def test_folder_that_was_not_rendered_is_left_alone(tmp_path):
    (tmp_path / "kustomization.yaml").write_text("resources: []\n")
    with pytest.raises(errors.UsageError, match="did not render, such as kustomization"):
        render.write_bundle(make_bundle(), tmp_path)
    assert read_tree(tmp_path) == {"kustomization.yaml": b"resources: []\n"}


def test_file_in_the_place_of_the_folder_is_refused(tmp_path):
    (tmp_path / "out").write_text("mine")
    with pytest.raises(errors.UsageError, match="is a file"):
        render.write_bundle(make_bundle(), tmp_path / "out")


def test_folder_below_a_file_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(errors.UsageError, match=r"cannot be written to .*/file/out: .*/file: File exists"):
        render.write_bundle(make_bundle(), tmp_path / "file" / "out")


def test_missing_parents_are_made(tmp_path):
    render.write_bundle(make_bundle(), tmp_path / "deploy" / "acme")
    assert (tmp_path / "deploy/acme/kustomization.yaml").is_file()
