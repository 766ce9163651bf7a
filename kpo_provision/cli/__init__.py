"""Arguments in, exit code out. Nothing outside this package prints.

Command modules import what they need inside their functions, so that ``--help`` stays quick.
"""

from __future__ import annotations

import gc
import shlex
import signal
import sys
from collections.abc import Sequence
from typing import NoReturn

import click

from kpo_provision import errors
from kpo_provision.cli.app import app
from kpo_provision.cli.terminal import Terminal

_GARBAGE_THRESHOLD = 20_000


def main(argv: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and leave with its exit code."""
    # Whoever ends a job with SIGTERM gets what Ctrl-C gets: no probe pod is left, and words on how to go on.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    # Modules are loaded and objects read that all stay: looking for garbage among them takes a twentieth of a start.
    gc.set_threshold(_GARBAGE_THRESHOLD)
    terminal = Terminal.from_environment()
    terminal.next_command = shlex.join(["kpo-provision", *(sys.argv[1:] if argv is None else argv)])
    sys.exit(_run(terminal, argv))


def _run(terminal: Terminal, argv: Sequence[str] | None) -> int:
    try:
        outcome = app.main(args=argv, prog_name="kpo-provision", standalone_mode=False, obj=terminal)
        return int(outcome or errors.ExitCode.OK)
    except click.ClickException as e:
        return _refuse(terminal, e)
    except (KeyboardInterrupt, click.Abort):
        terminal.show_interruption()
        return errors.ExitCode.INTERRUPTED
    except errors.KpoProvisionError as e:
        return terminal.fail(e)
    except BrokenPipeError:
        sys.stderr.close()
        return errors.ExitCode.OK
    except Exception as e:  # noqa: BLE001 - the one place where our own faults end; the traceback is shown
        return terminal.show_bug(e)


def _refuse(terminal: Terminal, error: click.ClickException) -> int:
    """Show what is wrong with the command line; without any arguments, show the help."""
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        terminal.write(error.format_message())
        return errors.ExitCode.SPEC
    context = getattr(error, "ctx", None)
    hint = f"`{context.command_path} --help` shows how it is used" if context else ""
    return terminal.fail(errors.UsageError(error.format_message(), hint=hint))
