"""A cluster for verification: objects by name, rights by role bindings, and one pod that runs as a script says."""

import base64
import copy
import json
import threading
from types import SimpleNamespace

from kpo_provision import errors
from kpo_provision.kube.connection import ServerVersion
from kpo_provision.kube.exec import ExecResult

ADMIN = "admin"


def waiting(reason, message):
    return {"state": {"waiting": {"reason": reason, "message": message}}}


def running(image="registry.acme.io/kpo/probe:1"):
    return {"state": {"running": {"startedAt": "2026-11-23T12:00:00Z"}}, "image": image, "imageID": "sha256:1"}


class FakeCluster:
    """What the API server knows; tests break it by changing what is in it."""

    def __init__(self, manifests, *, logins, nodes):
        self.objects = {}
        self.calls = []
        self.version = ServerVersion(release=(1, 37), text="v1.37.2")
        self.refusal = None
        self.statuses = [{"base": running(), "airflow-xcom-sidecar": running()}]
        self.unschedulable = ""
        self.placement = {"kpo-provision.io/pool": "standard"}
        self.node = "kpo-pool-standard"
        self.log = ["kpo-probe {run} hello", "kpo-probe {run} dns 10.96.0.1", "kpo-probe {run} api closed"]
        self.exec_results = []
        self.events = [{"type": "Normal", "reason": "Pulled", "message": "Successfully pulled image in 34ms"}]
        self.on_watch = lambda: None
        self.lock = threading.Lock()
        for manifest in copy.deepcopy(list(manifests)):
            self.put(manifest)
        for name, labels, taints in nodes:
            self.put(
                {
                    "kind": "Node",
                    "metadata": {"name": name, "labels": dict(labels)},
                    "spec": {"taints": list(taints)},
                    "status": {"conditions": [{"type": "Ready", "status": "True"}]},
                }
            )
        for gap, login in logins:
            self.put(
                {
                    "kind": "Secret",
                    "metadata": {"name": gap.name, "namespace": gap.namespace},
                    "type": "kubernetes.io/dockerconfigjson",
                    "data": {".dockerconfigjson": base64.b64encode(json.dumps(login).encode()).decode()},
                }
            )
        self.put(
            {
                "kind": "Service",
                "metadata": {"name": "kubernetes", "namespace": "default"},
                "spec": {"clusterIP": "10.96.0.1", "ports": [{"port": 443}]},
            }
        )
        for found in self.of_kind("ResourceQuota"):
            found["status"] = {"hard": dict(found["spec"]["hard"]), "used": {"pods": "0"}}

    def put(self, manifest):
        metadata = manifest["metadata"]
        self.objects[manifest["kind"], metadata.get("namespace"), metadata["name"]] = manifest

    def get(self, kind, name, namespace=None):
        return self.objects[kind, namespace, name]

    def drop(self, kind, name, namespace=None):
        del self.objects[kind, namespace, name]

    def of_kind(self, kind, namespace=None):
        return [
            found
            for (found_kind, found_namespace, _), found in self.objects.items()
            if found_kind == kind and namespace in (None, found_namespace)
        ]

    def allows(self, identity, verb, resource, namespace, group=""):
        if identity == ADMIN:
            return True
        for binding in self.of_kind("RoleBinding", namespace):
            names = {f"system:serviceaccount:{s['namespace']}:{s['name']}" for s in binding["subjects"]}
            role = self.objects.get(("ClusterRole", None, binding["roleRef"]["name"]), {"rules": []})
            if identity in names and any(
                verb in rule["verbs"] and resource in rule["resources"] and group in rule["apiGroups"]
                for rule in role["rules"]
            ):
                return True
        return False

    def pods(self):
        return self.of_kind("Pod")


class FakeConnection:
    server = "https://api.acme.io"

    def __init__(self, cluster, identity=ADMIN):
        self.cluster = cluster
        self.identity = identity

    def as_bearer(self, token):
        return FakeConnection(self.cluster, token.removeprefix("token of "))


