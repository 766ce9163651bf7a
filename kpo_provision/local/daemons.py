"""What a daemon of the local cluster is, to the supervisor that runs it."""

from __future__ import annotations

from dataclasses import dataclass

CONTROL_PLANE = "control-plane"


@dataclass(frozen=True, slots=True, kw_only=True)
class Daemon:
    """A program to start once those that it needs are ready."""

    name: str
    argv: tuple[str, ...]
    after: tuple[str, ...] = ()
    ready: str = ""
    """How to see that it is ready: ``tcp:HOST:PORT``, ``unix:PATH``, an ``https://`` URL that answers 200, ``exit``
    for a task that ends by itself with status 0; empty when being started is enough."""
    group: str = CONTROL_PLANE
    """The control group, below the cluster's own, that it is born in."""
    directory: str = "/"
    descriptors: tuple[int, ...] = ()
    """Open files that it inherits, in this order, from descriptor ``FIRST_DESCRIPTOR`` on."""


FIRST_DESCRIPTOR = 20
