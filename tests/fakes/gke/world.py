"""All that this Google has: clusters, their node pools, and the operations that change them."""

import functools
import json
import threading
from pathlib import Path

from tests.fakes.gke import answers, clusters, messages, pools
from tests.fakes.gke.accounts import Accounts
from tests.fakes.gke.operations import Operations
from tests.fakes.gke.policies import Policies


def _alone(method):
    """Have a method see, and leave, all of the state at one moment."""

    @functools.wraps(method)
    def locked(self, *arguments):
        with self.lock:
            return method(self, *arguments)

    return locked


class World:
    """The state behind the API. Every method may be called from any thread; a file keeps it over a restart."""

    def __init__(self, *, operation_s=0.2, cpu_quota=None, projects=(), file=None):
        self.lock = threading.RLock()
        self.endpoint = "192.0.2.1"
        self.authority = ""
        self.cpu_quota = cpu_quota
        self.projects = set(projects)
        self.disabled = set()
        """Projects in which the API is off."""
        self.clusters = {}
        """Path to body, without its pools."""
        self.pools = {}
        """Path to ``{"body", "sizes"}``; sizes are nodes a zone."""
        self.accounts = Accounts()
        self.policies = Policies(self.accounts)
        self.operations = Operations(duration_s=operation_s)
        self.failures = []
        """Errors with which the next operations end, each with the type of operation that it is for."""
        self.has_nodes = lambda _path: True
        """Tells whether the nodes of a pool are as they should be; set by whoever plays them."""
        self._file = Path(file) if file else None
        self._load()

    @_alone
    def enter(self, project):
        """Let time pass, and refuse a project that cannot be used."""
        self.settle()
        self.require_project(project)
        if project in self.disabled:
            raise answers.api_disabled(project)

    def require_project(self, project):
        if self.projects and project not in self.projects:
            raise answers.unknown_project(project)

    @_alone
    def settle(self):
        """Carry out what is due."""
        ended = self.operations.advance(self.has_nodes)
        for record in ended:
            self._finish(record)
        if ended:
            self.save()

    @_alone
    def save(self):
        """Write everything down, if a file was named."""
        if self._file is None:
            return
        kept = {
            "accounts": self.accounts.bodies,
            "clusters": self.clusters,
            "operations": self.operations.records,
            "policies": self.policies.bodies,
            "pools": self.pools,
        }
        partial = self._file.with_suffix(".partial")
        partial.write_text(json.dumps(kept), encoding="utf-8")
        partial.replace(self._file)

    @_alone
    def list_clusters(self, project, location):
        """List clusters; ``-`` is every location."""
        start = f"projects/{project}/locations/"
        found = [path for path in self.clusters if path.startswith(start)]
        return [self.get_cluster(path) for path in found if location in ("-", path.split("/")[3])]

    @_alone
    def get_cluster(self, path):
        """Return a cluster with its pools."""
        if path not in self.clusters:
            raise answers.not_found(path)
        own = [record for place, record in self.pools.items() if place.startswith(f"{path}/")]
        bodies = [record["body"] for record in own]
        count = sum(sum(record["sizes"].values()) for record in own)
        more = {"currentNodeCount": count} if count else {}
        return {**self.clusters[path], **more, **({"nodePools": bodies} if bodies else {})}

    @_alone
    def create_cluster(self, parent, request):
        """Begin to create a cluster, and the pools that come with it."""
        body = messages.check("CreateClusterRequest", request).get("cluster", {})
        location, path = parent.split("/")[3], f"{parent}/clusters/{body.get('name', '')}"
        if path in self.clusters:
            raise answers.already_exists(path)
        cluster = clusters.complete(
            body, path=path, location=location, endpoint=self.endpoint, authority=self.authority
        )
        self.clusters[path] = cluster
        for pool in clusters.default_pools(body):
            self._add_pool(path, pool)
        return self._start("CREATE_CLUSTER", path)

    @_alone
    def update_cluster(self, path, request):
        """Accept a change of a cluster; only what this product reads of one is really changed."""
        wanted = messages.check("UpdateClusterRequest", request).get("update", {})
        self.get_cluster(path)
        if "desiredNodePoolAutoscaling" in wanted:
            # An older way to say it, which Terraform's provider goes.
            pool = f"{path}/nodePools/{wanted.get('desiredNodePoolId', '')}"
            return self.set_autoscaling(pool, {"autoscaling": wanted["desiredNodePoolAutoscaling"]})
        self._require_idle(path)
        if "desiredReleaseChannel" in wanted:
            self.clusters[path]["releaseChannel"] = wanted["desiredReleaseChannel"]
        if "desiredWorkloadIdentityConfig" in wanted:
            self.clusters[path]["workloadIdentityConfig"] = wanted["desiredWorkloadIdentityConfig"]
        if "desiredMasterVersion" in wanted:
            self.clusters[path]["currentMasterVersion"] = wanted["desiredMasterVersion"]
        return self._start("UPDATE_CLUSTER", path)

    @_alone
    def delete_cluster(self, path):
        """Begin to delete a cluster with all its pools."""
        self.get_cluster(path)
        self._require_idle(path)
        self.clusters[path]["status"] = "STOPPING"
        for place, record in self.pools.items():
            if place.startswith(f"{path}/"):
                self._stop(record)
        return self._start("DELETE_CLUSTER", path)

    @_alone
    def list_pools(self, cluster):
        """List a cluster's pools."""
        return self.get_cluster(cluster).get("nodePools", [])

    @_alone
    def get_pool(self, path):
        """Return one pool."""
        return self._pool(path)["body"]

    @_alone
    def create_pool(self, cluster, request):
        """Begin to create a pool. Pools of one cluster may be created side by side."""
        body = messages.check("CreateNodePoolRequest", request).get("nodePool", {})
        self.get_cluster(cluster)
        path = f"{cluster}/nodePools/{body.get('name', '')}"
        if path in self.pools:
            raise answers.already_exists(path)
        self._require_idle(cluster, below=False)
        self._add_pool(cluster, body)
        return self._start("CREATE_NODE_POOL", path)

    @_alone
    def update_pool(self, path, request):
        """Begin to change a pool's nodes."""
        wanted = messages.check("UpdateNodePoolRequest", request)
        record = self._idle_pool(path)
        changed = json.loads(json.dumps(record["body"]))
        pools.update(changed, wanted)
        record["body"] = changed | {"status": "RECONCILING"}
        record["sizes"] = {zone: record["sizes"].get(zone, 0) for zone in changed["locations"]}
        return self._start("UPGRADE_NODES" if "nodeVersion" in wanted else "UPDATE_CLUSTER", path)

    @_alone
    def set_size(self, path, request):
        """Begin to give every zone of a pool as many nodes."""
        wanted = messages.check("SetNodePoolSizeRequest", request)
        record = self._idle_pool(path)
        record["sizes"] = dict.fromkeys(record["sizes"], wanted.get("nodeCount", 0))
        record["body"]["status"] = "RECONCILING"
        return self._start("SET_NODE_POOL_SIZE", path)

    @_alone
    def set_autoscaling(self, path, request):
        """Begin to change between how many nodes a pool may have."""
        wanted = messages.check("SetNodePoolAutoscalingRequest", request).get("autoscaling", {})
        pools.judge_autoscaling(wanted)
        record = self._idle_pool(path)
        record["body"]["autoscaling"] = wanted
        record["sizes"] = {zone: max(count, wanted.get("minNodeCount", 0)) for zone, count in record["sizes"].items()}
        return self._start("UPDATE_CLUSTER", path)

    @_alone
    def set_management(self, path, request):
        """Begin to change who repairs and upgrades a pool."""
        wanted = messages.check("SetNodePoolManagementRequest", request).get("management", {})
        self._idle_pool(path)["body"]["management"] = wanted
        return self._start("SET_NODE_POOL_MANAGEMENT", path)

    @_alone
    def delete_pool(self, path):
        """Begin to delete a pool; its nodes are drained first."""
        self._stop(self._idle_pool(path))
        return self._start("DELETE_NODE_POOL", path)

    def _add_pool(self, cluster, body):
        path = f"{cluster}/nodePools/{body.get('name', '')}"
        owner = self.clusters[cluster]
        pool = pools.complete(body, path=path, zones=owner["locations"], version=owner["currentNodeVersion"])
        sizes = pools.first_sizes(pool)
        self._require_quota(cluster, pool, sizes)
        self.pools[path] = {"body": pool, "sizes": sizes}

    def _require_quota(self, cluster, pool, sizes):
        if self.cpu_quota is None:
            return
        used = sum(_cpus(record["body"], record["sizes"]) for record in self.pools.values())
        asked, project = _cpus(pool, sizes), cluster.split("/")[1]
        if used + asked > self.cpu_quota:
            raise answers.out_of_quota(asked=asked, limit=self.cpu_quota, used=used, project=project)

    def _pool(self, path):
        self.get_cluster(path.rpartition("/nodePools/")[0])
        if path not in self.pools:
            raise answers.not_found(path)
        return self.pools[path]

    def _idle_pool(self, path):
        record = self._pool(path)
        self._require_idle(path.rpartition("/nodePools/")[0], below=False)
        self._require_idle(path)
        return record

    def _require_idle(self, path, *, below=True):
        busy = self.operations.running(target=path) or (below and self.operations.running(below=path))
        if busy:
            raise answers.busy(busy[0]["body"]["name"])

    def _stop(self, record):
        record["body"]["status"] = "STOPPING"
        record["sizes"] = dict.fromkeys(record["sizes"], 0)

    def _start(self, kind, path):
        fault = next((failure for failure in self.failures if failure["type"] in (kind, None)), None)
        if fault:
            self.failures.remove(fault)
        error = fault and {"code": fault["code"], "message": fault["message"]}
        body = self.operations.start(kind, location=path.split("/")[3], target=path, fault=error)
        self.save()
        return body

    def _finish(self, record):
        kind, path, fault = record["body"]["operationType"], record["target"], record["fault"]
        if path in self.clusters:
            inside = [place for place in self.pools if place.startswith(f"{path}/")]
            things = [self.clusters[path], *(self.pools[place]["body"] for place in inside)]
        else:
            inside, things = [], [self.pools[path]["body"]]
        if kind.startswith("DELETE") and not fault:
            self.clusters.pop(path, None)
            for place in (path, *inside):
                self.pools.pop(place, None)
            return
        for thing in things:
            # What Google failed to make stays, and says so; whoever made it has to take it away.
            thing["status"] = ("ERROR" if kind.startswith("CREATE") else "RUNNING_WITH_ERROR") if fault else "RUNNING"
            if fault:
                thing["statusMessage"] = fault["message"]

    def _load(self):
        if self._file is None or not self._file.exists():
            return
        kept = json.loads(self._file.read_text(encoding="utf-8"))
        self.clusters, self.pools = kept["clusters"], kept["pools"]
        self.accounts.bodies, self.policies.bodies = kept["accounts"], kept["policies"]
        self.operations.records = kept["operations"]


def _cpus(pool, sizes):
    machine = pools.judge_machine(pool["config"]["machineType"], zone=pool["locations"][0])
    return machine.vcpu * sum(sizes.values())
