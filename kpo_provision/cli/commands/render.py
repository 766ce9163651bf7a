"""``kpo-provision render``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from kpo_provision.cli.options import output_options, spec_argument
from kpo_provision.cli.terminal import Terminal

if TYPE_CHECKING:
    from kpo_provision import pipeline

TERRAFORM_CLOUD = "terraform-cloud"
EXAMPLES = """\b
Examples:
  kpo-provision render kpo-provision.yaml --out deploy
  kubectl apply --server-side -k deploy
  kpo-provision render kpo-provision.yaml --for terraform-cloud --out terraform"""


@click.command(
    "render",
    short_help="Write the manifests to a folder, for Git, Flux, Argo CD or Terraform Cloud.",
    epilog=EXAMPLES,
)
@spec_argument
@click.option("--out", required=True, type=click.Path(path_type=Path, file_okay=False), help="Folder to write.")
@click.option(
    "--for",
    "reader",
    type=click.Choice(["manifests", TERRAFORM_CLOUD]),
    default="manifests",
    show_default=True,
    help="What the folder is for: manifests alone, or the roots of two workspaces of Terraform Cloud.",
)
@output_options
@click.pass_obj
def command(terminal: Terminal, *, spec: Path, out: Path, reader: str) -> None:
    """Write every Kubernetes object of SPEC to a folder with a kustomization.yaml: the same bytes for the same spec.

    Registry secrets are never in it: secrets.json names those that `kpo-provision apply` fills.

    With `--for terraform-cloud` the folder holds infrastructure/ and tenants/, and a README.md of what to set in the
    workspace of each.
    """
    from kpo_provision import pipeline
    from kpo_provision.render.folder import write_bundle

    decided = pipeline.decide(spec)
    is_for_cloud = reader == TERRAFORM_CLOUD
    files = _write_terraform_cloud(terminal, decided, out) if is_for_cloud else write_bundle(decided.bundle, out)
    gaps = sum(len(tenant.secrets) for tenant in decided.bundle.tenants)
    if terminal.is_json:
        terminal.write_json(
            {"schema": "kpo-provision/render/v1", "out": str(out), "files": [str(f) for f in files], "secretGaps": gaps}
        )
        return
    where = "README.md" if is_for_cloud else "secrets.json"
    left_out = "1 registry secret is left out" if gaps == 1 else f"{gaps} registry secrets are left out"
    terminal.write(f"wrote {len(files)} files to {out}; {left_out}, see {where}")


def _write_terraform_cloud(terminal: Terminal, decided: pipeline.Decided, out: Path) -> tuple[Path, ...]:
    from kpo_provision.render import terraform_cloud

    rendered = terraform_cloud.render_terraform_cloud(decided.spec, decided.size, decided.bundle)
    tenants = len(decided.bundle.tenants)
    if tenants > terraform_cloud.FEW_TENANTS:
        terminal.say(
            f"note: Terraform takes minutes to plan {tenants} tenants, object by object, at every run; "
            f"use infrastructure/ alone and `kpo-provision apply {decided.path}` for the tenants"
        )
    return terraform_cloud.write_terraform_cloud(rendered, out)
