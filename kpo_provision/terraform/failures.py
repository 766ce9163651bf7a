"""From diagnostics to one sentence and what to do next."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from kpo_provision import errors
from kpo_provision.terraform.causes import CAUSES
from kpo_provision.terraform.diagnostics import Diagnostic
from kpo_provision.terraform.process import Finished

_LOCKED_IN_CLOUD = "workspace already locked"
"""What Terraform adds to this about the holder is about itself (Terraform 1.11.4, seen 2026-11-26)."""
_INSTALL = "install Terraform again, or name another binary with --terraform-bin"


class RetryableTerraformError(errors.TerraformError):
    """Terraform failed over something that passes."""

    retryable = True


def describe_failure(
    diagnostics: Sequence[Diagnostic],
    *,
    command: str,
    folder: Path,
    finished: Finished,
    hide: Callable[[str], str],
    run_link: str = "",
) -> errors.TerraformError:
    """Make the error for a command that failed; ``hide`` takes secrets out of what it said.

    ``run_link`` is the address of its run, where Terraform Cloud carried it out.
    """
    found = [diagnostic for diagnostic in diagnostics if diagnostic.is_error]
    text = "\n".join(diagnostic.text for diagnostic in found) or finished.stderr_tail
    sentence = f"{command} failed in {folder}: {_summarize(found, finished, hide)}"
    for cause in CAUSES:
        hint = cause.explain(text)
        if hint:
            kind = RetryableTerraformError if cause.retryable else errors.TerraformError
            return kind(sentence, hint=hide(f"{hint}; all that the run said: {run_link}" if run_link else hint))
    return errors.TerraformError(sentence, hint=_look_at(run_link) if run_link else _point_at(found))


def describe_unapplied(status: str, run_link: str) -> errors.TerraformError:
    """Make the error for a run in Terraform Cloud that ended otherwise than applied."""
    return RetryableTerraformError(
        f"the run in Terraform Cloud is {status or 'in an unknown state'}, not applied",
        hint=f"{_look_at(run_link)}; then run the same command again",
    )


def describe_remote_hosts(run_link: str) -> errors.TerraformError:
    """Make the error for hosts that Terraform Cloud would have to reach."""
    return errors.TerraformError(
        f"Terraform runs in Terraform Cloud, which has neither your SSH keys nor the join token: {run_link}",
        hint="set the workspace's execution mode to Local: its state stays in Terraform Cloud, and Terraform runs here",
    )


def describe_timeout(command: str, *, timeout_s: float, last_seen: str) -> errors.TerraformError:
    """Make the error for a command that took too long and was stopped."""
    return RetryableTerraformError(
        f"gave up on {command} after {timeout_s:.0f} s; last seen: {errors.clip(last_seen)}",
        hint="run the same command again: what was done is kept in the state",
    )


def describe_unstartable(binary: Path, error: OSError) -> errors.TerraformError:
    """Make the error for a binary that cannot be started."""
    reason = (error.strerror or str(error)).lower()
    return errors.TerraformError(f"{binary} cannot be started: {reason}", hint=_INSTALL)


def _summarize(found: Sequence[Diagnostic], finished: Finished, hide: Callable[[str], str]) -> str:
    if not found:
        ended = f"killed by signal {-finished.returncode}" if finished.returncode < 0 else f"exit {finished.returncode}"
        said = _unbox(finished.stderr_tail)
        return f"{ended}: {errors.clip(hide(said))}" if said else f"{ended}, and it did not say why"
    first = found[0]
    subject = ", ".join(part for part in (first.address, first.place) if part)
    lock = _describe_lock(first.detail)
    said = f"{first.summary}: {lock}" if lock else first.text.replace("\n", ": ", 1)
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    return f"{f'{subject}: ' if subject else ''}{errors.clip(hide(said))}{more}"


def _describe_lock(detail: str) -> str:
    """Say who holds the lock, and since when; empty where the detail is about something else."""
    if _LOCKED_IN_CLOUD in detail:
        return "the workspace is locked in Terraform Cloud"
    fields = dict(re.findall(r"^ {2}(\w+): +(\S.*)$", detail, re.MULTILINE)) if "Lock Info:" in detail else {}
    if "Who" not in fields:
        return ""
    operation = fields.get("Operation", "").removeprefix("OperationType").lower() or "a run"
    since = fields.get("Created", "").partition(".")[0]
    return f"{fields['Who']} holds it for {operation} since {since or 'an unknown time'} (lock {fields.get('ID', '?')})"


def _look_at(run_link: str) -> str:
    return f"see what the run says: {run_link}"


def _point_at(found: Sequence[Diagnostic]) -> str:
    if found and found[0].place:
        return f"look at {found[0].place} in the workspace"
    return "run the command there by hand to see all that it says"


def _unbox(text: str) -> str:
    """Take away the frame that Terraform draws around errors, and the colours."""
    plain = re.sub(r"\x1b\[[0-9;]*m", "", text)
    return "\n".join(line.strip("╷│╵ ") for line in plain.splitlines()).strip()
