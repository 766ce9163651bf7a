"""Google's long-running operations: PENDING, RUNNING and DONE by the clock, and what they change when they end."""

import itertools
import time
from datetime import UTC, datetime

from tests.fakes.gke.answers import RefusedError

_PENDING_SHARE = 0.2


class Operations:
    """All operations, the finished ones too. An operation is data, so that it can be kept in a file."""

    def __init__(self, *, duration_s):
        self.duration_s = duration_s
        self.records = {}
        self._numbers = itertools.count(1)

    def start(self, kind, *, location, target, fault=None):
        """Begin an operation on ``target``, which fails with ``fault`` in the end if there is one."""
        now = time.time()
        name = f"operation-{int(now * 1000)}-{next(self._numbers):08x}"
        project = target.split("/")[1]
        body = {
            "name": name,
            "operationType": kind,
            "status": "PENDING",
            "location": location,
            "zone": location,
            "selfLink": f"https://container.googleapis.com/v1/projects/{project}/locations/{location}/operations/{name}",
            "targetLink": f"https://container.googleapis.com/v1/{target}",
            "startTime": _format(now),
        }
        self.records[name] = {"body": body, "target": target, "began": now, "fault": fault}
        return body

    def running(self, *, target=None, below=None):
        """List operations that have not ended, on one target or on what is below it."""
        return [
            record
            for record in list(self.records.values())
            if record["body"]["status"] != "DONE"
            and (target is None or record["target"] == target)
            and (below is None or record["target"].startswith(f"{below}/"))
        ]

    def advance(self, is_settled):
        """Let time pass; return the records of those that have just ended."""
        now = time.time()
        ended = []
        for record in self.running():
            body = record["body"]
            share = (now - record["began"]) / self.duration_s if self.duration_s else 1
            if share >= 1 and (record["fault"] or is_settled(record["target"])):
                _end(body, record["fault"], now)
                ended.append(record)
            elif share >= _PENDING_SHARE:
                body["status"] = "ABORTING" if body["status"] == "ABORTING" else "RUNNING"
        return ended

    def find(self, project, location, name):
        """Return one operation's body."""
        record = self.records.get(name)
        place = f"projects/{project}/locations/{location}/operations/{name}"
        if record is None or record["body"]["location"] != location or record["target"].split("/")[1] != project:
            raise RefusedError(404, f"Not found: {place}.")
        return record

    def list(self, project, location):
        """List the bodies of a location's operations; ``-`` is every location."""
        return [
            record["body"]
            for record in self.records.values()
            if record["target"].split("/")[1] == project and location in ("-", record["body"]["location"])
        ]

    def cancel(self, project, location, name):
        """Have an operation end in an error, as Google does with what it was told to stop."""
        record = self.find(project, location, name)
        if record["body"]["status"] == "DONE":
            raise RefusedError(400, f"Operation {name} is done.", status="FAILED_PRECONDITION")
        record["body"]["status"] = "ABORTING"
        record["fault"] = {"code": 1, "message": "Operation was cancelled."}


def _end(body, fault, now):
    body["status"] = "DONE"
    body["endTime"] = _format(now)
    if fault:
        body["error"] = fault
        body["statusMessage"] = fault["message"]


def _format(moment):
    return datetime.fromtimestamp(moment, UTC).isoformat().replace("+00:00", "Z")
