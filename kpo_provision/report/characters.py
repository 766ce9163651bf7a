"""Makes text from a cluster harmless: what would steer a terminal, or turn text around, is shown instead of obeyed."""

from __future__ import annotations

import re

_HARMFUL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 and C1 controls, but for tab and line feed
    "\u061c\u200b-\u200f\u2028\u2029\u202a-\u202e\u2060-\u2069\ufeff"  # invisible marks and bidirectional overrides
    "\ud800-\udfff\ufffe\uffff]"  # not characters at all, and not allowed in XML
)


def clean(text: str) -> str:
    """Replace characters that are not for showing by their escapes; tabs and line breaks stay."""
    return _HARMFUL.sub(lambda match: _escape(ord(match[0])), text)


def clean_line(text: str) -> str:
    """Clean text and put it on one line."""
    return clean(" ".join(text.split("\n")).replace("\t", " "))


def _escape(code: int) -> str:
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
