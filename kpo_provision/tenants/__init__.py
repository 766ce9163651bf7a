"""Brings tenants to the state a bundle describes: what differs is decided first, then done, the riskiest last.

Knows objects, order and ownership; how an API server is spoken to is for ``kube``.
"""

from kpo_provision.tenants.apply import apply_bundle
from kpo_provision.tenants.destroy import destroy_tenants
from kpo_provision.tenants.preview import preview_bundle, preview_new

__all__ = ["apply_bundle", "destroy_tenants", "preview_bundle", "preview_new"]
