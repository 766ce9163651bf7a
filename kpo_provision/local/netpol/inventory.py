"""What the API server last said, written by the watchers and read by the enforcer."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Generic, TypeVar

from kpo_provision.local.netpol.objects import Namespace, Pod, Policy

T = TypeVar("T")


class Collection(Generic[T]):
    """The objects of one kind by uid. ``changed`` is set only where the change can lead to other rules."""

    def __init__(self, changed: threading.Event) -> None:
        self._changed = changed
        self._lock = threading.Lock()
        self._items: dict[str, T] | None = None

    def replace(self, items: Mapping[str, T]) -> None:
        """Take a whole list; what it does not name is gone."""
        with self._lock:
            before, self._items = self._items, dict(items)
        if before != items:
            self._changed.set()

    def put(self, uid: str, item: T | None) -> None:
        """Take one object; None takes it out."""
        with self._lock:
            items = {} if self._items is None else self._items
            before = items.get(uid)
            if item is None:
                items.pop(uid, None)
            else:
                items[uid] = item
        if before != item:
            self._changed.set()

    def snapshot(self) -> tuple[T, ...] | None:
        """The objects of this moment; None as long as they were never listed."""
        with self._lock:
            return None if self._items is None else tuple(self._items.values())


class Inventory:
    """All that rules are made from."""

    def __init__(self) -> None:
        self.changed = threading.Event()
        self.policies: Collection[Policy] = Collection(self.changed)
        self.pods: Collection[Pod] = Collection(self.changed)
        self.namespaces: Collection[Namespace] = Collection(self.changed)
