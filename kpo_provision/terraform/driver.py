"""Runs the commands of Terraform on one workspace: plan, apply what was planned, read what came of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from kpo_provision import errors
from kpo_provision.progress import Progress
from kpo_provision.terraform import cloud_runs, failures, process, readiness
from kpo_provision.terraform.announcements import Announcements
from kpo_provision.terraform.binary import Binary
from kpo_provision.terraform.commands import PLAN_FILE, Commands
from kpo_provision.terraform.diagnostics import Diagnostic
from kpo_provision.terraform.outputs import Outputs, parse_outputs
from kpo_provision.terraform.plan_summary import PlanSummary, parse_plan, sketch_plan
from kpo_provision.terraform.redaction import Redactor
from kpo_provision.terraform.timeouts import Timeouts
from kpo_provision.terraform.workspace import Workspace

_UNWANTED = ("TF_CLI_ARGS", "TF_LOG", "TF_VAR_")
"""Beginnings of environment variables that would change our command lines, log requests, or answer for the spec."""
_CHANGES = 2
"""Exit code of ``plan -detailed-exitcode`` that is no error."""


class Driver:
    """Terraform on one workspace."""

    def __init__(
        self,
        workspace: Workspace,
        binary: Binary,
        *,
        environ: Mapping[str, str],
        progress: Progress,
        timeouts: Timeouts | None = None,
        ephemeral: Mapping[str, str] | None = None,
    ) -> None:
        self._workspace = workspace
        self._binary = binary
        self._commands = Commands(binary.path)
        self._environ = {name: value for name, value in environ.items() if not name.startswith(_UNWANTED)}
        self._environ |= {"CHECKPOINT_DISABLE": "1", "TF_IN_AUTOMATION": "1", "TF_INPUT": "0"}
        # Whatever a plan is told of ephemeral variables, their values are only asked for when it is applied.
        self._environ |= _name_variables(ephemeral or {})
        self._needs_ephemeral = bool(ephemeral)
        self._redactor = Redactor(environ)
        self._progress = progress
        self._timeouts = timeouts or Timeouts()

    def init(self) -> None:
        """Install providers and open the backend."""
        self._run("Prepare Terraform", self._commands.init(), timeout_s=self._timeouts.init_s)

    def sketch(
        self,
        *,
        destroy: bool = False,
        targets: Sequence[str] = (),
        on_start: Callable[[], None] = lambda: None,
    ) -> PlanSummary:
        """Plan, save the plan for ``apply``, and say what changes, without why and without names.

        ``targets`` are the only addresses to plan for, all when empty. ``on_start`` is called when Terraform runs.
        """
        argv = self._commands.plan(lock_timeout_s=self._timeouts.lock_s, destroy=destroy, targets=targets)
        heard = self._run(
            "Plan node pools", argv, timeout_s=self._timeouts.plan_s, allowed=(0, _CHANGES), on_start=on_start
        )
        if not heard.run_link:
            return sketch_plan(heard.planned)
        if self._needs_ephemeral:
            raise failures.describe_remote_hosts(heard.run_link)
        # A run in Terraform Cloud says what it plans to people only.
        return self.explain()

    def explain(self) -> PlanSummary:
        """Tell all of the saved plan; slower than the plan's own words, for it loads the providers once more."""
        return parse_plan(self._read(self._commands.show_plan()))

    def plan(self, *, destroy: bool = False, targets: Sequence[str] = ()) -> PlanSummary:
        """Plan, save the plan for ``apply``, and tell all of it."""
        self.sketch(destroy=destroy, targets=targets)
        return self.explain()

    def apply(
        self, summary: PlanSummary, *, ephemeral: Mapping[str, str] | None = None, parallelism: int | None = None
    ) -> None:
        """Do what the last plan said.

        ``ephemeral`` are values of variables that are in no plan and no state. ``parallelism`` is how many resources
        are worked on at a time; Terraform's 10 when absent.

        Raises:
            errors.TerraformError: Something failed; ``printed`` has what provisioners said, the rest was done.
        """
        argv = self._commands.apply(lock_timeout_s=self._timeouts.lock_s, parallelism=parallelism)
        title = "Apply node pools"
        before = self._environ, self._redactor
        given = _name_variables(ephemeral or {})
        self._environ, self._redactor = {**self._environ, **given}, Redactor({**self._environ, **given})
        try:
            heard = self._run(title, argv, timeout_s=self._timeouts.apply_s, total=len(summary.changes) or None)
        finally:
            self._environ, self._redactor = before
        if cloud_runs.is_bookmark(self._workspace.folder / PLAN_FILE):
            self._require_applied(heard.run_link)

    def declare_imports(self, ids: Mapping[str, str]) -> None:
        """Have the next plan import what exists and is not in the state: IDs by address."""
        self._workspace.declare_imports(ids)

    def import_resource(self, address: str, resource_id: str) -> None:
        """Write into the state at once what exists, at an address that the root has and the state has not."""
        argv = self._commands.import_resource(address, resource_id, lock_timeout_s=self._timeouts.lock_s)
        self._run(f"Import {resource_id}", argv, timeout_s=self._timeouts.plan_s)

    def move(self, source: str, destination: str) -> None:
        """Give what the state holds another address; at one that the root lacks, the next plan deletes it."""
        argv = self._commands.move(source, destination, lock_timeout_s=self._timeouts.lock_s)
        self._run("Move in the state", argv, timeout_s=self._timeouts.plan_s)

    def forget(self, address: str) -> None:
        """Take a resource out of the state, and leave it as it is."""
        argv = self._commands.forget(address, lock_timeout_s=self._timeouts.lock_s)
        self._run("Mend the state", argv, timeout_s=self._timeouts.plan_s)

    def taint(self, address: str) -> None:
        """Have a resource made anew by the next plan, without what its old one would do when it goes."""
        argv = self._commands.taint(address, lock_timeout_s=self._timeouts.lock_s)
        self._run("Mend the state", argv, timeout_s=self._timeouts.plan_s)

    def untaint(self, address: str) -> None:
        """Take back that a resource has to be made anew."""
        argv = self._commands.untaint(address, lock_timeout_s=self._timeouts.lock_s)
        self._run("Mend the state", argv, timeout_s=self._timeouts.plan_s)

    def read_outputs(self) -> Outputs:
        """Read the outputs of the last apply."""
        return parse_outputs(self._read(self._commands.output()))

    def _run(
        self,
        title: str,
        argv: Sequence[str],
        *,
        timeout_s: float,
        total: int | None = None,
        allowed: Sequence[int] = (0,),
        on_start: Callable[[], None] = lambda: None,
    ) -> Announcements:
        with Announcements(self._progress, title, total=total) as announcements:
            finished = self._start(
                argv,
                timeout_s=timeout_s,
                on_line=announcements.hear_line,
                last_seen=lambda: announcements.last_seen,
                on_start=on_start,
            )
            if finished.returncode not in allowed:
                readiness.forget(self._workspace.folder)
                found = announcements.diagnostics or tuple(cloud_runs.find_errors(announcements.text))
                error = self._describe(argv, finished, found, run_link=announcements.run_link)
                error.failed = {
                    found.address: self._redactor.hide(found.text)
                    for found in announcements.diagnostics
                    if found.is_error and found.address
                }
                error.printed = {
                    address: tuple(map(self._redactor.hide, lines)) for address, lines in announcements.printed.items()
                }
                raise error
        return announcements

    def _start(
        self,
        argv: Sequence[str],
        *,
        timeout_s: float,
        on_line: Callable[[str], None],
        last_seen: Callable[[], str],
        on_start: Callable[[], None] = lambda: None,
    ) -> process.Finished:
        limits = process.Limits(timeout_s=timeout_s, stop_s=self._timeouts.stop_s)
        folder = self._workspace.folder
        try:
            return process.run(argv, folder, environ=self._environ, limits=limits, on_line=on_line, on_start=on_start)
        except OSError as error:
            raise failures.describe_unstartable(self._binary.path, error) from error
        except process.TimedOutError as error:
            seen = self._redactor.hide(last_seen())
            raise failures.describe_timeout(self._name(argv), timeout_s=timeout_s, last_seen=seen) from error

    def _require_applied(self, run_link: str) -> None:
        """Judge a run in Terraform Cloud by its status, for the command ends well with a run that was cancelled."""
        status = cloud_runs.find_status(self._read_text(self._commands.show_run()))
        if status != cloud_runs.APPLIED:
            raise failures.describe_unapplied(status, run_link)

    def _describe(
        self,
        argv: Sequence[str],
        finished: process.Finished,
        diagnostics: Sequence[Diagnostic],
        *,
        run_link: str = "",
    ) -> errors.TerraformError:
        return failures.describe_failure(
            diagnostics,
            command=self._name(argv),
            folder=self._workspace.folder,
            finished=finished,
            hide=self._redactor.hide,
            run_link=run_link,
        )

    def _name(self, argv: Sequence[str]) -> str:
        return f"{self._binary.path.name} {argv[1]}"

    def _read(self, argv: Sequence[str]) -> Mapping[str, Any]:
        """Run a command that answers with one JSON document and changes nothing."""
        document: Mapping[str, Any] = json.loads(self._read_text(argv))
        return document

    def _read_text(self, argv: Sequence[str]) -> str:
        """Run a command that answers and changes nothing."""
        lines: list[str] = []
        finished = self._start(
            argv, timeout_s=self._timeouts.read_s, on_line=lines.append, last_seen=lambda: "no answer"
        )
        if finished.returncode:
            raise self._describe(argv, finished, ())
        return "\n".join(lines)


def _name_variables(values: Mapping[str, str]) -> dict[str, str]:
    """Name values as Terraform reads them from the environment, which no other user sees, unlike an argv."""
    return {f"TF_VAR_{name}": value for name, value in values.items()}
