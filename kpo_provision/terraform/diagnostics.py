"""What Terraform found wrong: its diagnostics as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnostic:
    """One error or warning. ``address`` is the resource it is about and ``place`` is file and line, where known."""

    severity: str
    summary: str
    detail: str = ""
    address: str = ""
    place: str = ""

    @property
    def is_error(self) -> bool:
        """Whether it is why the command failed."""
        return self.severity == "error"

    @property
    def text(self) -> str:
        """Summary and detail, as one text to look into."""
        return f"{self.summary}\n{self.detail}" if self.detail else self.summary


def parse_diagnostic(document: Mapping[str, Any]) -> Diagnostic:
    """Parse the ``diagnostic`` of an event, of ``validate -json`` or of a run in the cloud."""
    span = document.get("range") or {}
    line = (span.get("start") or {}).get("line")
    return Diagnostic(
        severity=str(document.get("severity", "error")),
        summary=str(document.get("summary", "")),
        detail=str(document.get("detail", "")),
        address=str(document.get("address", "")),
        place=f"{span['filename']}:{line}" if span.get("filename") and line else "",
    )
