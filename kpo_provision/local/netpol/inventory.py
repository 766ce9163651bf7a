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
        self._is_current = False

    def replace(self, items: Mapping[str, T]) -> None:
        """Take a whole list; what it does not name is gone."""
        with self._lock:
            before, self._items = self._items, dict(items)
            was_current, self._is_current = self._is_current, True
        if before != items or not was_current:
            self._changed.set()

    def lose(self) -> None:
        """Take note that events may be missed from now on, until the next list."""
        with self._lock:
            self._is_current = False

    @property
    def is_current(self) -> bool:
        """Whether it was listed, and every event since then was taken."""
        with self._lock:
            return self._is_current

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

    @property
    def is_current(self) -> bool:
        """Whether no kind is cut off from the API server."""
        return self.policies.is_current and self.pods.is_current and self.namespaces.is_current
