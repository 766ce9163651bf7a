"""A real control plane behind the simulator: every node of a pool is a node that kwok plays.

Nodes are made with all that GKE's have and the spec's promises rest on: labels, taints, capacity and allocatable. All
clusters of one simulator share the one control plane.
"""

import base64
import json
import threading
from pathlib import Path

from kpo_provision import errors
from kpo_provision.kube import connection, kubeconfig
from kpo_provision.kube.transport import HttpTransport, Request
from tests.fakes.gke import autoscaler, nodes

_TOKEN_S = 3600
_ACCOUNT = "simulated-gke-identity"
_MERGE = "application/merge-patch+json"
_MISSING, _CONFLICT, _HELD_BACK = 404, 409, 429


class Plane:
    """Makes the nodes of the control plane follow the pools of a ``World``."""

    def __init__(self, kubeconfig_path, *, idle_s=600.0):
        login = kubeconfig.load_login(Path(kubeconfig_path), None)
        self.endpoint = login.server.removeprefix("https://")
        self.authority = base64.b64encode(Path(login.ca_file).read_bytes()).decode()
        self._transport = HttpTransport(connection.connect_as(login))
        self._settled = {}
        self._autoscaler = autoscaler.Autoscaler(idle_s=idle_s)
        self._token_lock = threading.Lock()

    def close(self):
        self._transport.close()

    def request_token(self):
        """Get a token for the identity that is logged in to Google: its administrator's role holds in the cluster."""
        account = f"/api/v1/namespaces/kube-system/serviceaccounts/{_ACCOUNT}"
        subject = {"kind": "ServiceAccount", "name": _ACCOUNT, "namespace": "kube-system"}
        role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"}
        with self._token_lock:
            self._make("/api/v1/namespaces/kube-system/serviceaccounts", {"metadata": {"name": _ACCOUNT}})
            self._make(
                "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
                {"metadata": {"name": _ACCOUNT}, "roleRef": role, "subjects": [subject]},
            )
            answer = self._ask("POST", f"{account}/token", {"spec": {"expirationSeconds": _TOKEN_S}})
        return answer["status"]["token"]

    def is_settled(self, path):
        """Whether the nodes of a pool, or of all pools of a cluster, were seen to be as the pool now says."""
        with self._world.lock:
            inside = {place: record for place, record in self._world.pools.items() if _is_inside(place, path)}
            return all(self._settled.get(place) == _fingerprint(record) for place, record in inside.items())

    def follow(self, world):
        """Bring the nodes one step nearer to what the pools say."""
        self._world = world
        try:
            self._step(world)
        except errors.ClusterError:
            return  # the next step finds the control plane again, or its end

    def _step(self, world):
        there = {}
        for node in self._ask("GET", "/api/v1/nodes")["items"]:
            owner = node["metadata"].get("annotations", {}).get(nodes.POOL_ANNOTATION)
            if owner:
                there.setdefault(owner, {})[node["metadata"]["name"]] = node
        pods = self._ask("GET", "/api/v1/pods")["items"] if there or world.pools else []
        with world.lock:
            self._autoscaler.resize(world, there, pods, is_settled=self.is_settled)
            wanted = json.loads(json.dumps(world.pools))
        for path in wanted.keys() | there.keys():
            record = wanted.get(path)
            if self._follow_pool(path, record, there.get(path, {}), pods) and record:
                self._settled[path] = _fingerprint(record)

    def _follow_pool(self, path, record, there, pods):
        """Bring one pool nearer; returns whether there was nothing left to do."""
        wanted = nodes.describe(path, record) if record else {}
        missing = [node for name, node in wanted.items() if name not in there]
        for node in missing:
            self._create(node)
        for name in wanted.keys() & there.keys():
            change = nodes.plan_change(there[name], wanted[name])
            if change:
                self._ask("PATCH", f"/api/v1/nodes/{name}", change, kind=_MERGE)
            elif not nodes.is_complete(there[name]):
                self._complete(wanted[name])
        ready = all(nodes.is_ready(there[name]) for name in wanted.keys() & there.keys())
        surplus = there.keys() - wanted.keys()
        # As with a surge upgrade: the new nodes first.
        if not missing and ready:
            for name in surplus:
                self._remove(there[name], [pod for pod in pods if pod["spec"].get("nodeName") == name])
        return not missing and ready and not surplus

    def _create(self, node):
        self._make("/api/v1/nodes", node["object"])
        self._complete(node)

    def _complete(self, node):
        # kwok takes a node over once it carries kwok's mark, and then would know nothing of these numbers.
        path = f"/api/v1/nodes/{node['object']['metadata']['name']}"
        self._ask("PATCH", f"{path}/status", {"status": nodes.render_status(node)}, kind=_MERGE)
        for change in (nodes.TAKE_OVER, nodes.OPEN):
            self._ask("PATCH", path, change, kind=_MERGE)

    def _remove(self, node, pods):
        name = node["metadata"]["name"]
        if not node["spec"].get("unschedulable"):
            self._ask("PATCH", f"/api/v1/nodes/{name}", {"spec": {"unschedulable": True}}, kind=_MERGE)
        leaving = [pod for pod in pods if nodes.holds_up(pod) and "deletionTimestamp" not in pod["metadata"]]
        for pod in leaving:
            metadata = pod["metadata"]
            eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": metadata["name"]}}
            path = f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}/eviction"
            self._ask("POST", path, eviction, allowed=(_MISSING, _HELD_BACK))
        if not any(map(nodes.holds_up, pods)):
            self._ask("DELETE", f"/api/v1/nodes/{name}", allowed=(_MISSING,))

    def _make(self, path, body):
        self._ask("POST", path, body, allowed=(_CONFLICT,))

    def _ask(self, method, path, body=None, *, kind="application/json", allowed=()):
        data = None if body is None else json.dumps(body).encode()
        response = self._transport.send(Request(method=method, path=path, body=data, content_type=kind))
        if response.status >= 400 and response.status not in allowed:
            message = json.loads(response.body)["message"]
            raise errors.ApiError(verb=method, target=path, status=response.status, reason="", message=message)
        return json.loads(response.body)


def _is_inside(place, path):
    return place == path or place.startswith(f"{path}/")


def _fingerprint(record):
    body = record["body"]
    return json.dumps([body["config"], body["version"], record["sizes"]], sort_keys=True)
