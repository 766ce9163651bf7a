"""Which request means what: the paths below ``/api/v2`` that the Terraform binary asks for."""

import base64
import json
import re

from tests.fakes.terraform_cloud import documents
from tests.fakes.terraform_cloud.world import ORGANIZATION, RefusedError

_ROUTES = []


def _route(method, pattern):
    def register(function):
        _ROUTES.append((method, re.compile(pattern), function))
        return function

    return register


def answer(simulator, method, path, body):
    """Carry out one request; returns the status and what to answer."""
    for known, pattern, function in _ROUTES:
        match = pattern.fullmatch(path)
        if known == method and match:
            with simulator.world.lock:
                return function(simulator, body, **match.groupdict())
    raise RefusedError(404, f"the simulator does not know {method} {path}")


def _find(things, key):
    if key not in things:
        raise RefusedError(404, "not found")
    return things[key]


def _find_workspace(world, key):
    return _find({workspace.id: workspace for workspace in world.workspaces.values()}, key)


def _data(document, *, included=()):
    return {"data": document, **({"included": list(included)} if included else {})}


@_route("GET", r"/ping")
def ping(_simulator, _body):
    return 204, None


@_route("GET", r"/organizations/(?P<name>[^/]+)/entitlement-set")
def read_entitlements(_simulator, _body, name):
    if name != ORGANIZATION:
        raise RefusedError(404, "not found")
    attributes = {"operations": True, "state-storage": True}
    return 200, _data({"id": f"org-{name}", "type": "entitlement-sets", "attributes": attributes})


@_route("GET", r"/organizations/[^/]+/workspaces/(?P<name>[^/]+)")
def read_workspace(simulator, _body, name):
    return 200, _data(documents.describe_workspace(_find(simulator.world.workspaces, name)))


@_route("POST", r"/organizations/[^/]+/workspaces")
def create_workspace(simulator, body):
    return 201, _data(documents.describe_workspace(simulator.world.make_workspace(body["data"]["attributes"]["name"])))


@_route("GET", r"/workspaces/(?P<key>[^/]+)")
@_route("PATCH", r"/workspaces/(?P<key>[^/]+)")
def read_workspace_by_id(simulator, _body, key):
    return 200, _data(documents.describe_workspace(_find_workspace(simulator.world, key)))


@_route("POST", r"/workspaces/(?P<key>[^/]+)/actions/lock")
def lock_workspace(simulator, _body, key):
    workspace = _find_workspace(simulator.world, key)
    simulator.world.hold(workspace, "a user")
    return 200, _data(documents.describe_workspace(workspace))


@_route("POST", r"/workspaces/(?P<key>[^/]+)/actions/(?:force-)?unlock")
def unlock_workspace(simulator, _body, key):
    workspace = _find_workspace(simulator.world, key)
    simulator.world.release(workspace)
    return 200, _data(documents.describe_workspace(workspace))


@_route("GET", r"/workspaces/(?P<key>[^/]+)/current-state-version")
def read_current_state(simulator, _body, key):
    states = _find_workspace(simulator.world, key).states
    if not states:
        raise RefusedError(404, "not found")
    return 200, _data(documents.describe_state(states[-1], simulator.url))


@_route("GET", r"/workspaces/(?P<key>[^/]+)/current-state-version-outputs")
def read_outputs(simulator, _body, key):
    states = _find_workspace(simulator.world, key).states
    return 200, {"data": [_describe_output(*each) for each in _list_outputs(states)]}


@_route("GET", r"/state-version-outputs/(?P<key>[^/]+)")
def read_output(simulator, _body, key):
    owners = simulator.world.workspaces.values()
    found = {f"wsout-{name}": (name, told) for owner in owners for name, told in _list_outputs(owner.states)}
    return 200, _data(_describe_output(*_find(found, key), shows=True))


def _list_outputs(states):
    return sorted(json.loads(states[-1].content)["outputs"].items()) if states else []


