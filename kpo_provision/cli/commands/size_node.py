"""``kpo-provision size node``."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar, Unpack

import click

from kpo_provision import errors, quantity
from kpo_provision.cli.options import output_options
from kpo_provision.cli.reports import make_layout
from kpo_provision.cli.terminal import Terminal

if TYPE_CHECKING:
    from kpo_provision.catalog import MachineType
    from kpo_provision.sizing.machines import Description
    from kpo_provision.sizing.node import NodeRequest, Platform, Reservations
    from kpo_provision.sizing.resources import Resources

F = TypeVar("F", bound=Callable[..., Any])

PLATFORMS = ("gke", "eks", "aks", "kubeadm", "kubespray", "k3s", "rke2", "selfHosted", "custom")
IMAGES = ("cos", "ubuntu", "al2", "al2023", "bottlerocket")
NETWORKINGS = ("eni", "prefix", "custom")
_LONGEST_COUNT = 30
"""Digits; what is longer is no number of anything here."""


class _CountType(click.ParamType[int]):
    """A whole number from 1 on. What is too much of what it counts is for ``sizing`` to say."""

    name = "n"

    def convert(self, value: int | str, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Parse it."""
        text = str(value)
        if not text.isascii() or not text.isdigit() or len(text) > _LONGEST_COUNT or int(text) == 0:
            self.fail(f"{errors.clip(text)!r} is no whole number of 1 to {_LONGEST_COUNT} digits above 0", param, ctx)
        return int(text)


class _QuantityType(click.ParamType[quantity.Quantity]):
    """A Kubernetes quantity that is not negative."""

    name = "quantity"

    def convert(
        self, value: quantity.Quantity | str, param: click.Parameter | None, ctx: click.Context | None
    ) -> quantity.Quantity:
        """Parse it."""
        if isinstance(value, quantity.Quantity):
            return value
        try:
            amount = quantity.parse_quantity(value)
        except quantity.QuantityError as e:
            self.fail(str(e), param, ctx)
        if amount.nano < 0:
            self.fail(f"{value} is negative", param, ctx)
        return amount


_COUNT = _CountType()


class _Given(TypedDict):
    """The options, as click hands them over."""

    platform: str
    machine: str | None
    vcpu: int | None
    memory_mib: int | None
    architecture: str | None
    enis: int | None
    ips_per_eni: int | None
    catalog: Path | None
    version: str | None
    os: str | None
    max_pods: int | None
    reserved_pods: int | None
    networking: str
    capacity_ki: int | None
    ephemeral_capacity_ki: int | None
    disk_gib: int
    local_ssds: int
    image_streaming: bool
    confidential: bool
    pod_based_memory: bool
    kube_reserved_cpu: quantity.Quantity | None
    kube_reserved_memory: quantity.Quantity | None
    kube_reserved_storage: quantity.Quantity | None
    system_reserved_cpu: quantity.Quantity | None
    system_reserved_memory: quantity.Quantity | None
    eviction_memory: quantity.Quantity | None
    overhead_cpu: quantity.Quantity | None
    overhead_memory: quantity.Quantity | None
    overhead_pods: int | None


def _options(*options: Callable[[F], F]) -> Callable[[F], F]:
    def add(function: F) -> F:
        for option in reversed(options):
            function = option(function)
        return function

    return add


def _amounts(names: Sequence[str], text: str) -> Callable[[F], F]:
    return _options(*(click.option(f"--{name}", type=_QuantityType(), metavar="QUANTITY", help=text) for name in names))


_machine_options = _options(
    click.option("--platform", type=click.Choice(PLATFORMS), required=True, help="Who installs the kubelet."),
    click.option("--machine", metavar="TYPE", help="Machine type, as its cloud names it."),
    click.option("--vcpu", type=_COUNT, help="CPUs, where the catalog does not know the machine."),
    click.option("--memory-mib", type=_COUNT, help="Nominal memory in MiB, likewise."),
    click.option("--architecture", type=click.Choice(["amd64", "arm64"]), help="Likewise."),
    click.option("--enis", type=_COUNT, help="EKS: network interfaces of the default card, likewise."),
    click.option("--ips-per-eni", type=_COUNT, help="EKS: IPv4 addresses of each, likewise."),
    click.option("--catalog", type=click.Path(path_type=Path), help="File with machine types of your own."),
)
_kubelet_options = _options(
    click.option("--version", help="Kubernetes or GKE version; the newest known if left out."),
    click.option("--os", type=click.Choice(IMAGES), help="Node image: cos or ubuntu on GKE, the others on EKS."),
    click.option("--max-pods", type=_COUNT, help="Most pods on the node; the platform's default if left out."),
    click.option("--reserved-pods", type=_COUNT, help="EKS: pods that the reservation counts (maxPodsExpression)."),
    click.option(
        "--networking",
        type=click.Choice(NETWORKINGS),
        default="eni",
        show_default=True,
        help="EKS: addresses for pods.",
    ),
    click.option("--image-streaming", is_flag=True, help="GKE: Image Streaming is on."),
    click.option("--confidential", is_flag=True, help="GKE: confidential nodes."),
    click.option("--pod-based-memory", is_flag=True, help="GKE 1.37: the pool reserves memory by its maximum of pods."),
)
_capacity_options = _options(
    click.option("--capacity-ki", type=_COUNT, help="Memory capacity as seen on a node, in KiB; else it is predicted."),
    click.option("--ephemeral-capacity-ki", type=_COUNT, help="Ephemeral storage as seen on a node, in KiB."),
    click.option("--disk-gib", type=_COUNT, default=100, show_default=True, help="Boot disk in GiB."),
    click.option(
        "--local-ssds",
        type=click.IntRange(0, 32),
        default=0,
        metavar="N",
        help="GKE: local SSDs for ephemeral storage.",
    ),
)
_reservation_options = _options(
    _amounts(
        ("kube-reserved-cpu", "kube-reserved-memory", "kube-reserved-storage"),
        "What the kubelet was told, or a GKE pool's effective value; wins over the platform's rule.",
    ),
    _amounts(("system-reserved-cpu", "system-reserved-memory"), "What the kubelet was told; nothing if left out."),
    _amounts(("eviction-memory",), "evictionHard.memory.available; wins over the platform's rule."),
    _amounts(("overhead-cpu", "overhead-memory"), "Requests of what runs on every node; the usual if left out."),
    click.option("--overhead-pods", type=click.IntRange(0, 1000), metavar="N", help="How many pods these are."),
)


