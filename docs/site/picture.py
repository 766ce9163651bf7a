"""Runs a command in a terminal of its own and draws what it printed: ``picture.py OUT TITLE COMMAND...``.

The picture names no font of another host, so that a browser that shows it asks nobody.
"""

from __future__ import annotations

import fcntl
import io
import os
import pty
import re
import shlex
import struct
import subprocess
import sys
import termios
from collections.abc import Sequence
from pathlib import Path

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.text import Text

COLUMNS = 120
_FONTS = re.compile(r"@font-face \{\{.*?\}\}\s*", re.DOTALL)


def run_in_terminal(command: Sequence[str]) -> str:
    """Run a command whose stdout is a terminal, and return what it printed there; stderr stays ours."""
    terminal, its_end = pty.openpty()
    fcntl.ioctl(its_end, termios.TIOCSWINSZ, struct.pack("HHHH", 50, COLUMNS, 0, 0))
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=its_end) as process:
        os.close(its_end)
        printed = b"".join(iter(lambda: _read(terminal), b""))
    os.close(terminal)
    if process.returncode:
        raise SystemExit(f"{shlex.join(command)} ended with {process.returncode}; no picture was drawn")
    return printed.decode().replace("\r\n", "\n")


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # Linux says EIO once the other end is closed
        return b""


def draw(printed: str, *, title: str) -> str:
    """Draw what a command printed, as SVG; the same text is always the same picture."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), color_system="standard", force_terminal=True)
    console.print(Text.from_ansi(printed), soft_wrap=True)
    picture = console.export_svg(title=title, code_format=_FONTS.sub("", CONSOLE_SVG_FORMAT), unique_id="terminal")
    picture = picture.replace("<svg ", f'<svg role="img" aria-label="{title}" ', 1)
    return "".join(f"{line.rstrip()}\n" for line in picture.splitlines())


def main() -> None:
    """Draw the command of the command line."""
    out, title, *command = sys.argv[1:]
    printed = run_in_terminal(command)
    Path(out).write_text(draw(f"$ {title}\n{printed}", title=title), encoding="utf-8")


if __name__ == "__main__":
    main()
