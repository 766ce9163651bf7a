"""A small Google over HTTP: ``container.googleapis.com/v1`` with clusters, node pools and operations in memory, and of
IAM the service accounts and who is granted which role on a project or a repository.

In front of a real control plane its pools are nodes that kwok plays; without one they are only described. It is held to
Google's own client by tests, and refuses what is not in Google's published messages.
"""

from tests.fakes.gke.server import Simulator
from tests.fakes.gke.world import World

__all__ = ["Simulator", "World"]
