"""``kpo-provision catalog``: which machine types there are, and where that is known from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

import click

from kpo_provision.cli.options import output_options
from kpo_provision.cli.terminal import Terminal

if TYPE_CHECKING:
    from kpo_provision.catalog import MachineType


class _Scope(TypedDict):
    project: str | None
    zone: str | None
    region: str | None


_SCHEMA = "kpo-provision/machine-types/v1"
_CLOUDS = ("gcp", "aws", "azure", "own")
_MICRO = 1_000_000


@click.group(
    "catalog",
    short_help="Show the machine types that `size` knows; read a cloud's own list.",
    epilog="\b\nExamples:\n  kpo-provision catalog show n2-standard-4\n"
    "  kpo-provision catalog refresh --cloud aws --region eu-west-1",
)
def command() -> None:
    """Machine types, their memory and list prices, as `size` knows them. Works offline; a refresh asks the cloud."""


@command.command("show", epilog="\b\nExample:\n  kpo-provision catalog show --cloud gcp -o json")
@click.argument("name", required=False)
@click.option("--cloud", type=click.Choice(_CLOUDS), help="Only machine types of this cloud.")
@click.option(
    "--catalog", "extra", type=click.Path(path_type=Path), metavar="FILE", help="A file with more machine types."
)
@output_options
@click.pass_obj
def show(terminal: Terminal, name: str | None, cloud: str | None, extra: Path | None) -> None:
    """Show every machine type, or the one called NAME."""
    from kpo_provision.catalog import Cloud, load_catalog

    catalog = load_catalog(extra)
    clouds = [Cloud(cloud)] if cloud else list(Cloud)
    for warning in catalog.warnings:
        terminal.say(f"warning: {warning}")
    machines = [machine for each in clouds for machine in catalog.machines(each)]
    if name is not None:
        machines = [machine for machine in machines if machine.name == name] or [catalog.find(name, *clouds)]
    sources = [str(source) for source in catalog.sources if source.cloud in {machine.cloud for machine in machines}]
    if terminal.is_json:
        terminal.write_json(
            {
                "schema": _SCHEMA,
                "sources": sources,
                "machineTypes": [_document(machine) for machine in machines],
            }
        )
        return
    terminal.write("\n".join([*_render_table(machines), "", "Sources", *(f"  {line}" for line in sources)]))


@command.command("refresh", epilog="\b\nExample:\n  kpo-provision catalog refresh --cloud gcp --zone europe-west1-b")
@click.option("--cloud", type=click.Choice(["gcp", "aws"]), required=True, help="Whose list to read.")
@click.option("--project", metavar="PROJECT", help="GCP: the project; that of the credentials when absent.")
@click.option("--zone", metavar="ZONE", help="GCP: only machine types of this zone.")
@click.option("--region", metavar="REGION", help="AWS: the region; that of the profile when absent.")
@output_options
@click.pass_obj
def refresh(terminal: Terminal, *, cloud: str, **scope: Unpack[_Scope]) -> None:
    """Read a cloud's machine types from its API and keep them; `size` then chooses from these. Prices stay ours."""
    import datetime
    import os

    from kpo_provision import errors
    from kpo_provision.catalog import Cloud, refreshed

    foreign = {"gcp": {"region"}, "aws": {"project", "zone"}}[cloud]
    given = sorted(option for option, value in scope.items() if value and option in foreign)
    if given:
        raise errors.UsageError(f"--{given[0]} does not go with --cloud {cloud}")
    with terminal.progress() as progress, progress.step(f"Read the machine types of {cloud}") as step:
        if cloud == "gcp":
            from kpo_provision.clouds import gce

            project, machines = gce.read_machine_types(project=scope["project"], zone=scope["zone"], step=step)
            asked = f"project {project}" + (f", zone {scope['zone']}" if scope["zone"] else "")
        else:
            from kpo_provision.clouds import ec2

            region, machines = ec2.read_machine_types(region=scope["region"], step=step)
            asked = f"region {region}"
    if not machines:
        raise errors.CloudError(
            service=cloud, operation="listing machine types", problem=f"{asked} has none", hint="check the names"
        )
    found = refreshed.RefreshedList(
        cloud=Cloud(cloud),
        scope=asked,
        read_on=datetime.datetime.now(tz=datetime.UTC).date().isoformat(),
        machines=machines,
    )
    path = refreshed.save_list(found, refreshed.cache_folder(os.environ))
    if terminal.is_json:
        document = {"schema": _SCHEMA, "cloud": cloud, "scope": asked, "machineTypes": len(machines), "file": str(path)}
        terminal.write_json(document)
    else:
        terminal.write(f"{found.description}\nkept in {path}")


def _document(machine: MachineType) -> dict[str, Any]:
    return {
        "name": machine.name,
        "cloud": machine.cloud,
        "family": machine.family,
        "vcpu": machine.vcpu,
        "memoryMiB": machine.memory_mib,
        "architecture": machine.architecture,
        "isBurstable": machine.is_burstable,
        "priceMicroUsdPerHour": machine.price_micro_usd,
        "spotMicroUsdPerHour": machine.spot_micro_usd,
        "networkInterfaces": machine.eni.interfaces if machine.eni else None,
        "addressesPerInterface": machine.eni.addresses if machine.eni else None,
    }


def _render_table(machines: Sequence[MachineType]) -> list[str]:
    rows = [("MACHINE TYPE", "CLOUD", "VCPU", "MEMORY", "ARCH", "USD/HOUR")]
    rows += [
        (
            machine.name,
            machine.cloud.value,
            str(machine.vcpu),
            f"{machine.memory_mib} MiB",
            machine.architecture,
            "-" if machine.price_micro_usd is None else f"{machine.price_micro_usd / _MICRO:.5f}",
        )
        for machine in machines
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    numeric = (2, 3, 5)
    return [
        "  ".join(
            cell.rjust(width) if column in numeric else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
