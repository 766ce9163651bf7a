"""From a plan to manifests: pure text and values, the same bytes for the same plan; nothing here asks a cluster."""

from __future__ import annotations

from kpo_provision.render.folder import write_bundle
from kpo_provision.render.manifests import render

__all__ = ["render", "write_bundle"]
