from pathlib import Path

import pytest

from kpo_provision import errors, progress
from kpo_provision.local import programs
from kpo_provision.local.recipes import COMPONENTS


def fill(cache: Path) -> None:
    for component in COMPONENTS:
        folder = programs.folder(cache / "bin", component)
        folder.mkdir(parents=True)
        for program in component.programs:
            (folder / program).touch()


def test_full_cache_is_used_as_it_is(tmp_path):
    fill(tmp_path)
    found = programs.ensure_programs(tmp_path, progress.Silent())
    assert all(path.is_file() for path in found.values())
    assert {"kubelet", "containerd", "ptp", "registry"} < set(found)
    assert not (tmp_path / "bin" / "lock").exists()


def test_component_that_lacks_a_program_is_not_complete(tmp_path):
    fill(tmp_path)
    kubernetes = next(component for component in COMPONENTS if component.name == "kubernetes")
    (programs.folder(tmp_path / "bin", kubernetes) / "kubelet").unlink()
    assert not programs.is_complete(tmp_path / "bin", kubernetes)


def test_cache_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "cache").touch()
    with pytest.raises(errors.LocalClusterError, match="cache") as caught:
        programs.ensure_programs(tmp_path / "cache", progress.Silent())
    assert "KPO_PROVISION_CACHE" in caught.value.hint