def _describe_output(name, told, *, shows=False):
    is_hidden = bool(told.get("sensitive")) and not shows
    attributes = {
        "name": name,
        "value": None if is_hidden else told["value"],
        "sensitive": bool(told.get("sensitive")),
        "detailed-type": told["type"],
        "type": told["type"] if isinstance(told["type"], str) else "object",
    }
    return {"id": f"wsout-{name}", "type": "state-version-outputs", "attributes": attributes}


@_route("POST", r"/workspaces/(?P<key>[^/]+)/state-versions")
def create_state(simulator, body, key):
    attributes = body["data"]["attributes"]
    kept = {name: attributes[name] for name in ("serial", "md5", "lineage") if name in attributes}
    state = simulator.world.make_state(_find_workspace(simulator.world, key), kept)
    state.document = base64.b64decode(attributes.get("json-state-outputs") or "")
    return 201, _data(documents.describe_state(state, simulator.url))


@_route("GET", r"/state-versions/(?P<key>[^/]+)")
def read_state(simulator, _body, key):
    return 200, _data(documents.describe_state(_find(simulator.world.states, key), simulator.url))


@_route("POST", r"/workspaces/(?P<key>[^/]+)/configuration-versions")
def create_upload(simulator, body, key):
    upload = simulator.world.make_upload(_find_workspace(simulator.world, key))
    upload.is_speculative = bool(body["data"]["attributes"].get("speculative"))
    return 201, _data(documents.describe_upload(upload, simulator.url))


@_route("GET", r"/configuration-versions/(?P<key>[^/]+)")
def read_upload(simulator, _body, key):
    return 200, _data(documents.describe_upload(_find(simulator.world.uploads, key), simulator.url))


@_route("POST", r"/runs")
def create_run(simulator, body):
    related = body["data"]["relationships"]
    workspace = _find_workspace(simulator.world, related["workspace"]["data"]["id"])
    upload = _find(simulator.world.uploads, related["configuration-version"]["data"]["id"])
    attributes = {**body["data"]["attributes"], "speculative": upload.is_speculative}
    return 201, _data(documents.describe_run(simulator.world.make_run(workspace, upload, attributes)))


@_route("GET", r"/runs/(?P<key>[^/]+)")
def read_run(simulator, _body, key):
    run = _find(simulator.world.runs, key)
    included = [
        documents.describe_workspace(run.workspace),
        *(documents.describe_phase(run, name, simulator.url) for name in ("plan", "apply")),
    ]
    return 200, _data(documents.describe_run(run), included=included)


@_route("GET", r"/runs/[^/]+/run-events")
@_route("GET", r"/workspaces/[^/]+/runs")
@_route("GET", r"/organizations/[^/]+/runs/queue")
def list_nothing(_simulator, _body):
    pages = {"current-page": 1, "total-pages": 1, "total-count": 0, "prev-page": None, "next-page": None}
    return 200, {"data": [], "meta": {"pagination": pages}}


@_route("POST", r"/runs/(?P<key>[^/]+)/actions/apply")
def confirm_run(simulator, _body, key):
    run = _find(simulator.world.runs, key)
    run.status = "confirmed"
    run.confirmed.set()
    return 202, None


@_route("POST", r"/runs/(?P<key>[^/]+)/actions/cancel")
def cancel_run(simulator, _body, key):
    simulator.world.end(_find(simulator.world.runs, key), "canceled")
    return 202, None


@_route("POST", r"/runs/(?P<key>[^/]+)/actions/discard")
def discard_run(simulator, _body, key):
    simulator.world.end(_find(simulator.world.runs, key), "discarded")
    return 202, None


@_route("GET", r"/plans/plan-(?P<key>[^/]+)")
def read_plan(simulator, _body, key):
    return 200, _data(documents.describe_phase(_find(simulator.world.runs, key), "plan", simulator.url))


@_route("GET", r"/applies/apply-(?P<key>[^/]+)")
def read_apply(simulator, _body, key):
    return 200, _data(documents.describe_phase(_find(simulator.world.runs, key), "apply", simulator.url))


@_route("GET", r"/plans/plan-(?P<key>[^/]+)/(?P<name>json-output(?:-redacted)?)")
def read_plan_document(simulator, _body, key, name):
    return 200, json.loads(_find(_find(simulator.world.runs, key).documents, name))
