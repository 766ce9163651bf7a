"""A small Google: ``container.googleapis.com/v1`` over HTTP, with clusters, node pools and operations in memory.

In front of a real control plane its pools are nodes that kwok plays; without one they are only described. It is held to
Google's own client by tests, and refuses what is not in Google's published messages.
"""

from tests.fakes.gke.server import Simulator
from tests.fakes.gke.world import World

__all__ = ["Simulator", "World"]