@click.command(
    "node",
    short_help="Work out one node: capacity, allocatable, largest pod.",
    epilog="\b\nExamples:\n"
    "  kpo-provision size node --platform gke --machine n2-standard-4 --version 1.34\n"
    "  kpo-provision size node --platform eks --machine m6i.large --networking prefix\n"
    "  kpo-provision size node --platform custom --vcpu 8 --memory-mib 32768 --kube-reserved-memory 1Gi -o json",
)
@_machine_options
@_kubelet_options
@_capacity_options
@_reservation_options
@output_options
@click.pass_obj
def command(terminal: Terminal, **given: Unpack[_Given]) -> None:
    """Work out one node, step by step: nominal memory, capacity, allocatable, schedulable, largest pod.

    Asks no cluster and no cloud. Every step says why it is what it is.
    """
    from kpo_provision.catalog import load_catalog
    from kpo_provision.report.node_document import render_node_json
    from kpo_provision.report.node_text import render_node_text
    from kpo_provision.sizing.machines import find_machine
    from kpo_provision.sizing.node import Platform
    from kpo_provision.sizing.possibility import check_allocatable
    from kpo_provision.sizing.shape import shape_node

    platform = Platform(given["platform"])
    machine, warnings = find_machine(_describe(given), load_catalog(given["catalog"]), platform=platform)
    shape = shape_node(_request(given, machine, platform))
    check_allocatable(shape)
    shape = dataclasses.replace(shape, warnings=warnings + shape.warnings)
    if terminal.is_json:
        terminal.write(render_node_json(shape))
        return
    terminal.write(render_node_text(shape, layout=make_layout(terminal)))


def _describe(given: _Given) -> Description:
    from kpo_provision.catalog import EniLimits
    from kpo_provision.sizing.machines import Description

    interfaces, addresses = given["enis"], given["ips_per_eni"]
    if (interfaces is None) != (addresses is None):
        raise errors.UsageError("--enis and --ips-per-eni go together", hint="give both or neither")
    eni = None
    if interfaces is not None and addresses is not None:
        eni = EniLimits(interfaces=interfaces, addresses=addresses)
    return Description(
        name=given["machine"],
        vcpu=given["vcpu"],
        memory_mib=given["memory_mib"],
        architecture=given["architecture"],
        eni=eni,
    )


def _request(given: _Given, machine: MachineType, platform: Platform) -> NodeRequest:
    from kpo_provision.sizing.node import NodeImage, NodeRequest, PodNetworking

    return NodeRequest(
        platform=platform,
        machine=machine,
        version=given["version"],
        image=NodeImage(given["os"]) if given["os"] else None,
        max_pods=given["max_pods"],
        capacity_ki=given["capacity_ki"],
        image_streaming=given["image_streaming"],
        confidential=given["confidential"],
        disk_gib=given["disk_gib"],
        ephemeral_capacity_ki=given["ephemeral_capacity_ki"],
        local_ssds=given["local_ssds"],
        networking=PodNetworking(given["networking"]),
        reserved_pods=given["reserved_pods"],
        pod_based_memory=given["pod_based_memory"],
        overhead=_overhead(given, platform),
        reservations=_reservations(given),
    )


def _reservations(given: _Given) -> Reservations:
    from kpo_provision.sizing.node import Reservations

    storage = given["kube_reserved_storage"]
    return Reservations(
        kube_cpu_milli=_milli(given["kube_reserved_cpu"]),
        kube_memory_ki=_ki(given["kube_reserved_memory"]),
        kube_ephemeral_bytes=None if storage is None else storage.value,
        system_cpu_milli=_milli(given["system_reserved_cpu"]),
        system_memory_ki=_ki(given["system_reserved_memory"]),
        eviction_memory_ki=_ki(given["eviction_memory"]),
    )


def _overhead(given: _Given, platform: Platform) -> Resources | None:
    from kpo_provision.sizing.overhead import complete_overhead

    cpu_milli, memory_ki, pods = _milli(given["overhead_cpu"]), _ki(given["overhead_memory"]), given["overhead_pods"]
    if cpu_milli is None and memory_ki is None and pods is None:
        return None
    overhead, _ = complete_overhead(platform, cpu_milli=cpu_milli, memory_ki=memory_ki, pods=pods)
    return overhead


def _milli(amount: quantity.Quantity | None) -> int | None:
    return None if amount is None else amount.milli


def _ki(amount: quantity.Quantity | None) -> int | None:
    """Return whole KiB, rounded up: less is never reserved than was said."""
    return None if amount is None else amount.ki
