"""``kpo-provision render``."""

from __future__ import annotations

from pathlib import Path

import click

from kpo_provision.cli.options import output_options, spec_argument
from kpo_provision.cli.terminal import Terminal

EXAMPLES = """\b
Examples:
  kpo-provision render kpo-provision.yaml --out deploy
  kubectl apply --server-side -k deploy"""


@click.command(
    "render",
    short_help="Write the manifests to a folder, for Git, Flux or Argo CD.",
    epilog=EXAMPLES,
)
@spec_argument
@click.option("--out", required=True, type=click.Path(path_type=Path, file_okay=False), help="Folder to write.")
@output_options
@click.pass_obj
def command(terminal: Terminal, *, spec: Path, out: Path) -> None:
    """Write every Kubernetes object of SPEC to a folder with a kustomization.yaml: the same bytes for the same spec.

    Registry secrets are never in it: secrets.json names those that `kpo-provision apply` fills.
    """
    from kpo_provision import pipeline
    from kpo_provision.render.folder import write_bundle

    decided = pipeline.decide(spec)
    files = write_bundle(decided.bundle, out)
    gaps = sum(len(tenant.secrets) for tenant in decided.bundle.tenants)
    if terminal.is_json:
        terminal.write_json(
            {"schema": "kpo-provision/render/v1", "out": str(out), "files": [str(f) for f in files], "secretGaps": gaps}
        )
        return
    terminal.write(f"wrote {len(files)} files to {out}; {gaps} registry secrets are left out, see secrets.json")
