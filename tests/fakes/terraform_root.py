"""A Terraform root without providers, in a folder of its own, and a listener to what is said of its runs."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from kpo_provision import progress, terraform

LOCAL = {"backend": {"local": {"path": "terraform.tfstate"}}}
QUICK = terraform.Timeouts(lock_s=0)


class Told:
    """A ``Progress`` that keeps what it was told, and may act when a step begins."""

    def __init__(self, on_step: Callable[[str], object] = str) -> None:
        self.begun: list[str] = []
        self.done: list[str] = []
        self.failed: list[str] = []
        self._on_step = on_step

    @contextmanager
    def step(self, title: str, *, total: int | None = None) -> Iterator[progress.Step]:
        self.begun.append(title)
        self._on_step(title)
        try:
            with progress.Silent().step(title, total=total) as step:
                yield step
        except BaseException:
            self.failed.append(title)
            raise
        self.done.append(title)


class Root:
    """A root that can be rewritten, and the folder it runs in."""

    def __init__(self, folder: Path, backend: Mapping[str, object] = LOCAL) -> None:
        self.source = folder / "source"
        self.folder = folder / "workspace"
        self.source.mkdir()
        self._backend = backend

    def write(self, text: str, **variables: object) -> terraform.Workspace:
        self.source.joinpath("main.tf").write_text(text)
        return terraform.write_workspace(self.folder, self.source, variables=variables, backend=self._backend)

    def drive(
        self,
        *,
        listener: progress.Progress | None = None,
        timeouts: terraform.Timeouts = QUICK,
        environ: Mapping[str, str] = os.environ,
        binary: str = "terraform",
    ) -> terraform.Driver:
        return terraform.Driver(
            terraform.Workspace(folder=self.folder),
            terraform.find_binary(binary, environ=environ),
            environ=environ,
            progress=listener or progress.Silent(),
            timeouts=timeouts,
        )
