"""The cluster's programs in the cache of this machine: there already, downloaded, or built.

A component's folder appears under its final name only when it is complete, so that a run that was killed leaves
nothing that could be taken for one.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from kpo_provision import errors
from kpo_provision.local import gobuild, machine, releases
from kpo_provision.local.recipes import COMPONENTS, Component
from kpo_provision.local.state_lock import hold_lock
from kpo_provision.progress import Progress

_PARTIAL = ".partial-"
_DYING_S = 30.0


def ensure_programs(
    cache: Path, progress: Progress, *, components: Sequence[Component] = COMPONENTS
) -> Mapping[str, Path]:
    """Make sure that every program of ``components`` is in ``cache``, and say where."""
    root = cache / "bin"
    if any(not is_complete(root, component) for component in components):
        try:
            root.mkdir(parents=True, exist_ok=True)
            with hold_lock(root / "lock", progress):
                _fill(root, components, progress)
        except OSError as e:
            raise errors.LocalClusterError(
                f"the cache {cache} cannot be filled: {e.strerror or e}",
                hint="free 8 GiB there, or choose another folder with KPO_PROVISION_CACHE",
            ) from e
    return {program: folder(root, component) / program for component in components for program in component.programs}


def folder(root: Path, component: Component) -> Path:
    """Where ``component`` lies in the cache."""
    return root / f"{component.name}-{component.version}"


def is_complete(root: Path, component: Component) -> bool:
    """Whether all of ``component`` is there."""
    return all((folder(root, component) / program).is_file() for program in component.programs)


def _fill(root: Path, components: Sequence[Component], progress: Progress) -> None:
    for leftover in root.glob(f"{_PARTIAL}*"):
        shutil.rmtree(leftover)
    missing = [component for component in components if not is_complete(root, component)]
    hosts = releases.find_reachable(missing)
    for component in missing:
        partial = root / f"{_PARTIAL}{os.getpid()}"
        target = partial / "programs"
        try:
            target.mkdir(parents=True)
            if releases.is_reachable(component, hosts):
                releases.download_component(
                    component, architecture=machine.read_architecture(), target=target, progress=progress
                )
            else:
                gobuild.build_component(component, workspace=partial / "module", target=target, progress=progress)
            shutil.rmtree(folder(root, component), ignore_errors=True)
            target.rename(folder(root, component))
        finally:
            _remove(partial)


def _remove(partial: Path) -> None:
    """Remove a folder in which compilers that were ended a moment ago may still write."""
    deadline = time.monotonic() + _DYING_S
    while partial.exists() and time.monotonic() < deadline:
        shutil.rmtree(partial, ignore_errors=True)
