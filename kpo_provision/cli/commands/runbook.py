"""``kpo-provision runbook``."""

from __future__ import annotations

from pathlib import Path

import click

from kpo_provision.cli.options import output_options, spec_argument
from kpo_provision.cli.terminal import Terminal

EXAMPLES = """\b
Examples:
  kpo-provision runbook kpo-provision.yaml --out runbook
  xdg-open runbook/runbook.html"""


@click.command(
    "runbook",
    short_help="Write the install runbook of a spec, for a change board.",
    epilog=EXAMPLES,
)
@spec_argument
@click.option("--out", required=True, type=click.Path(path_type=Path, file_okay=False), help="Folder to write.")
@output_options
@click.pass_obj
def command(terminal: Terminal, *, spec: Path, out: Path) -> None:
    """Write how SPEC is installed, proven, backed out and kept: the same bytes for the same spec.

    runbook.html is one page to print or hand on, runbook.md the same for a repository, change-request.json the fields
    of a change request. Where the cluster is others', installer.yaml holds the rights to be granted. Needs no cluster
    and no credentials.
    """
    from kpo_provision import planning
    from kpo_provision.runbook import write_runbook

    files = write_runbook(planning.describe_runbook(spec), out)
    if terminal.is_json:
        terminal.write_json({"schema": "kpo-provision/runbook/v1", "out": str(out), "files": [str(f) for f in files]})
        return
    terminal.write(f"wrote {', '.join(file.name for file in files)} to {out}")
