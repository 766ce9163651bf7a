"""Reads what a cluster holds of an installation: one LIST a kind for all tenants, however many there are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from kpo_provision import errors
from kpo_provision.kube.api import Api
from kpo_provision.kube.kinds import Manifest
from kpo_provision.tenants import objects
from kpo_provision.tenants.objects import ObjectKey

_READERS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """The state of a cluster as far as one installation is concerned."""

    installation: str
    ours: Mapping[ObjectKey, Manifest]
    """Every object that carries the installation's labels."""
    namespaces: Mapping[str, Manifest]
    """Every namespace, metadata only."""
    others: Mapping[ObjectKey, Manifest]
    """Objects without our labels where shared ones of ours would go."""


def read_live(api: Api, installation: str, *, shared: Iterable[ObjectKey] = ()) -> Live:
    """Read everything of an installation, and what stands where its ``shared`` objects would go.

    Raises:
        errors.ClusterError: The cluster does not answer, or refuses.
    """
    kinds = (*objects.SHARED_KINDS, *objects.TENANT_KINDS)
    with ThreadPoolExecutor(_READERS, thread_name_prefix="read") as readers:
        try:
            listed_namespaces = readers.submit(api.list, "Namespace", metadata_only=True)
            listed = readers.map(lambda kind: _list_served(api, kind, installation), kinds)
            ours = {objects.key_of(manifest): manifest for manifests in listed for manifest in manifests}
            missing = [key for key in shared if key not in ours]
            found = readers.map(lambda key: _read_if_there(api, key), missing)
            return Live(
                installation=installation,
                ours=ours,
                namespaces={item["metadata"]["name"]: item for item in listed_namespaces.result()},
                others={key: manifest for key, manifest in zip(missing, found, strict=True) if manifest is not None},
            )
        except KeyboardInterrupt:
            readers.shutdown(wait=False, cancel_futures=True)
            api.abort()
            raise


def _list_served(api: Api, kind: str, installation: str) -> list[Manifest]:
    try:
        return api.list(kind, label_selector=objects.selector(installation))
    except errors.ApiError as error:
        if error.is_not_found:  # the server is too old to know the kind
            return []
        raise


def _read_if_there(api: Api, key: ObjectKey) -> Manifest | None:
    try:
        return api.read(key.kind, key.name, key.namespace or None)
    except errors.ApiError as error:
        if error.is_not_found:
            return None
        raise
