"""Which request means what: the paths of ``container.googleapis.com/v1``, with zones as the older name of locations."""

import re

from tests.fakes.gke import access_routes, clusters
from tests.fakes.gke.answers import unknown_request

_PATH = re.compile(
    r"/v1/(?P<parent>projects/(?P<project>[^/]+)/(?:locations|zones)/(?P<location>[^/]+))/(?P<rest>[^:]+)(?P<verb>:\w+)?"
)
_POOL_VERBS = {
    ":setSize": "set_size",
    ":setAutoscaling": "set_autoscaling",
    ":setManagement": "set_management",
}


def answer(world, method, path, body):
    """Carry out one request; returns what to answer."""
    match = _PATH.fullmatch(path)
    if match is None or match["rest"].startswith("repositories/"):
        return access_routes.answer(world, method, path, body)
    project, location = match["project"], match["location"]
    with world.lock:
        world.enter(project)
        collection, *names = match["rest"].split("/")
        parent = f"projects/{project}/locations/{location}"
        if collection.lower() == "serverconfig":
            return _server_config()
        if collection == "operations":
            return _operations(world, method, parent, names, match["verb"])
        if collection == "clusters" and len(names) < 2:
            return _clusters(world, method, parent, names, body)
        if collection == "clusters" and names[1] == "nodePools":
            return _pools(world, method, f"{parent}/clusters/{names[0]}", names[2:], (match["verb"], body))
    raise unknown_request(method, path)


def _server_config():
    version = clusters.VERSION
    channels = [
        {"channel": name, "defaultVersion": version, "validVersions": [version]}
        for name in ("RAPID", "REGULAR", "STABLE")
    ]
    return {
        "defaultClusterVersion": version,
        "validMasterVersions": [version],
        "validNodeVersions": [version],
        "channels": channels,
    }


def _operations(world, method, parent, names, verb):
    _, project, _, location = parent.split("/")
    if not names:
        return {"operations": world.operations.list(project, location)}
    if method == "GET":
        return world.operations.find(project, location, names[0])["body"]
    if method == "POST" and verb == ":cancel":
        world.operations.cancel(project, location, names[0])
        return {}
    raise unknown_request(method, f"{parent}/operations/{names[0]}{verb or ''}")


def _clusters(world, method, parent, names, body):
    if not names:
        if method == "POST":
            return world.create_cluster(parent, body)
        _, project, _, location = parent.split("/")
        found = world.list_clusters(project, location)
        return {"clusters": found} if found else {}
    path = f"{parent}/clusters/{names[0]}"
    if method == "GET":
        return world.get_cluster(path)
    if method == "PUT":
        return world.update_cluster(path, body)
    if method == "DELETE":
        return world.delete_cluster(path)
    raise unknown_request(method, path)


def _pools(world, method, cluster, names, more):
    verb, body = more
    if not names:
        if method == "POST":
            return world.create_pool(cluster, body)
        found = world.list_pools(cluster)
        return {"nodePools": found} if found else {}
    path = f"{cluster}/nodePools/{names[0]}"
    if verb in _POOL_VERBS:
        # PUT: Terraform's provider sends what the older paths had as POST.
        return getattr(world, _POOL_VERBS[verb])(path, body)
    if method == "GET":
        return world.get_pool(path)
    if method == "PUT":
        return world.update_pool(path, body)
    if method == "DELETE":
        return world.delete_pool(path)
    raise unknown_request(method, path)
