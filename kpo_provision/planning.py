"""The order of things for ``size`` and ``runbook``: Path -> Spec -> InstallationSize.

Apart from ``pipeline``, which loads all that changes a cluster: a third of a second that ``size`` has no use for. What
sizes pools is loaded when pools are sized, which most targets have no use for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from kpo_provision.spec import load_spec, model, paths

if TYPE_CHECKING:
    from kpo_provision.catalog import Catalog
    from kpo_provision.runbook import Subject
    from kpo_provision.sizing.observed import ObservedNode
    from kpo_provision.sizing.pools import InstallationSize, SizeOptions


def size_pools(path: Path, options: SizeOptions) -> InstallationSize:
    """Size the pools of a spec. Pure: needs no cluster and no credentials."""
    return _size(path, load_spec(path), options)


def size_observed(path: Path, options: SizeOptions, *, environ: Mapping[str, str]) -> InstallationSize:
    """Size the pools of a spec with the nodes that its cluster has now; only reads."""
    from kpo_provision import observe, sizing, target

    spec = load_spec(path)
    planned = sizing.size(spec)
    sized = size_made_pools(path, spec)
    cluster = target.choose_target(spec, planned, sized, base=path.parent, environ=environ).open()
    wanted = [pool for pool in planned.pools if options.pool in (None, pool.name)]
    return _size(path, spec, options, seen=observe.read_nodes(cluster.api, wanted))


def size_made_pools(path: Path, spec: model.Installation) -> InstallationSize | None:
    """Size the pools of a target that makes them; None where the nodes are others' business."""
    if spec.target.gke is None and spec.target.self_hosted is None:
        return None
    from kpo_provision.sizing.pools import SizeOptions

    return _size(path, spec, SizeOptions(compare=0))


def describe_runbook(path: Path) -> Subject:
    """Say what the runbook of a spec is about: sized wherever the spec says what the nodes are. Pure."""
    import hashlib

    from kpo_provision import __version__, render, sizing
    from kpo_provision.runbook import Subject
    from kpo_provision.sizing import declared
    from kpo_provision.sizing.pools import SizeOptions

    spec = load_spec(path)
    planned = sizing.size(spec)
    is_known = declared.declared_platform(spec) is not None and planned.pools
    return Subject(
        file=path.name,
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        spec=spec,
        plan=planned,
        bundle=render.render(planned),
        size=_size(path, spec, SizeOptions()) if is_known else None,
        tool_version=__version__,
    )


def _size(
    path: Path, spec: model.Installation, options: SizeOptions, *, seen: Sequence[ObservedNode] = ()
) -> InstallationSize:
    from kpo_provision.sizing import pools

    return pools.size_pools(spec, load_catalog(path, spec), options, seen=seen)


def load_catalog(path: Path, spec: model.Installation) -> Catalog:
    """Load the catalog with the spec's own file, which is relative to the spec."""
    from kpo_provision import catalog

    own = spec.sizing.catalog
    return catalog.load_catalog(paths.resolve_path(own, base=path.parent) if own else None)
