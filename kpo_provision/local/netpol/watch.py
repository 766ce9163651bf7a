"""List, then watch: keeps one collection in step with the API server for as long as the process lives.

A watch that ends in order is taken up again where it ended. After anything else (410, a refusal, a broken
connection, half a document) the whole list is read anew, so nothing that was missed stays missed.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from kpo_provision import errors
from kpo_provision.local.netpol.inventory import Collection

LOG = logging.getLogger(__name__)

WATCH_S = 240
SILENCE_S = 120.0
"""The server sends a bookmark about every 60 s; without even that, the connection is dead."""
FIRST_DELAY_S = 0.1
LAST_DELAY_S = 5.0

T = TypeVar("T")


class Source(Protocol):
    """What a watch reads from."""

    def read_json(self, path: str) -> dict[str, Any]:
        """Get one document."""
        ...

    def read_events(self, path: str, *, silence_s: float) -> Iterator[dict[str, Any]]:
        """Get documents as they come."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource(Generic[T]):
    """A kind of object: its path, and how to read one; None means that it takes no part."""

    path: str
    parse: Callable[[Mapping[str, Any]], T | None]


class Watch(Generic[T]):
    """Keeps a collection in step with one kind of object."""

    def __init__(self, source: Source, resource: Resource[T], collection: Collection[T]) -> None:
        self._source = source
        self._resource = resource
        self._collection = collection
        self._delay_s = FIRST_DELAY_S

    def run(self) -> None:
        """Follow for ever; meant for a daemon thread."""
        while True:
            try:
                self.follow()
            except errors.ClusterError as error:
                self._collection.lose()
                LOG.warning("%s; listing again in %.1f s", error, self._delay_s)
            time.sleep(self._delay_s)
            self._delay_s = min(2 * self._delay_s, LAST_DELAY_S)

    def follow(self) -> None:
        """List, and take events until one watch fails."""
        version = self._list()
        while True:
            version = self._take_events(version)

    def _list(self) -> str:
        document = self._source.read_json(self._resource.path)
        items = {item["metadata"]["uid"]: self._resource.parse(item) for item in document["items"]}
        self._collection.replace({uid: item for uid, item in items.items() if item is not None})
        return str(document["metadata"]["resourceVersion"])

    def _take_events(self, version: str) -> str:
        path = (
            f"{self._resource.path}?watch=1&allowWatchBookmarks=true&timeoutSeconds={WATCH_S}&resourceVersion={version}"
        )
        last = version
        for event in self._source.read_events(path, silence_s=SILENCE_S):
            last = self._take(event)
            self._delay_s = FIRST_DELAY_S
        if last == version:
            # At the least a bookmark comes before the end; without one, asking again at once could go on for ever.
            raise errors.ClusterError(f"the watch of {self._resource.path} ended without an event")
        return last

    def _take(self, event: Mapping[str, Any]) -> str:
        kind, item = event["type"], event["object"]
        if kind == "ERROR":
            raise errors.ApiError(
                verb="WATCH",
                target=self._resource.path,
                status=item.get("code", 0),
                reason=item.get("reason", ""),
                message=item.get("message", ""),
            )
        if kind != "BOOKMARK":
            gone = kind == "DELETED"
            self._collection.put(item["metadata"]["uid"], None if gone else self._resource.parse(item))
        return str(item["metadata"]["resourceVersion"])
