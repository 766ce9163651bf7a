"""A cluster that exists already, and hosts that Terraform has join it over SSH.

Hosts are looked at over SSH and nodes through the API server; what changes a host is Terraform's to do.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from kpo_provision import errors, pools, registry, terraform
from kpo_provision.enumeration import name_few
from kpo_provision.hosts import HostLook, look_at_hosts
from kpo_provision.kube import connection
from kpo_provision.kube.api import Api
from kpo_provision.kube.bootstrap_tokens import hold_token
from kpo_provision.plan import Plan
from kpo_provision.progress import Progress
from kpo_provision.render.hosts import render_hosts_tfvars
from kpo_provision.render.node_files import ClusterFacts
from kpo_provision.results import Action, Change, Disruption, HostChange, HostFailure, PoolsAhead
from kpo_provision.sizing.pools import InstallationSize
from kpo_provision.spec import model, paths
from kpo_provision.spec.self_hosted import SelfHostedTarget as SelfHostedSpec
from kpo_provision.target import host_changes, host_nodes
from kpo_provision.target.host_access import HostAccess
from kpo_provision.target.host_cluster import read_cluster
from kpo_provision.target.opened import OpenTarget, open_connection
from kpo_provision.terraform import Driver, PlanSummary

_MOST_AT_ONCE = 64
"""Hosts that are worked on at a time: each is two resources, and one of a host waits for the other."""
_TOKEN_S = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class _Planned:
    """A plan that is saved where ``driver`` runs, what it means for each host, and what the state has wrong.

    ``unfinished`` and ``old_logins`` are addresses; ``logins`` is the Docker ``config.json`` that kubelets are to have;
    ``looked_at`` is when the hosts were looked at, in seconds since 1970.
    """

    driver: Driver
    summary: PlanSummary
    hosts: tuple[HostChange, ...]
    unfinished: Sequence[str] = ()
    old_logins: Sequence[str] = ()
    logins: str = field(default="", repr=False)
    looked_at: int = 0


class SelfHostedTarget:
    """One cluster and its hosts, for one spec."""

    def __init__(
        self,
        spec: model.Installation,
        plan: Plan,
        size: InstallationSize,
        *,
        base: Path,
        environ: Mapping[str, str],
        force: bool = False,
    ) -> None:
        wanted = spec.target.self_hosted
        if wanted is None:
            raise errors.UsageError("the spec is not for hosts", hint="set target.selfHosted")
        self._spec, self._plan, self._size = spec, plan, size
        self._wanted: SelfHostedSpec = wanted
        self._base, self._environ, self._force = base, environ, force
        self._access = HostAccess(spec, wanted, base=base)
        self._opened: OpenTarget | None = None
        self._planned: _Planned | None = None
        self._held = ExitStack()
        self._holds_workspace = False

    @property
    def description(self) -> str:
        """The context, as far as the spec names it."""
        return f"context {self._wanted.context}" if self._wanted.context else "the current context"

    def open(self) -> OpenTarget:
        """Connect with the kubeconfig."""
        if self._opened is None:
            path = paths.resolve_path(self._wanted.path, base=self._base) if self._wanted.path else None
            found = connection.connect(kubeconfig=path, context=self._wanted.context)
            description = f"context {found.context} ({found.server})"
            self._opened = open_connection(found, self._plan, description=description)
        return self._opened

    def open_if_there(self) -> OpenTarget | None:
        """Connect to the cluster, which has to be there."""
        return self.open()

    def find_drift(self) -> Sequence[str]:
        """Compare the live nodes with what the spec makes of its hosts."""
        return host_nodes.find_drift(self.open().api, self._spec, self._plan, self._size)

    def preview(self, *, progress: Progress, on_start: Callable[[], None]) -> PoolsAhead:
        """Look at the hosts, and plan with Terraform."""
        on_start()
        planned = self._make_plan(progress)
        notes = [f"{address} was left unfinished by an earlier run, and is made anew" for address in planned.unfinished]
        if planned.old_logins:
            nodes = name_few([host_changes.find_node(address) for address in planned.old_logins])
            notes.append(f"the registry logins of {nodes} have changed, and are given to their kubelets")
        return PoolsAhead(hosts=planned.hosts, notes=tuple(notes))

    def prepare(self, *, progress: Progress) -> PoolsAhead:
        """Look at the hosts, mend Terraform's state, and plan."""
        planned = self._make_plan(progress)
        stale = dict.fromkeys((*planned.unfinished, *planned.old_logins))
        if stale:
            for address in stale:
                planned.driver.taint(address)
            planned = self._make_plan(progress)
        half = host_changes.find_half_leaving(planned.summary)
        if half:
            for address in half:
                planned.driver.untaint(address)
            planned = self._make_plan(progress)
        return self._settle(planned)

    def apply(self, *, progress: Progress) -> OpenTarget:
        """Apply the saved plan, then see to it that every node is labelled and tainted as its pool says."""
        cluster, planned = self.open(), self._require_planned()
        failures = self._apply_planned(planned, progress)
        planned = self._require_planned()
        members = {
            name: pool
            for pool in self._plan.pools
            for name in self._spec.node_pools[pool.name].hosts
            if name not in {failure.node for failure in failures}
        }
        changes = pools.settle_members(cluster.api, members, installation=self._plan.installation)
        failed = {failure.node for failure in failures}
        done = tuple(host.as_change() for host in planned.hosts if host.is_mutation and host.node not in failed)
        return replace(cluster, changes=done + changes, host_failures=failures)

    def prepare_destroy(self, *, progress: Progress) -> PoolsAhead:
        """Plan that every host leaves."""
        driver = self._open_terraform(progress, self._render(self.read_cluster(), {}))
        summary = driver.plan(destroy=True)
        half = host_changes.find_half_leaving(summary)
        for address in half:
            driver.untaint(address)
        summary = driver.plan(destroy=True) if half else summary
        hosts = host_changes.describe_hosts(self._spec.model_copy(update={"node_pools": {}}), summary, {})
        return self._settle(_Planned(driver=driver, summary=summary, hosts=hosts))

    def destroy(self, *, progress: Progress) -> tuple[Change, ...]:
        """Apply the saved plan.

        Raises:
            errors.ClusterError: A host did not leave.
        """
        planned = self._require_planned()
        failures = self._apply_planned(planned, progress)
        if failures:
            first = failures[0]
            more = f" (and {len(failures) - 1} more)" if len(failures) > 1 else ""
            raise errors.ClusterError(f"host {first.node} did not leave: {first.problem}{more}", hint=first.hint)
        return tuple(host.as_change() for host in self._require_planned().hosts)

    def close(self) -> None:
        """Let other commands at the workspace."""
        self._held.close()
        self._holds_workspace = False

    def _settle(self, planned: _Planned) -> PoolsAhead:
        self._planned = planned
        leaving = host_changes.list_leaving(planned.hosts)
        ended = Disruption()
        if leaving and self._force:
            ended = host_nodes.find_pods_to_end(self.open().api, leaving)
        return PoolsAhead(hosts=planned.hosts, disruption=ended)

    def _require_planned(self) -> _Planned:
        if self._planned is None:
            raise AssertionError("apply comes after prepare")
        return self._planned

    def read_authorities(self) -> Mapping[str, str]:
        """Read the CAs of registries, by server."""
        return self._access.read_authorities()

    def read_cluster(self) -> ClusterFacts:
        """Ask the cluster what hosts have to know of it."""
        cluster = self.open()
        return read_cluster(cluster.api, self._wanted, version=cluster.version)

    def _make_plan(self, progress: Progress) -> _Planned:
        names = self._wanted.node_registries
        logins = registry.load_node_logins(self._spec, names, base=self._base, environ=self._environ)
        cluster = self.read_cluster()
        looked_at = int(time.time())
        looks = look_at_hosts(list(self._access.list_wanted(self._size, cluster)), progress=progress)
        by_node = {look.node: look for look in looks}
        variables = self._render(cluster, by_node)
        driver = self._open_terraform(progress, variables)
        summary = driver.plan()
        fingerprints = {name: str(host["fingerprint"]) for name, host in variables["hosts"].items()}
        return _Planned(
            driver=driver,
            summary=summary,
            hosts=host_changes.describe_hosts(self._spec, summary, by_node),
            unfinished=host_changes.find_unfinished(summary, by_node, fingerprints),
            old_logins=host_changes.find_old_logins(summary, by_node, logins),
            logins=logins,
            looked_at=looked_at,
        )

    def _render(self, cluster: ClusterFacts, looks: Mapping[str, HostLook]) -> dict[str, Any]:
        site = self._access.read_site(looks)
        return render_hosts_tfvars(self._spec, self._plan, self._size, cluster=cluster, site=site)

    def _open_terraform(self, progress: Progress, variables: Mapping[str, Any]) -> Driver:
        if not self._holds_workspace:
            name = self._plan.installation
            self._held.enter_context(terraform.hold_workspace(name, base=self._base, progress=progress))
            self._holds_workspace = True
        where = terraform.Where(
            installation=self._plan.installation, base=self._base, environ=self._environ, progress=progress
        )
        return terraform.open_self_hosted(where, self._wanted, variables)

    def _apply_planned(self, planned: _Planned, progress: Progress) -> tuple[HostFailure, ...]:
        """Apply what is planned of all hosts but those that something fatal was found about; they are failures."""
        failures = {host.node: _refuse(host) for host in planned.hosts if host.is_mutation and host.fatal}
        hosts = [host for host in planned.hosts if host.is_mutation and host.node not in failures]
        unreached = self._access.send_bundle(host_changes.list_joining(hosts), progress=progress)
        failures |= {failure.node: failure for failure in unreached}
        hosts = [host for host in hosts if host.node not in failures]
        if not hosts:
            return tuple(failures.values())
        api = self.open().api
        leaving = host_changes.list_leaving(hosts)
        if leaving and self._force:
            host_nodes.end_pods(api, leaving, progress=progress)
        summary = planned.summary
        if failures:
            kept = [change.address for change in summary.changes]
            kept = [address for address in kept if host_changes.find_node(address) not in failures]
            summary = planned.driver.sketch(targets=kept)
        with self._hold_token(api, hosts) as ephemeral:
            try:
                given = {"kubelet_logins": planned.logins, "looked_at": str(planned.looked_at), **ephemeral}
                planned.driver.apply(summary, ephemeral=given, parallelism=_choose_parallelism(hosts))
            except errors.TerraformError as error:
                found = host_changes.explain_failures(error)
                if not found:
                    raise
                failures |= {failure.node: failure for failure in found}
        if self._force:
            lost = {node: failures.pop(node) for node in leaving if node in failures}
            for node in lost:
                planned.driver.forget(host_changes.address_host(node))
            hosts = [host_changes.describe_lost(host, lost[host.node]) if host.node in lost else host for host in hosts]
            self._planned = replace(planned, hosts=tuple(hosts))
        gone = [host.node for host in hosts if host.action is Action.DELETE and host.node not in failures]
        host_nodes.delete_nodes(api, gone)
        return tuple(failures[node] for node in sorted(failures))

    @contextmanager
    def _hold_token(self, api: Api, hosts: Sequence[HostChange]) -> Iterator[Mapping[str, str]]:
        joining = host_changes.list_joining(hosts)
        if not joining:
            yield {}
            return
        seconds = _TOKEN_S + self._wanted.drain_timeout * bool(host_changes.list_leaving(hosts))
        purpose = f"kpo-provision: hosts of {self._plan.installation} join"
        with hold_token(api, seconds=seconds, purpose=purpose) as token:
            yield {"join_token": token}


def _refuse(host: HostChange) -> HostFailure:
    problem = "; ".join(f"{finding.problem} ({finding.code})" for finding in host.fatal)
    return HostFailure(node=host.node, problem=problem, hint=host.fatal[0].hint)


def _choose_parallelism(hosts: Sequence[HostChange]) -> int:
    """Choose how many resources are worked on at a time: one, where kubelets are restarted that look after pods."""
    if any(host.action is Action.UPDATE for host in hosts):
        return 1
    return min(2 * len(hosts), _MOST_AT_ONCE)
