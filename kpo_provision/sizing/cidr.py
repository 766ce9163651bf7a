"""How many addresses a node takes from the range of pods, and how many nodes a range holds.

GKE's rule (cloud.google.com/kubernetes-engine/docs/how-to/flexible-pod-cidr, read 2026-11-23): a node gets at least
twice as many addresses as it may run pods, 16 at the least.
"""

from __future__ import annotations

SMALLEST_BLOCK_PREFIX = 28


def node_prefix(max_pods: int) -> int:
    """Prefix length of the block of addresses that one node gets."""
    bits = (2 * max_pods - 1).bit_length()
    return min(SMALLEST_BLOCK_PREFIX, 32 - bits)


def node_count(range_prefix: int, *, max_pods: int) -> int:
    """How many nodes a range of pods holds; 0 when it is smaller than one node's block."""
    prefix = node_prefix(max_pods)
    return 0 if range_prefix > prefix else 1 << (prefix - range_prefix)
