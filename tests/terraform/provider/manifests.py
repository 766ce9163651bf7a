"""kubernetes_manifest: any object, by server-side apply. Of the object is kept what the manifest names."""

import json
import re

from tests.terraform.provider.errors import ProviderError
from tests.terraform.provider.kubernetes import APPLY, path_of
from tests.terraform.provider.values import UNKNOWN, settle


class Manifests:
    def __init__(self, block, api):
        self._block = block
        self._api = api

    def complete(self, prior, planned):
        """Say that the object changes where it is not what the manifest says."""
        if planned["manifest"] is UNKNOWN:
            return planned
        is_same = prior is not None and prior["object"] is not None and prior["object"][1] == planned["manifest"][1]
        return planned | {"object": prior["object"] if is_same else UNKNOWN}

    def create(self, planned):
        manifest = planned["manifest"][1]
        if self._api.find(_path(manifest)) is not None:
            metadata = manifest["metadata"]
            where = "/".join(metadata[key] for key in ("namespace", "name") if metadata.get(key))
            raise ProviderError(f'Cannot create resource that already exists: resource "{where}" already exists')
        return self._apply(planned)

    def update(self, _prior, planned):
        return self._apply(planned)

    def read(self, state):
        live = self._api.find(_path(_known(state)))
        if live is None:
            return None
        shape = state["manifest"] or [_shape_of(live), live]
        return state | {"object": [shape[0], _project(shape[1], live)]}

    def delete(self, state):
        self._api.delete(_path(_known(state)))

    def load_import(self, given):
        """Import by what the real provider takes for an ID: ``apiVersion=v1,kind=Namespace,name=x``."""
        parts = dict(part.split("=", 1) for part in given.split(","))
        live = self._api.find(
            path_of(parts["apiVersion"], parts["kind"], parts["name"], parts.get("namespace"))
        )  # fmt: skip
        if live is None:
            return None
        live["metadata"].pop("managedFields", None)
        state = {each.name: None for each in self._block.attributes} | {each.name: [] for each in self._block.blocks}
        return state | {"object": [_shape_of(live), live]}

    def _apply(self, planned):
        manifest = planned["manifest"][1]
        (manager,) = planned["field_manager"] or [{"name": None, "force_conflicts": None}]
        force = "true" if manager["force_conflicts"] else "false"
        query = f"?fieldManager={manager['name'] or 'Terraform'}&force={force}"
        live = self._api.call("PATCH", _path(manifest) + query, manifest, kind=APPLY)
        for wait in planned["wait"]:
            live = self._wait_for_fields(manifest, wait["fields"] or {})
        state = settle({key: value for key, value in planned.items() if key not in ("manifest", "object")})
        kept = [planned["manifest"][0], _project(manifest, live)]
        return state | {"manifest": planned["manifest"], "object": kept}

    def _wait_for_fields(self, manifest, wanted):
        while True:
            live = self._api.find(_path(manifest)) or {}
            if all(re.search(pattern, _find_field(live, path)) for path, pattern in wanted.items()):
                return live
            if self._api.stopping.wait(0.1):
                raise ProviderError(f"interrupted while waiting for fields of {manifest['metadata']['name']}")


def _known(state):
    return (state["manifest"] or state["object"])[1]


def _path(manifest):
    metadata = manifest["metadata"]
    return path_of(manifest["apiVersion"], manifest["kind"], metadata["name"], metadata.get("namespace"))


def _find_field(live, path):
    """Follow a path such as ``status.hard["pods"]``; nothing is an empty text."""
    for dotted, quoted in re.findall(r'(\w+)|\["([^"]+)"\]', path):
        live = (live or {}).get(dotted or quoted)
    return "" if live is None else str(live)


def _project(wanted, live):
    """Return what the object has where the manifest says something, in the manifest's form."""
    if isinstance(wanted, dict):
        found = live if isinstance(live, dict) else {}
        return {key: _project(value, found.get(key)) for key, value in wanted.items()}
    if isinstance(wanted, list):
        found = live if isinstance(live, list) and len(live) == len(wanted) else [None] * len(wanted)
        return [_project(one, each) for one, each in zip(wanted, found, strict=True)]
    return live if type(live) is type(wanted) else None


def _shape_of(value):
    """Return the type of a value as Terraform writes types."""
    return json.dumps(_type_of(value)).encode()


def _type_of(value):
    match value:
        case bool():
            return "bool"
        case int() | float():
            return "number"
        case dict():
            return ["object", {key: _type_of(each) for key, each in value.items()}]
        case list():
            return ["tuple", [_type_of(each) for each in value]]
        case _:
            return "string"
