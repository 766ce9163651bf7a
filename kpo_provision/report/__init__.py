"""What a run comes to, shown as text, JSON or JUnit. Reads results; judges nothing and prints nothing."""

from kpo_provision.report.changes import (
    exit_code_of_preview,
    render_changes_json,
    render_changes_text,
    render_status_json,
    render_status_text,
)
from kpo_provision.report.document import render_json
from kpo_provision.report.junit import render_junit
from kpo_provision.report.run import RunReport
from kpo_provision.report.text import render_text

__all__ = [
    "RunReport",
    "exit_code_of_preview",
    "render_changes_json",
    "render_changes_text",
    "render_json",
    "render_junit",
    "render_status_json",
    "render_status_text",
    "render_text",
]
