"""How the hosts of a spec are reached, and what is read for it from files beside the spec."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from kpo_provision import errors
from kpo_provision.airgap.archive import read_bundle, verify_bundle
from kpo_provision.hosts import Access, Hop, HostLook, Wanted, choose_key, find_keys, send_bundle
from kpo_provision.progress import Progress
from kpo_provision.render.hosts import Site
from kpo_provision.render.node_files import BundleFacts, ClusterFacts, render_settings
from kpo_provision.results import HostFailure
from kpo_provision.sizing.pools import InstallationSize
from kpo_provision.spec import model, paths
from kpo_provision.spec.hosts import Host
from kpo_provision.spec.self_hosted import SelfHostedTarget

_NOBODYS_KEY = "ssh-ed25519 AAAA"
"""For a host whose key is not known: Terraform wants one, and no host has this."""


class HostAccess:
    """The way to every host of one spec."""

    def __init__(self, spec: model.Installation, target: SelfHostedTarget, *, base: Path) -> None:
        self._spec, self._target, self._base = spec, target, base.absolute()
        ssh = target.ssh
        self._known_hosts = paths.resolve_path(ssh.known_hosts, base=self._base)
        self._identity = paths.resolve_path(ssh.identity_file, base=self._base) if ssh.identity_file else None
        self._require_identity(self._identity)

    @property
    def hosts(self) -> Mapping[str, Host]:
        """Every host, by the name of its node."""
        return {name: host for pool in self._spec.node_pools.values() for name, host in pool.hosts.items()}

    @functools.cached_property
    def bundle(self) -> BundleFacts | None:
        """The bundle that the spec names, which says what hosts will have.

        Raises:
            errors.UsageError: It is not there, is no bundle, or is for other processors.
        """
        if self._target.bundle is None:
            return None
        path = paths.resolve_path(self._target.bundle, base=self._base)
        found = read_bundle(path)
        for name, pool in self._spec.node_pools.items():
            if pool.hosts and pool.architecture != found.architecture:
                raise errors.UsageError(
                    f"the bundle {path} is for {found.architecture}, and pool {name} is for {pool.architecture}",
                    hint="make a bundle on such a machine, and a spec of its own for these hosts",
                )
        return BundleFacts(
            path=str(path),
            sha256=found.sha256,
            kubernetes=found.kubernetes,
            containerd=found.containerd,
            programs=found.programs,
        )

    def send_bundle(self, nodes: Sequence[str], *, progress: Progress) -> tuple[HostFailure, ...]:
        """Send the bundle, if there is one, to hosts that join; returns those that it did not reach.

        Raises:
            errors.UsageError: It is not whole, or is not the one that was planned with.
        """
        if self.bundle is None or not nodes:
            return ()
        path = Path(self.bundle.path)
        if verify_bundle(path, progress=progress).sha256 != self.bundle.sha256:
            raise errors.UsageError(f"the bundle {path} has changed since the plan", hint="run again")
        hosts = [self._reach(node, self.hosts[node]) for node in nodes]
        return send_bundle(hosts, path, self.bundle.sha256, progress=progress)

    def list_wanted(self, size: InstallationSize, cluster: ClusterFacts) -> Iterator[Wanted]:
        """List what to look at, and what to expect there."""
        target = self._target
        for pool in size.pools:
            wanted = self._spec.node_pools[pool.demand.name]
            for name, host in wanted.hosts.items():
                settings = {
                    **render_settings(target, wanted, pool.shape, cluster, bundle=self.bundle),
                    "NODE_ADDRESS": host.node_address or host.address,
                }
                yield Wanted(access=self._reach(name, host), settings=settings)

    def read_site(self, looks: Mapping[str, HostLook]) -> Site:
        """Read keys and authorities; the host's own word on its keys came over a connection that was checked.

        Raises:
            errors.UsageError: A key or a CA is not there.
        """
        bastion = self._target.ssh.bastion
        keys = {host.address: self._choose_key(host, looks.get(name)) for name, host in self.hosts.items()}
        if bastion is not None:
            keys[bastion.address] = choose_key(self._require_keys(bastion.address, bastion.port))
        identity = bastion.identity_file if bastion else None
        return Site(
            host_keys=keys,
            authorities=self.read_authorities(),
            identity_file=str(self._identity) if self._identity else None,
            bundle=self.bundle,
            bastion_identity_file=str(paths.resolve_path(identity, base=self._base)) if identity else None,
        )

    def read_authorities(self) -> dict[str, str]:
        """Read the CAs of registries that have one, by server.

        Raises:
            errors.UsageError: One is not there, or is no CA.
        """
        return {
            server: self._read_authority(server, registry.ca)
            for server, registry in self._target.registries.items()
            if registry.ca
        }

    def _reach(self, name: str, host: Host) -> Access:
        ssh, bastion = self._target.ssh, self._target.ssh.bastion
        hop = None
        if bastion is not None:
            own = paths.resolve_path(bastion.identity_file, base=self._base) if bastion.identity_file else None
            hop = Hop(
                address=bastion.address,
                port=bastion.port,
                user=bastion.user or ssh.user,
                identity_file=own or self._identity,
            )
        target = Hop(address=host.address, port=host.port or ssh.port, user=ssh.user, identity_file=self._identity)
        return Access(node=name, target=target, known_hosts=self._known_hosts, bastion=hop)

    def _choose_key(self, host: Host, look: HostLook | None) -> str:
        told = look.facts.host_keys if look and look.facts else ()
        known = find_keys(host.address, host.port or self._target.ssh.port, self._known_hosts)
        return choose_key((*told, *known)) or _NOBODYS_KEY

    def _require_keys(self, address: str, port: int) -> tuple[str, ...]:
        keys = find_keys(address, port, self._known_hosts)
        if not keys:
            raise errors.UsageError(
                f"{self._known_hosts} has no key of {address}, and a host whose key is not known is not trusted",
                hint=f"ssh-keyscan {address}, compare with the host itself, and add it there",
            )
        return keys

    def _read_authority(self, server: str, path: str | None) -> str:
        file = paths.resolve_path(path or "", base=self._base)
        try:
            text = file.read_text(encoding="ascii")
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is not text"
            raise errors.UsageError(
                f"the CA of {server} cannot be read: {file}: {reason}", hint="correct target.selfHosted.registries"
            ) from error
        if "-----BEGIN CERTIFICATE-----" not in text or "PRIVATE KEY" in text:
            raise errors.UsageError(
                f"{file} is to hold the CA of {server}, and does not hold certificates alone", hint="give it as PEM"
            )
        return text

    def _require_identity(self, file: Path | None) -> None:
        if file is not None and not file.is_file():
            raise errors.UsageError(
                f"there is no private key {file}", hint="correct target.selfHosted.ssh.identityFile"
            )
