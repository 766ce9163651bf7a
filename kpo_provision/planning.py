"""The order of things for ``size``: Path -> Spec -> InstallationSize.

Apart from ``pipeline``, which loads all that changes a cluster: a third of a second that ``size`` has no use for.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from kpo_provision import catalog
from kpo_provision.sizing import pools
from kpo_provision.spec import load_spec, model, paths


def size_pools(path: Path, options: pools.SizeOptions) -> pools.InstallationSize:
    """Size the pools of a spec. Pure: needs no cluster and no credentials."""
    spec = load_spec(path)
    return pools.size_pools(spec, load_catalog(path, spec), options)


def size_observed(path: Path, options: pools.SizeOptions, *, environ: Mapping[str, str]) -> pools.InstallationSize:
    """Size the pools of a spec with the nodes that its cluster has now; only reads."""
    from kpo_provision import observe, sizing, target

    spec = load_spec(path)
    planned = sizing.size(spec)
    sized = size_made_pools(path, spec)
    cluster = target.choose_target(spec, planned, sized, base=path.parent, environ=environ).open()
    wanted = [pool for pool in planned.pools if options.pool in (None, pool.name)]
    return pools.size_pools(spec, load_catalog(path, spec), options, seen=observe.read_nodes(cluster.api, wanted))


def size_made_pools(path: Path, spec: model.Installation) -> pools.InstallationSize | None:
    """Size the pools of a target that makes them; None where the nodes are others' business."""
    if spec.target.gke is None:
        return None
    return pools.size_pools(spec, load_catalog(path, spec), pools.SizeOptions(compare=0))


def load_catalog(path: Path, spec: model.Installation) -> catalog.Catalog:
    """Load the catalog with the spec's own file, which is relative to the spec."""
    own = spec.sizing.catalog
    return catalog.load_catalog(paths.resolve_path(own, base=path.parent) if own else None)
