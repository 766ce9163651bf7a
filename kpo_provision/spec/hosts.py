"""What a spec may say about one host, and about how hosts are reached."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from kpo_provision.spec.fields import FilePath, HostAddress, IpAddress, UnixUser
from kpo_provision.spec.part import SpecModel

SshPort = Annotated[int, Field(ge=1, le=65535)]


class Host(SpecModel):
    """A host that joins the cluster as a node."""

    address: HostAddress
    """Where SSH reaches it: an address, or a name."""
    port: SshPort | None = None
    """Port of its SSH server; `target.selfHosted.ssh.port` when absent."""
    node_address: IpAddress | None = None
    """Address by which the API server and other nodes reach it; `address` when absent."""


class Bastion(SpecModel):
    """A host that SSH goes through."""

    address: HostAddress
    """Where SSH reaches it."""
    port: SshPort = 22
    """Port of its SSH server."""
    user: UnixUser | None = None
    """User there; that of the hosts when absent."""
    identity_file: FilePath | None = None
    """Path of the private key for it; that of the hosts when absent."""


class Ssh(SpecModel):
    """How hosts are reached. The keys of hosts are always checked."""

    user: UnixUser = "root"
    """User on the hosts; one that is not root needs sudo without a password."""
    port: SshPort = 22
    """Port of their SSH servers."""
    identity_file: FilePath | None = None
    """Path of the private key, which has no passphrase; the keys of the SSH agent when absent."""
    known_hosts: FilePath = "~/.ssh/known_hosts"
    """Path of the file with the public keys of the hosts."""
    bastion: Bastion | None = None
    """A host that SSH goes through to reach them."""
