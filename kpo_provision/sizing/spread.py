"""How many nodes hold every promise whatever its pods are and in whatever order they are placed.

kube-scheduler packs nothing: it spreads. It puts a pod on *some* node where it fits, and a pod waits only where no node
has room. That is all the proof uses, so it holds for every scheduler that never refuses a pod a node has room for.

Proof. Let N nodes offer (C, M, P) each, and let a pod p wait while all other pods that the promises allow run. Each
node then lacks room for p in some resource: its CPU in use is at least C - p.cpu + 1 millicores, or its memory at least
M - p.memory + 1 bytes, or it runs P pods. Those other pods use at most the promises T less p, so

- at most X = floor((T.cpu - p.cpu) / (C - p.cpu + 1)) nodes lack CPU, and likewise for memory;
- with no pod larger than q, a node that lacks CPU runs at least k = ceil((C - p.cpu + 1) / q.cpu) pods, and likewise
  for memory; one that lacks pods runs P; and all of them together run at most T.pods - 1.

The most nodes that can be blocked within both is a count B(p), taken greedily, the cheapest in pods first. If N > B(p),
some node is not blocked and p does not wait. floor((T - p) / (C - p + 1)) never falls as p grows (it is 0 while T <= C,
and (T - p) / (C + 1 - p) grows with p where T > C), and k never grows, so B is largest for the largest pod:
N = 1 + B(q) is enough for every pod.
"""

from __future__ import annotations

from collections.abc import Sequence

from kpo_provision.sizing.packing import Room
from kpo_provision.sizing.pool import Promise
from kpo_provision.sizing.resources import Resources

_KI = 1024


def largest_possible_pod(promises: Sequence[Promise], largest_pod: Resources) -> Resources:
    """Return what no pod exceeds: the largest pod, or what the largest promise holds."""
    return Resources(
        cpu_milli=min(largest_pod.cpu_milli, max((each.resources.cpu_milli for each in promises), default=0)),
        memory_ki=min(largest_pod.memory_ki, max((each.resources.memory_ki for each in promises), default=0)),
        pods=1,
    )


def count_nodes_in_any_order(promised: Resources, pod: Resources, room: Room) -> int:
    """Return so many nodes that no pod up to ``pod`` ever waits while all run that was promised; 0 for no promise."""
    if promised.pods <= 0:
        return 0
    ways = sorted(
        [
            _ways_to_block(total=promised.cpu_milli, pod=pod.cpu_milli, room=room.cpu_milli),
            _ways_to_block(total=promised.memory_ki * _KI, pod=pod.memory_ki * _KI, room=room.memory_ki * _KI),
            (room.pods, promised.pods),
        ]
    )
    blocked, others = 0, promised.pods - 1
    for pods_each, most in ways:
        nodes = min(most, others // pods_each)
        blocked, others = blocked + nodes, others - nodes * pods_each
    return 1 + blocked


def _ways_to_block(*, total: int, pod: int, room: int) -> tuple[int, int]:
    """Return how many pods leave a node too little of a resource for ``pod``, and on how many nodes they can."""
    if pod == 0:
        return 1, 0
    needed = room - pod + 1
    return -(-needed // pod), (total - pod) // needed
