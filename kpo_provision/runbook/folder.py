"""A runbook as files: for people, for the change board's system, and the rights to be granted."""

from __future__ import annotations

import json
from pathlib import Path

from kpo_provision import errors
from kpo_provision.render import environment
from kpo_provision.runbook.content import Content
from kpo_provision.runbook.install import INSTALLER_FILE
from kpo_provision.runbook.markdown import render_markdown
from kpo_provision.runbook.page import render_page
from kpo_provision.runbook.subject import Subject
from kpo_provision.whole_files import replace_file

_READABLE = 0o644


def write_runbook(subject: Subject, out: Path) -> tuple[Path, ...]:
    """Write the runbook to the folder ``out``, over what an earlier run wrote there.

    Raises:
        errors.UsageError: The folder cannot be written.
    """
    files = render_runbook(subject)
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            replace_file(out / name, text.encode(), mode=_READABLE)
    except OSError as error:
        raise errors.UsageError(
            f"the runbook cannot be written to {out}: {error.filename or out}: {error.strerror}",
            hint="make room or give way there, or choose another folder with --out",
        ) from error
    return tuple(out / name for name in files)


def render_runbook(subject: Subject) -> dict[str, str]:
    """Render every file, by its name."""
    content = Content(subject=subject)
    markdown = render_markdown(content)
    files = {
        "runbook.md": markdown,
        "runbook.html": render_page(content, markdown),
        "change-request.json": json.dumps(content.request, indent=2, ensure_ascii=False) + "\n",
    }
    if subject.needs_account:
        files[INSTALLER_FILE] = environment.render_text("runbook/installer.yaml", roles=content.roles)
    return files
