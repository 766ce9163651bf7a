"""Stores objects as an API server does: versions, field managers, labels, deletions and events. No HTTP."""

from __future__ import annotations

import copy
import itertools
import threading

from kpo_provision.kube.kinds import KINDS

_IDENTITY = {("apiVersion",), ("kind",), ("metadata", "name"), ("metadata", "namespace")}


class Refused(Exception):  # noqa: N818
    def __init__(self, status, reason, message, *, causes=()):
        super().__init__(message)
        self.status = status
        self.body = {"kind": "Status", "status": "Failure", "reason": reason, "message": message, "code": status}
        if causes:
            self.body["details"] = {"causes": list(causes)}


class ObjectStore:
    """Keys are (kind, namespace, name); ``events`` is everything that ever happened."""

    def __init__(self, *, quota_controller, slow_deletion):
        self.quota_controller = quota_controller
        self.slow_deletion = slow_deletion
        self.objects = {}
        self.owners = {}
        self.events = []
        self.changed = threading.Condition()
        self._versions = itertools.count(1)

    def fill_quotas(self):
        """Do what the quota controller does."""
        with self.changed:
            self.quota_controller = True
            for (kind, _, _), found in list(self.objects.items()):
                if kind == "ResourceQuota":
                    found["status"] = {"hard": found["spec"]["hard"]}

    def finish_deletions(self):
        with self.changed:
            for key in [key for key, found in self.objects.items() if "deletionTimestamp" in found["metadata"]]:
                self._drop(key)

    def create(self, key, body):
        if key in self.objects:
            raise Refused(409, "AlreadyExists", f'{key[0].lower()}s "{key[2]}" already exists')
        return self.apply(key, body, manager="creator", force=True)

    def apply(self, key, body, *, manager, force):
        with self.changed:
            owners = self.owners.setdefault(key, {})
            before = self.objects.get(key)
            leaves = {path: value for path, value in _leaves(body) if path not in _IDENTITY}
            self._settle_conflicts(owners, before or {}, leaves, manager=manager, force=force)
            after = copy.deepcopy(before) if before else self._new(key)
            for path in owners.get(manager, set()) - leaves.keys():
                if not any(path in owned for other, owned in owners.items() if other != manager):
                    _unset(after, path)
            for path, value in leaves.items():
                _set(after, path, value)
            owners[manager] = set(leaves)
            return self._store(key, before, after)

    def merge(self, key, body):
        with self.changed:
            before = self._found(key)
            expected = body.get("metadata", {}).get("resourceVersion")
            if expected and expected != before["metadata"]["resourceVersion"]:
                raise Refused(409, "Conflict", "the object has been modified")
            return self._store(key, before, _merged(before, body))

    def read(self, key):
        with self.changed:
            return self._found(key)

    def delete(self, key):
        with self.changed:
            found = self._found(key)
            if self.slow_deletion and key[0] == "Namespace":
                found["metadata"]["deletionTimestamp"] = "2026-11-23T00:00:00Z"
                found["status"] = {"phase": "Terminating"}
                return found
            inside = [other for other in self.objects if key[0] == "Namespace" and other[1] == key[2]]
            for doomed in [*inside, key]:
                self._drop(doomed)
            return found

    def list(self, kind, namespace, labels, fields):
        with self.changed:
            return [
                found
                for key, found in sorted(self.objects.items())
                if key[0] == kind and namespace in ("", key[1]) and matches(found, labels, fields)
            ]

    def _settle_conflicts(self, owners, live, leaves, *, manager, force):
        causes = []
        for path, value in leaves.items():
            for other, owned in owners.items():
                if other != manager and path in owned and _lookup(live, path) != value:
                    if force:
                        owned.discard(path)
                    else:
                        message = f'conflict with "{other}" using v1'
                        field = "." + ".".join(path)
                        causes.append({"reason": "FieldManagerConflict", "message": message, "field": field})
        if causes:
            raise Refused(409, "Conflict", f"Apply failed with {len(causes)} conflict", causes=causes)

    def _new(self, key):
        kind, namespace, name = key
        if namespace and ("Namespace", "", namespace) not in self.objects:
            raise Refused(404, "NotFound", f'namespaces "{namespace}" not found')
        metadata = {"name": name, "creationTimestamp": "2026-11-23T00:00:00Z"}
        if namespace:
            metadata["namespace"] = namespace
        return {"apiVersion": KINDS[kind].api_version, "kind": kind, "metadata": metadata}

    def _store(self, key, before, after):
        if self.quota_controller and key[0] == "ResourceQuota":
            after["status"] = {"hard": after["spec"]["hard"]}
        if before is None or _without_version(before) != _without_version(after):
            after["metadata"]["resourceVersion"] = str(next(self._versions))
            self.objects[key] = after
            self._tell("MODIFIED" if before else "ADDED", after)
        return self.objects[key]

    def _drop(self, key):
        gone = self.objects.pop(key)
        self.owners.pop(key, None)
        gone["metadata"]["resourceVersion"] = str(next(self._versions))
        self._tell("DELETED", gone)

    def _tell(self, kind, found):
        self.events.append({"type": kind, "object": copy.deepcopy(found)})
        self.changed.notify_all()

    def _found(self, key):
        if key not in self.objects:
            raise Refused(404, "NotFound", f'{KINDS[key[0]].plural} "{key[2]}" not found')
        return self.objects[key]


def _leaves(value, path=()):
    if isinstance(value, dict) and value:
        for name, inner in value.items():
            yield from _leaves(inner, (*path, name))
    else:
        yield path, value


def _lookup(value, path):
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _set(target, path, value):
    for name in path[:-1]:
        target = target.setdefault(name, {})
    target[path[-1]] = copy.deepcopy(value)


def _unset(target, path):
    for name in path[:-1]:
        target = target.get(name, {})
    target.pop(path[-1], None)


def _merged(live, patch):
    if not isinstance(patch, dict):
        return patch
    merged = dict(live) if isinstance(live, dict) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = _merged(merged.get(name), value)
    return merged


def matches(found, labels, fields):
    present = found["metadata"].get("labels", {})
    wanted = [pair.split("=") for pair in (labels or "").split(",") if pair]
    name = (fields or "").removeprefix("metadata.name=")
    return all(present.get(key) == value for key, value in wanted) and name in ("", found["metadata"]["name"])


def _without_version(found):
    metadata = {name: value for name, value in found["metadata"].items() if name != "resourceVersion"}
    return found | {"metadata": metadata}
