"""Builds Terraform's command lines, with ``python_terraform``'s builder and nothing else of it.

Its own ``apply``, ``plan`` and ``destroy`` fail silently or pass flags that Terraform no longer knows, and nothing in
it streams (docs/adr/0007). Every command line is made here; none holds a variable's value or a secret.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from python_terraform import IsFlagged, Terraform

PLAN_FILE = "run.tfplan"
VARIABLES_FILE = "run.tfvars.json"


class Commands:
    """The command lines of one binary; each is run in the workspace's folder."""

    def __init__(self, binary: Path) -> None:
        # Its constructor reads the state it finds in its folder into memory: there is none below a device.
        self._builder = Terraform(working_dir=os.devnull, terraform_bin_path=str(binary))

    def init(self) -> Sequence[str]:
        """Install providers and open the backend; keeps saved backend settings and the lock file's choices."""
        return self._build("init", input=False, json=IsFlagged)

    def plan(self, *, lock_timeout_s: int, destroy: bool = False, targets: Sequence[str] = ()) -> Sequence[str]:
        """Plan into ``PLAN_FILE``, of all resources or of ``targets`` alone; exit code 2 means changes."""
        return self._build(
            "plan",
            json=IsFlagged,
            input=False,
            detailed_exitcode=IsFlagged,
            destroy=IsFlagged if destroy else None,
            lock_timeout=f"{lock_timeout_s}s",
            var_file=VARIABLES_FILE,
            out=PLAN_FILE,
            target=list(targets),
        )

    def apply(self, *, lock_timeout_s: int, parallelism: int | None = None) -> Sequence[str]:
        """Apply ``PLAN_FILE``, which holds its variables, so many resources at a time; Terraform's 10 when absent."""
        lock = f"{lock_timeout_s}s"
        return self._build("apply", PLAN_FILE, json=IsFlagged, input=False, lock_timeout=lock, parallelism=parallelism)

    def show_plan(self) -> Sequence[str]:
        """Write ``PLAN_FILE`` as one JSON document."""
        return self._build("show", PLAN_FILE, json=IsFlagged)

    def show_run(self) -> Sequence[str]:
        """Write ``PLAN_FILE`` of a run in Terraform Cloud as text, which ends with the run's status."""
        return self._build("show", PLAN_FILE, no_color=IsFlagged)

    def output(self) -> Sequence[str]:
        """Write all outputs as one JSON document."""
        return self._build("output", json=IsFlagged)

    def import_resource(self, address: str, resource_id: str, *, lock_timeout_s: int) -> Sequence[str]:
        """Write what exists into the state; the root must have ``address``."""
        lock = f"{lock_timeout_s}s"
        return self._build("import", address, resource_id, input=False, lock_timeout=lock, var_file=VARIABLES_FILE)

    def move(self, source: str, destination: str, *, lock_timeout_s: int) -> Sequence[str]:
        """Give what the state holds another address in it, which the root need not have."""
        return self._build("state mv", source, destination, lock_timeout=f"{lock_timeout_s}s")

    def forget(self, address: str, *, lock_timeout_s: int) -> Sequence[str]:
        """Take a resource out of the state, and leave it as it is."""
        return self._build("state rm", address, lock_timeout=f"{lock_timeout_s}s")

    def taint(self, address: str, *, lock_timeout_s: int) -> Sequence[str]:
        """Have a resource made anew."""
        return self._build("taint", address, lock_timeout=f"{lock_timeout_s}s")

    def untaint(self, address: str, *, lock_timeout_s: int) -> Sequence[str]:
        """Take back that a resource has to be made anew."""
        return self._build("untaint", address, lock_timeout=f"{lock_timeout_s}s")

    def _build(self, name: str, *positional: str, **options: object) -> Sequence[str]:
        return tuple(str(part) for part in self._builder.generate_cmd_string(name, *positional, **options))