class VerifyApi:
    """``kube.api.Api`` as far as verification calls it."""

    def __init__(self, connection):
        self.connection = connection
        self._cluster = connection.cluster
        self._identity = connection.identity

    def close(self):
        self._note("close", "")

    def server_version(self):
        return self._cluster.version

    def read(self, kind, name, namespace=None):
        self._require("get", kind, namespace)
        try:
            return copy.deepcopy(self._cluster.objects[kind, namespace, name])
        except KeyError:
            raise self._refused(404, "NotFound", f'{kind.lower()}s "{name}" not found', f"{kind} {name}") from None

    def list(self, kind, namespace=None, *, label_selector=None, **_):
        self._require("list", kind, namespace)
        if kind == "Event":
            return self._cluster.events
        wanted = dict(pair.split("=", 1) for pair in (label_selector or "").split(",") if pair)
        return [
            copy.deepcopy(found)
            for found in self._cluster.of_kind(kind, namespace)
            if wanted.items() <= found["metadata"].get("labels", {}).items()
        ]

    def create(self, manifest):
        if manifest["kind"] == "SelfSubjectReview":
            return {"status": {"userInfo": {"username": self._identity}}}
        self._require("create", manifest["kind"], manifest["metadata"]["namespace"])
        if self._cluster.refusal:
            raise self._refused(*self._cluster.refusal, "Pod")
        created = copy.deepcopy(manifest)
        created["metadata"]["resourceVersion"] = "1"
        created["spec"]["imagePullSecrets"] = [
            *self._cluster.get("ServiceAccount", "default", created["metadata"]["namespace"]).get(
                "imagePullSecrets", ()
            )
        ]
        created["spec"]["nodeSelector"] = dict(self._cluster.placement)
        created["status"] = {"phase": "Pending"}
        self._cluster.put(created)
        return copy.deepcopy(created)

    def watch(self, kind, *, namespace, field_selector, **_):
        self._require("watch", kind, namespace)
        self._cluster.on_watch()
        name = field_selector.removeprefix("metadata.name=")
        statuses = [None] if self._cluster.unschedulable else self._cluster.statuses
        for status in statuses:
            if (kind, namespace, name) not in self._cluster.objects:
                yield {"type": "DELETED", "object": {}}
                return
            yield {"type": "MODIFIED", "object": self._pod_with(self._cluster.get(kind, name, namespace), status)}

    def _pod_with(self, pod, status):
        if status is None:
            condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}
            pod["status"]["conditions"] = [condition | {"message": self._cluster.unschedulable}]
        else:
            pod["spec"]["nodeName"] = self._cluster.node
            pod["status"] = {
                "phase": "Running",
                "containerStatuses": [{"name": name, **found} for name, found in status.items()],
            }
        return copy.deepcopy(pod)

    def patch(self, kind, name, namespace, body):
        self._require("patch", kind, namespace)
        self._cluster.get(kind, name, namespace)["metadata"]["labels"] |= body["metadata"]["labels"]

    def delete(self, kind, name, namespace=None, **_):
        self._require("delete", kind, namespace)
        if not self._cluster.objects.pop((kind, namespace, name), None):
            raise self._refused(404, "NotFound", f'{kind.lower()}s "{name}" not found', f"{kind} {name}")

    def stream_log(self, pod, namespace, _container, **_):
        self._require("get", "Pod/log", namespace)
        run = self._cluster.get("Pod", pod, namespace)["metadata"]["labels"]["run_id"]
        for line in self._cluster.log:
            yield line.format(run=run)

    def exec(self, pod, namespace, _container, _command, **_):
        self._require("create", "Pod/exec", namespace)
        if self._cluster.exec_results:
            return self._cluster.exec_results.pop(0)
        run = self._cluster.get("Pod", pod, namespace)["metadata"]["labels"]["run_id"]
        return ExecResult(stdout=json.dumps({"run": run}), stderr="", exit_code=0)

    def request_token(self, account, namespace, **_):
        self.read("ServiceAccount", account, namespace)
        return f"token of system:serviceaccount:{namespace}:{account}"

    def review_access(self, verb, resource, *, namespace, group="", subresource=""):
        whole = f"{resource}/{subresource}" if subresource else resource
        allowed = self._cluster.allows(self._identity, verb, whole, namespace, group)
        return SimpleNamespace(allowed=allowed, reason="")

    def _require(self, verb, kind, namespace):
        name, _, subresource = kind.partition("/")
        resource = f"{name.lower()}s" + (f"/{subresource}" if subresource else "")
        self._note(verb, resource)
        if not self._cluster.allows(self._identity, verb, resource, namespace):
            message = f'{resource} is forbidden: User "{self._identity}" cannot {verb} resource "{resource}"'
            raise self._refused(403, "Forbidden", message, kind)

    def _note(self, verb, resource):
        with self._cluster.lock:
            self._cluster.calls.append((self._identity, verb, resource))

    def _refused(self, status, reason, message, target):
        return errors.ApiError(verb="ask", target=target, status=status, reason=reason, message=message)
