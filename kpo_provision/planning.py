"""The order of things for ``size``: Path -> Spec -> InstallationSize.

Apart from ``pipeline``, which loads all that changes a cluster: a third of a second that ``size`` has no use for.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from kpo_provision import catalog
from kpo_provision.sizing import pools
from kpo_provision.spec import load_spec, model


def size_pools(path: Path, options: pools.SizeOptions) -> pools.InstallationSize:
    """Size the pools of a spec. Pure: needs no cluster and no credentials."""
    spec = load_spec(path)
    return pools.size_pools(spec, load_catalog(path, spec), options)


def size_observed(path: Path, options: pools.SizeOptions, *, environ: Mapping[str, str]) -> pools.InstallationSize:
    """Size the pools of a spec with the nodes that its cluster has now; only reads."""
    from kpo_provision import observe, sizing, target

    spec = load_spec(path)
    planned = sizing.size(spec)
    cluster = target.open_target(spec, planned, environ=environ)
    wanted = [pool for pool in planned.pools if options.pool in (None, pool.name)]
    return pools.size_pools(spec, load_catalog(path, spec), options, seen=observe.read_nodes(cluster.api, wanted))


def load_catalog(path: Path, spec: model.Installation) -> catalog.Catalog:
    """Load the catalog with the spec's own file, which is relative to the spec."""
    own = spec.sizing.catalog
    return catalog.load_catalog(path.parent / Path(own).expanduser() if own else None)
