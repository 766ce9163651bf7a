"""The spec: what users write, checked as a whole before anything else runs. Knows no cluster and starts no process."""

from kpo_provision.spec.loader import load_spec, parse_spec
from kpo_provision.spec.model import Installation

__all__ = ["Installation", "load_spec", "parse_spec"]
