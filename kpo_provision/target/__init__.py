"""The cluster that a spec is for: how it is found, and how its pools come to be. One module a kind of target."""

from kpo_provision.target.choice import choose_target
from kpo_provision.target.contract import Target
from kpo_provision.target.opened import OpenTarget

__all__ = ["OpenTarget", "Target", "choose_target"]
