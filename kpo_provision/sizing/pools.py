"""Sizes every pool of an installation: which machines come into question, what a node of each is, which one it is.

Where live nodes were seen, they are believed before the model.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass, replace

from kpo_provision import errors, plan
from kpo_provision.catalog import Catalog, Cloud, tables
from kpo_provision.sizing import candidates, choice, declared, demand, installation, observed, requests, shape, sidecars
from kpo_provision.sizing.node import NodeShape, Platform, Reason
from kpo_provision.sizing.observed import Comparison, ObservedNode
from kpo_provision.sizing.pool import PoolDemand, PoolSize
from kpo_provision.spec import model

_GCP_PRICES = "gcp_families.csv"


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeOptions:
    """What the command line says over the spec; ``pool`` is the only one to size."""

    platform: Platform | None = None
    version: str | None = None
    pool: str | None = None
    compare: int = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class InstallationSize:
    """Every pool of an installation, sized.

    ``platform`` is None where only live nodes say what a node is. ``sources`` say where machines and prices come from,
    ``warnings`` what of that could not be read.
    """

    installation: str
    tenants: int
    platform: Platform | None
    version: str | None
    pools: tuple[PoolSize, ...]
    sources: tuple[str, ...]
    comparisons: tuple[Comparison, ...]
    warnings: tuple[str, ...]


def size_pools(
    spec: model.Installation, catalog: Catalog, options: SizeOptions, *, seen: Sequence[ObservedNode] = ()
) -> InstallationSize:
    """Choose machine and node counts of every pool; ``seen`` are the live nodes, as far as somebody looked.

    Raises:
        errors.SizingError: Nobody said what the nodes are, or no node holds what a pool is promised.
    """
    planned = installation.size(spec)
    _require_pool(planned, options.pool)
    basis = requests.Basis(
        spec=spec,
        catalog=catalog,
        platform=options.platform or declared.declared_platform(spec),
        version=declared.declared_version(spec) if options.version is None else options.version,
    )
    sized: list[PoolSize] = []
    comparisons: list[Comparison] = []
    for wanted in demand.make_demands(spec, planned):
        if options.pool in (None, wanted.name):
            alike = observed.group_nodes([node for node in seen if node.pool == wanted.name])
            pool = _size_pool(basis, wanted, [truth for truth, _ in alike], compare=options.compare)
            sized.append(sidecars.allow_for(pool, spec.sizing.mesh))
            comparisons += [_compare(basis, truth, count) for truth, count in alike]
    return InstallationSize(
        installation=planned.installation,
        tenants=sum(len(pool.demand.promises) for pool in sized),
        platform=basis.platform,
        version=basis.version,
        pools=tuple(sized),
        sources=_name_sources(catalog, sized),
        comparisons=tuple(comparisons),
        warnings=catalog.warnings,
    )


def _require_pool(planned: plan.Plan, name: str | None) -> None:
    """Refuse a pool that the spec does not have, and a spec without pools."""
    known = [pool.name for pool in planned.pools]
    if not known:
        raise errors.SizingError("the spec has no node pool to size", hint="add one under nodePools")
    if name is not None and name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]}?" if near else f"the spec has: {', '.join(known[:10])}"
        raise errors.UsageError(f"the spec has no node pool {errors.clip(name)}", hint=hint)


def _size_pool(basis: requests.Basis, wanted: PoolDemand, truths: Sequence[ObservedNode], *, compare: int) -> PoolSize:
    if basis.platform is None or (truths and _names_no_machine(basis, basis.platform, wanted)):
        return _size_as_seen(basis, wanted, truths, compare=compare)
    sized = choice.choose(wanted, _shape_nodes(basis, basis.platform, wanted, truths), compare=compare)
    if basis.platform is Platform.GKE and wanted.max_pods is None:
        enough = Reason(step="maxPods", text="enough for all pods of 1 AU that its CPUs and the promises allow")
        return replace(sized, shape=replace(sized.shape, reasons=_replace_reason(sized.shape.reasons, enough)))
    return sized


def _names_no_machine(basis: requests.Basis, platform: Platform, wanted: PoolDemand) -> bool:
    named = wanted.machine_type or wanted.machine_families or basis.spec.sizing.machine_types
    return platform not in candidates.CLOUDS and not named


def _size_as_seen(
    basis: requests.Basis, wanted: PoolDemand, truths: Sequence[ObservedNode], *, compare: int
) -> PoolSize:
    """Size a pool with the nodes that it has, where nobody said what others would be."""
    if not truths:
        raise errors.SizingError(
            f"nobody said who installs the nodes of pool {wanted.name}, so what their kubelets reserve is not known",
            hint=f"set sizing.platform to one of {', '.join(Platform)}, give --platform, or read the live nodes with "
            "--observe",
        )
    largest = max(truths, key=lambda truth: (truth.allocatable.memory_ki, truth.allocatable.cpu_milli))
    machine = observed.find_known(largest, basis.catalog, basis.platform) or observed.describe_machine(largest)
    pinned = replace(wanted, machine_type=machine.name)
    sized = choice.choose(pinned, [observed.shape_observed(largest, machine, basis.platform)], compare=compare)
    seen = Reason(step="machineType", text=f"{machine.name}: the largest machine that the pool has")
    return replace(sized, demand=wanted, reasons=_replace_reason(sized.reasons, seen))


def _replace_reason(reasons: Sequence[Reason], better: Reason) -> tuple[Reason, ...]:
    return tuple(better if reason.step == better.step else reason for reason in reasons)


def _shape_nodes(
    basis: requests.Basis, platform: Platform, wanted: PoolDemand, truths: Sequence[ObservedNode]
) -> list[NodeShape]:
    """Work out a node of every machine that comes into question; one that cannot be a node at all is left out."""
    own = candidates.own_machines(basis.spec.sizing.machine_types)
    machines = candidates.find_machines(wanted, basis.catalog, platform=platform, own=own)
    known = {truth.machine_type: truth for truth in truths}
    # Whatever the machine, the same DaemonSets will run on it.
    overhead = observed.most_overhead(truths) if truths else None
    promised_pods, has_range = wanted.promised.pods, wanted.pod_range_prefix is not None
    shapes: list[NodeShape] = []
    refused: errors.SizingError | None = None
    for machine in requests.leave_out_hopeless(machines, wanted):
        if machine.name in known:
            shapes.append(observed.shape_observed(known[machine.name], machine, platform))
            continue
        request = requests.request_node(basis, platform, wanted.name, machine)
        request = replace(request, overhead=overhead) if overhead is not None else request
        try:
            variants = requests.vary_pods(request, promised_pods=promised_pods, has_range=has_range)
            shapes += [shape.shape_node(variant) for variant in variants]
        except errors.SizingError as error:
            refused = error
    if refused is not None and not shapes:
        raise refused
    return shapes


def _compare(basis: requests.Basis, truth: ObservedNode, count: int) -> Comparison:
    if basis.platform is None:
        return observed.compare(truth, count, basis.catalog, request=None)
    machine = observed.describe_machine(truth)
    request = requests.request_node(basis, basis.platform, truth.pool, machine)
    return observed.compare(truth, count, basis.catalog, request=request)


def _name_sources(catalog: Catalog, sized: Sequence[PoolSize]) -> tuple[str, ...]:
    clouds = {pool.shape.machine.cloud for pool in sized}
    sources = [str(source) for source in catalog.sources if source.cloud in clouds]
    # Only Compute Engine's prices are a table of their own.
    if Cloud.GCP in clouds:
        sources.append(f"list prices: us-central1, {tables.read_source(_GCP_PRICES)}")
    return tuple(sources)
