"""A cluster of one's own with pools of both kinds: hosts, and EC2 instances. Each has a workspace of Terraform."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from dataclasses import replace

from kpo_provision.progress import Progress
from kpo_provision.results import Change, Disruption, PoolsAhead
from kpo_provision.target.ec2_pools import Ec2Pools
from kpo_provision.target.opened import OpenTarget
from kpo_provision.target.self_hosted import SelfHostedTarget


class MixedTarget:
    """One cluster, its hosts and its EC2 pools, for one spec."""

    def __init__(self, hosts: SelfHostedTarget, instances: Ec2Pools) -> None:
        self._hosts, self._instances = hosts, instances

    @property
    def description(self) -> str:
        """The context, as far as the spec names it."""
        return self._hosts.description

    def open(self) -> OpenTarget:
        """Connect with the kubeconfig."""
        return self._hosts.open()

    def open_if_there(self) -> OpenTarget | None:
        """Connect to the cluster, which has to be there."""
        return self.open()

    def find_drift(self) -> Sequence[str]:
        """Compare the live nodes with what the spec makes of them."""
        return [*self._hosts.find_drift(), *self._instances.find_drift(self.open().api)]

    def preview(self, *, progress: Progress, on_start: Callable[[], None]) -> PoolsAhead:
        """Plan both with Terraform."""
        hosts = self._hosts.preview(progress=progress, on_start=on_start)
        return _add(hosts, self._prepare_instances(progress))

    def prepare(self, *, progress: Progress) -> PoolsAhead:
        """Plan both, hosts first: what has to be mended there is mended."""
        hosts = self._hosts.prepare(progress=progress)
        return _add(hosts, self._prepare_instances(progress))

    def apply(self, *, progress: Progress) -> OpenTarget:
        """Apply both; hosts that fail hold up no instances."""
        opened = self._hosts.apply(progress=progress)
        changes = self._instances.apply(opened.api, progress=progress)
        return replace(opened, changes=opened.changes + changes)

    def prepare_destroy(self, *, progress: Progress) -> PoolsAhead:
        """Plan that every host leaves and every pool goes."""
        hosts = self._hosts.prepare_destroy(progress=progress)
        return _add(hosts, self._instances.prepare_destroy(self.open().api, progress=progress))

    def destroy(self, *, progress: Progress) -> tuple[Change, ...]:
        """Apply both saved plans."""
        return (*self._hosts.destroy(progress=progress), *self._instances.destroy(self.open().api))

    def renew_token(self, *, progress: Progress) -> datetime.datetime:
        """Have instances join by another token from now on; returns when it ends."""
        return self._instances.renew_token(self.open().api, progress=progress)

    def close(self) -> None:
        """Let other commands at the workspaces."""
        self._hosts.close()
        self._instances.close()

    def _prepare_instances(self, progress: Progress) -> PoolsAhead:
        cluster = self._hosts.read_cluster()
        authorities = self._hosts.read_authorities()
        return self._instances.prepare(self.open().api, cluster, authorities, progress=progress)


def _add(one: PoolsAhead, other: PoolsAhead) -> PoolsAhead:
    return PoolsAhead(
        pools=one.pools + other.pools,
        hosts=one.hosts + other.hosts,
        others=one.others + other.others,
        notes=one.notes + other.notes,
        disruption=Disruption(pods={**one.disruption.pods, **other.disruption.pods}),
    )
