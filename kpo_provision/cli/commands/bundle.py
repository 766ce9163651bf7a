"""``kpo-provision bundle``: what hosts without the Internet need, in one file."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kpo_provision.cli.options import output_options
from kpo_provision.cli.terminal import Terminal

if TYPE_CHECKING:
    from kpo_provision.airgap.contents import Bundle

_SCHEMA = "kpo-provision/bundle-report/v1"
_MIB = 1 << 20


@click.group(
    "bundle",
    short_help="Make and check a bundle for hosts without the Internet.",
    epilog="\b\nExamples:\n  kpo-provision bundle create --out kpo-bundle.tar.gz --image pause.tar\n"
    "  kpo-provision bundle verify kpo-bundle.tar.gz",
)
def command() -> None:
    """A bundle holds the programs, units and images that make a host a node; `target.selfHosted.bundle` names it."""


@command.command(
    "create",
    epilog="\b\nExamples:\n  kpo-provision bundle create --out kpo-bundle.tar.gz --image pause.tar\n"
    "  kpo-provision bundle create --out b.tar.gz --from https://mirror.acme.io --kubernetes 1.37.1",
)
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", required=True, help="The file to write.")
@click.option(
    "--from",
    "mirror",
    metavar="MIRROR",
    help="A folder or URL with releases below the names of their hosts, such as MIRROR/dl.k8s.io/release/...; "
    "this machine's own programs when absent.",
)
@click.option("--kubernetes", metavar="VERSION", help="Version that the mirror has, such as 1.37.1.")
@click.option(
    "--runc", type=click.Path(path_type=Path), metavar="FILE", help="The program runc; the PATH's when absent."
)
@click.option(
    "--image",
    "images",
    type=click.Path(path_type=Path),
    metavar="FILE",
    multiple=True,
    help="An archive of images, as `ctr images export` or `docker save` writes it. May be repeated.",
)
@output_options
@click.pass_obj
def create(
    terminal: Terminal,
    *,
    out: Path,
    mirror: str | None,
    kubernetes: str | None,
    runc: Path | None,
    images: tuple[Path, ...],
) -> None:
    """Write a bundle for hosts like this machine: the programs of a node, units, and the images that are named.

    Without --from the programs are those of the local cluster, downloaded with their checksums or built once. Those
    of a mirror are held against the checksums beside them.
    """
    from kpo_provision import errors, local
    from kpo_provision.airgap.create import Sources, create_bundle

    if kubernetes and not mirror:
        raise errors.UsageError(
            "--kubernetes needs --from, where that version is", hint="leave it out, or name a mirror"
        )
    cache = local.LocalOptions.from_environment(os.environ).cache
    sources = Sources(
        cache=cache, mirror=mirror, kubernetes=kubernetes and kubernetes.removeprefix("v"), runc=runc, images=images
    )
    with terminal.progress() as progress:
        bundle = create_bundle(out, sources, progress=progress)
    _show(terminal, bundle, out, done="wrote")


@command.command("verify", epilog="\b\nExample:\n  kpo-provision bundle verify kpo-bundle.tar.gz -o json")
@click.argument("file", type=click.Path(path_type=Path))
@output_options
@click.pass_obj
def verify(terminal: Terminal, file: Path) -> None:
    """Read the whole of a bundle, and hold every file in it against its checksum."""
    from kpo_provision.airgap.archive import verify_bundle

    with terminal.progress() as progress:
        bundle = verify_bundle(file, progress=progress)
    _show(terminal, bundle, file, done="verified")


def _show(terminal: Terminal, bundle: Bundle, file: Path, *, done: str) -> None:
    if terminal.is_json:
        terminal.write_json(_document(bundle, file))
        return
    lines = [
        f"{done} {file}: {bundle.size / _MIB:.0f} MiB, {len(bundle.files)} files, for {bundle.architecture}",
        f"  {', '.join(f'{part.name} {part.version}' for part in bundle.parts)}",
        f"  images: {', '.join(bundle.images) or 'none'}",
        f"  SHA-256 {bundle.sha256}",
    ]
    terminal.write("\n".join(lines))


def _document(bundle: Bundle, file: Path) -> dict[str, Any]:
    from kpo_provision.airgap.contents import describe_file

    return {
        "schema": _SCHEMA,
        "file": str(file),
        "sha256": bundle.sha256,
        "size": bundle.size,
        "architecture": bundle.architecture,
        "kubernetes": bundle.kubernetes,
        "containerd": bundle.containerd,
        "parts": [dataclasses.asdict(part) for part in bundle.parts],
        "images": list(bundle.images),
        "files": [describe_file(each) for each in bundle.files],
    }
