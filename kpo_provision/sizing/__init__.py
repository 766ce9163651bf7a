"""From a spec to numbers: what the cluster will see, and the nodes that hold it. Pure; every number has its reason."""

from kpo_provision.sizing.installation import size

__all__ = ["size"]
