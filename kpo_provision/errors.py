"""Every exception that leaves a module of this package, and the exit code each one means.

    KpoProvisionError
    ├── SpecError             2   the spec, or how the command was used
    ├── SizingError           3   no node can hold what was promised
    ├── RenderError           3   a template and its data disagree
    ├── TerraformError        4
    ├── CloudError            5   a cloud's API, or a registry
    ├── ClusterError          6
    │   ├── ApiError              one request that the API server refused
    │   ├── ApplyConflictError    a field belongs to another field manager
    │   └── WaitTimeoutError      a deadline passed; carries the last state seen
    └── LocalClusterError     6   the embedded cluster on this machine

A failed check is no exception: it is a result (exit code 7). An exception is built from fields; the class makes the
sentence. Third-party exceptions are translated where the third party is called (``raise ... from e``) and nowhere else.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

MESSAGE_LIMIT = 256
"""Characters kept of a message that a server sent: enough to act on, too few to leak a payload."""


class ExitCode(enum.IntEnum):
    """What the process returns; the same in every output format."""

    OK = 0
    BUG = 1
    SPEC = 2
    SIZING = 3
    TERRAFORM = 4
    CLOUD = 5
    CLUSTER = 6
    VERIFICATION = 7
    CHANGES = 8
    INTERRUPTED = 130


def clip(message: str) -> str:
    """Cut a server's message at ``MESSAGE_LIMIT`` characters and drop its line breaks."""
    flat = " ".join(message.split())
    return flat if len(flat) <= MESSAGE_LIMIT else flat[: MESSAGE_LIMIT - 1] + "…"


class KpoProvisionError(Exception):
    """Base of all errors a caller may want to catch. ``hint`` says what to do next."""

    exit_code = ExitCode.BUG
    retryable = False

    def __init__(self, sentence: str, *, hint: str = "") -> None:
        super().__init__(sentence)
        self.hint = hint


@dataclass(frozen=True, slots=True, kw_only=True)
class SpecIssue:
    """One problem in a spec: where it is, what stands there, which rule it breaks, and what was probably meant."""

    path: str
    problem: str
    value: str = ""
    allowed: str = ""
    file: str = ""
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        subject = ": ".join(part for part in (place, self.path or "spec") if part)
        found = f" (found {self.value})" if self.value else ""
        meant = f"; {self.allowed}" if self.allowed else ""
        return f"{subject}: {self.problem}{found}{meant}"


class SpecError(KpoProvisionError):
    """The spec or the command line is wrong. Carries every problem at once, in the order of the file."""

    exit_code = ExitCode.SPEC

    def __init__(self, issues: Sequence[SpecIssue], *, hint: str = "") -> None:
        self.issues = tuple(issues)
        noun = "problem" if len(self.issues) == 1 else "problems"
        lines = "\n".join(f"  {issue}" for issue in self.issues)
        super().__init__(f"the spec has {len(self.issues)} {noun}:\n{lines}", hint=hint)


class UsageError(KpoProvisionError):
    """The command line asks for something that cannot be done as asked."""

    exit_code = ExitCode.SPEC


class SizingError(KpoProvisionError):
    """Nothing can hold what the spec promises. Raised before anything is touched."""

    exit_code = ExitCode.SIZING


class RenderError(KpoProvisionError):
    """A template asked for a variable that it was not given, or did not give YAML."""

    exit_code = ExitCode.SIZING

    def __init__(self, *, template: str, problem: str) -> None:
        self.template = template
        super().__init__(f"template {template} cannot be rendered: {problem}")


class TerraformError(KpoProvisionError):
    """Terraform ended with an error, or could not be started.

    ``failed`` says what Terraform found wrong with which resource, and ``printed`` has the last lines that the
    provisioners of resources printed; both by address.
    """

    exit_code = ExitCode.TERRAFORM

    def __init__(self, sentence: str, *, hint: str = "") -> None:
        super().__init__(sentence, hint=hint)
        self.failed: Mapping[str, str] = {}
        self.printed: Mapping[str, tuple[str, ...]] = {}


class CloudError(KpoProvisionError):
    """A cloud's API or a registry refused, or could not be reached."""

    exit_code = ExitCode.CLOUD

    def __init__(self, *, service: str, operation: str, problem: str, hint: str = "") -> None:
        self.service = service
        self.operation = operation
        super().__init__(f"{service}: {operation} failed: {clip(problem)}", hint=hint)


class ClusterError(KpoProvisionError):
    """The cluster cannot be reached, trusted or used."""

    exit_code = ExitCode.CLUSTER


class ApiError(ClusterError):
    """One request that the API server answered with an error status."""

    def __init__(self, *, verb: str, target: str, status: int, reason: str, message: str, hint: str = "") -> None:
        self.verb = verb
        self.target = target
        self.status = status
        self.reason = reason
        self.message = clip(message)
        super().__init__(f"{verb} {target}: {status} {reason}: {self.message}", hint=hint)

    @property
    def is_not_found(self) -> bool:
        """Whether the object is not there (404)."""
        return self.status == 404

    @property
    def is_forbidden(self) -> bool:
        """Whether RBAC, quota or admission refused (403)."""
        return self.status == 403


class ApplyConflictError(ClusterError):
    """Server-side apply met fields that another field manager owns."""

    def __init__(self, *, target: str, owners: Sequence[str]) -> None:
        self.target = target
        self.owners = tuple(owners)
        super().__init__(
            f"{target} has fields that others manage: {clip('; '.join(self.owners))}",
            hint="run again with --take-over to make kpo-provision their manager, or change them at their manager",
        )


class WaitTimeoutError(ClusterError):
    """Something did not come true in time."""

    def __init__(self, *, what: str, waited_s: float, last_seen: str, hint: str = "") -> None:
        self.what = what
        self.last_seen = last_seen
        super().__init__(f"gave up after {waited_s:.0f} s waiting for {what}; last seen: {clip(last_seen)}", hint=hint)


class LocalClusterError(KpoProvisionError):
    """The embedded cluster cannot be built, started or stopped on this machine."""

    exit_code = ExitCode.CLUSTER
