"""Turns Terraform's events into progress: one step for the command, and one for every resource that changes."""

from __future__ import annotations

import re
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Self

from kpo_provision.progress import Progress, Step
from kpo_provision.terraform import cloud_runs
from kpo_provision.terraform.diagnostics import Diagnostic
from kpo_provision.terraform.events import (
    Event,
    LogEvent,
    OutputEvent,
    OutputsEvent,
    PlannedEvent,
    ResourceEvent,
    Stage,
    parse_event,
)

_TITLES = {"create": "Create", "update": "Update", "delete": "Delete", "read": "Read", "import": "Import"}
_NOUNS = {
    "google_container_node_pool": "node pool",
    "google_container_cluster": "cluster",
    "google_service_account": "service account",
    "google_project_iam_member": "role",
    "terraform_data.configuration": "configuration of host",
    "terraform_data.host": "host",
    "terraform_data.logins": "registry logins of host",
    "google_artifact_registry_repository_iam_member": "right to pull from",
}
_KEPT_LINES = 20
_KEPT_TEXT = 200
_RESOURCE = re.compile(r'^(?:data\.)?(?P<type>\w+)\.(?P<name>\w+)(?:\["(?P<key>[^"]*)"\]|\[\d+\])?$')
_MODULES = re.compile(r'^(module\.[^.\[]+(\["[^"]*"\]|\[\d+\])?\.)+')


class _ResourceFailedError(Exception):
    """Marks a resource's step as failed; never leaves this module."""


class Announcements:
    """Listens to one command, keeps its diagnostics and what it plans. A context manager: leaving it ends its steps."""

    def __init__(self, progress: Progress, title: str, *, total: int | None = None) -> None:
        self.diagnostics: list[Diagnostic] = []
        self.planned: list[PlannedEvent | OutputsEvent] = []
        self.printed: dict[str, list[str]] = {}
        """What provisioners printed, by the address of their resource: the last lines of each."""
        self.run_link = ""
        """The address of the run, where Terraform Cloud carries it out."""
        self.text: list[str] = []
        """The last lines that such a run printed."""
        self.last_seen = "it was starting"
        self._progress = progress
        self._command = progress.step(title, total=total)
        self._step: Step | None = None
        self._resources: dict[str, tuple[AbstractContextManager[Step], Step]] = {}

    def __enter__(self) -> Self:
        self._step = self._command.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for address in list(self._resources):
            self._close(address, failed=error is not None)
        self._command.__exit__(kind, error, trace)

    def hear_line(self, line: str) -> None:
        """Show a line of Terraform's output: an event, or text of a run in Terraform Cloud."""
        event = parse_event(line)
        if event is None and not line.startswith("{"):
            self._hear_text(cloud_runs.read_text(line))
        else:
            self.hear(event)

    def hear(self, event: Event | None) -> None:
        """Show an event."""
        match event:
            case Diagnostic():
                self.diagnostics.append(event)
            case PlannedEvent() | OutputsEvent():
                self.planned.append(event)
            case OutputEvent():
                self._quote(event)
            case LogEvent():
                self._say(event.message)
            case ResourceEvent():
                self._follow(event)
            case None:
                pass

    def _hear_text(self, line: str) -> None:
        link = cloud_runs.find_link(line)
        if link and not self.run_link:
            self.run_link = link
            step = self._progress.step(f"Follow {link}")
            self._resources[link] = (step, step.__enter__())
        elif line and self.run_link:
            self.text.append(line)
            del self.text[:-_KEPT_TEXT]
            self._say(line)

    def _follow(self, event: ResourceEvent) -> None:
        name = render_address(event.address)
        if event.action == "refresh":
            self._say(f"refresh {name}")
            return
        self._say(f"{event.action} {name}" + (f", {event.elapsed_s} s" if event.elapsed_s else ""))
        match event.stage:
            case Stage.STARTED:
                step = self._progress.step(f"{_TITLES.get(event.action, event.action)} {name}")
                self._resources[event.address] = (step, step.__enter__())
            case Stage.RUNNING if event.address in self._resources:
                self._resources[event.address][1].say(f"{event.elapsed_s} s")
            case Stage.DONE | Stage.FAILED:
                self._close(event.address, failed=event.stage is Stage.FAILED)
                if event.stage is Stage.DONE and self._step is not None:
                    self._step.advance()
            case _:
                pass

    def _quote(self, event: OutputEvent) -> None:
        if not event.line:
            return
        lines = self.printed.setdefault(event.address, [])
        lines.append(event.line)
        del lines[:-_KEPT_LINES]
        self.last_seen = event.line
        if event.address in self._resources:
            self._resources[event.address][1].say(event.line)

    def _close(self, address: str, *, failed: bool) -> None:
        step, _ = self._resources.pop(address, (None, None))
        if step is None:
            return
        if not failed:
            step.__exit__(None, None, None)
            return
        error = _ResourceFailedError(address)
        try:
            step.__exit__(_ResourceFailedError, error, None)
        except _ResourceFailedError:
            pass  # it did what it was for

    def _say(self, detail: str) -> None:
        self.last_seen = detail
        if self._step is not None:
            self._step.say(detail)


def render_address(address: str) -> str:
    """Write an address without what says nothing to a user of the spec: modules, and Terraform's names of types."""
    own = _MODULES.sub("", address)
    shape = _RESOURCE.match(own)
    noun = shape and (_NOUNS.get(shape["type"]) or _NOUNS.get(f"{shape['type']}.{shape['name']}"))
    if not (shape and noun):
        return own
    return f"{noun} {shape['key'] or ''}".strip()
