"""The one door to hosts that are reached over SSH: OpenSSH's client. It looks, and it brings a bundle; no more.

What changes a host is Terraform's to do.
"""

from kpo_provision.hosts.bundles import send_bundle
from kpo_provision.hosts.findings import HostFacts, HostLook
from kpo_provision.hosts.known_hosts import choose_key, find_keys
from kpo_provision.hosts.preflight import Wanted, look_at_hosts
from kpo_provision.hosts.ssh import Access, Hop

__all__ = [
    "Access",
    "Hop",
    "HostFacts",
    "HostLook",
    "Wanted",
    "choose_key",
    "find_keys",
    "look_at_hosts",
    "send_bundle",
]
