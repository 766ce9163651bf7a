"""A GKE cluster whose node pools Terraform makes, and the cluster too when the spec asks for it.

Google is asked what is there, Terraform changes it. What is shown is a saved plan, and that plan is what is applied.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from kpo_provision import errors, terraform
from kpo_provision.clouds.gke import Gke
from kpo_provision.clouds.gke_drift import find_drift
from kpo_provision.clouds.gke_facts import ClusterFacts, ClusterName, LivePool
from kpo_provision.kube import connection, kubeconfig
from kpo_provision.plan import Plan
from kpo_provision.progress import Progress
from kpo_provision.render import tfvars
from kpo_provision.results import Change, Disruption, PoolsAhead
from kpo_provision.sizing.pools import InstallationSize
from kpo_provision.spec import model
from kpo_provision.spec.gke import GkeTarget as GkeSpec
from kpo_provision.target import gke_changes, gke_mending, gke_state
from kpo_provision.target.gke_disruption import find_disruption
from kpo_provision.target.gke_mending import Mend
from kpo_provision.target.opened import OpenTarget, open_connection
from kpo_provision.terraform import Driver, PlanSummary


class GkeTarget:
    """One cluster of GKE, for one spec."""

    def __init__(
        self,
        spec: model.Installation,
        plan: Plan,
        size: InstallationSize,
        *,
        base: Path,
        environ: Mapping[str, str],
    ) -> None:
        wanted = spec.target.gke
        if wanted is None:
            raise errors.UsageError("the spec is not for a GKE cluster", hint="set target.gke")
        self._spec = spec
        self._wanted: GkeSpec = wanted
        self._plan = plan
        self._size = size
        self._base = base
        self._environ = environ
        self._gke = Gke(ClusterName(project=wanted.project, location=wanted.location, cluster=wanted.cluster))
        self._planned: tuple[Driver, PlanSummary] | None = None

    @property
    def description(self) -> str:
        """Where the cluster is, or will be."""
        wanted = self._wanted
        return f"GKE cluster {wanted.project}/{wanted.location}/{wanted.cluster}"

    def open(self) -> OpenTarget:
        """Connect with Google's login, to the address and with the authority that Google tells."""
        return self._connect(self._gke.read_cluster())

    def open_if_there(self) -> OpenTarget | None:
        """Connect to the cluster; None where the spec has it made and it is not there yet."""
        if not self._wanted.create:
            return self.open()
        facts = self._gke.find_cluster()
        return self._connect(facts) if facts else None

    def find_drift(self) -> Sequence[str]:
        """Compare the live pools with the planned ones, without Terraform."""
        if self._wanted.create and self._gke.find_cluster() is None:
            return (f"{self.description} is not there",)
        sizes = {pool.demand.name: pool for pool in self._size.pools}
        return [str(drift) for drift in find_drift(self._plan, sizes, self._gke.read_pools())]

    def preview(self, *, progress: Progress) -> PoolsAhead:
        """Plan with Terraform; what has to be mended in its state first is only named."""
        with progress.step("Read the cluster"):
            live = self._read_live()
        driver = self._open_terraform(progress)
        summary, mends = self._plan_whole(driver, live)
        notes = tuple(str(mend) for mend in mends if mend.changes_state)
        return replace(self._describe(summary, Disruption()), notes=notes)

    def prepare(self, *, progress: Progress) -> PoolsAhead:
        """Let what is going on end, mend Terraform's state, plan, and look who runs on pools that will go."""
        if self._wanted.create:
            # A run that was killed may have begun to make it.
            self._gke.wait_until_idle(progress=progress)
        with progress.step("Read the cluster"):
            live = self._read_live()
        driver = self._open_terraform(progress)
        summary, mends = self._plan_whole(driver, live)
        if mends:
            self._gke.wait_until_idle(progress=progress)
            live = self._read_live()
            summary, mends = self._plan_whole(driver, live)
            if any(mend.changes_state for mend in mends):
                gke_state.mend_state(driver, self._wanted, summary, mends)
                summary, _ = self._plan_whole(driver, self._read_live())
        self._planned = driver, summary
        return self._describe(summary, self._find_disruption(summary))

    def apply(self, *, progress: Progress) -> OpenTarget:
        """Apply the saved plan, and connect."""
        changes = self._apply_planned()
        with progress.step("Connect to the cluster"):
            return replace(self._connect(self._gke.read_cluster()), changes=changes)

    def prepare_destroy(self, *, progress: Progress) -> PoolsAhead:
        """Make everything of ours known to Terraform's state, then plan its end."""
        self._gke.wait_until_idle(progress=progress)
        live = self._read_live()
        driver = self._open_terraform(progress)
        if live:
            summary, mends = self._plan_whole(driver, live)
            gke_state.mend_state(driver, self._wanted, summary, mends)
            gke_state.import_now(driver, self._wanted, mends)
        summary = driver.plan(destroy=True)
        self._planned = driver, summary
        return self._describe(summary, self._find_disruption(summary))

    def destroy(self, *, progress: Progress) -> tuple[Change, ...]:
        """Apply the saved plan; a cluster that was made for the spec loses its protection first."""
        if self._planned and any(found.type == terraform.CLUSTER_TYPE for found in self._planned[1].known):
            driver = self._open_terraform(progress, deletion_protection=False)
            driver.apply(driver.plan(targets=[terraform.CLUSTER_ADDRESS]))
            self._planned = driver, driver.plan(destroy=True)
        return self._apply_planned()

    def _apply_planned(self) -> tuple[Change, ...]:
        if self._planned is None:
            return ()
        driver, summary = self._planned
        if not summary.has_changes:
            return ()
        driver.apply(summary)
        return self._describe(summary, Disruption()).changes

    def _read_live(self) -> tuple[LivePool, ...]:
        """Read the live pools, once the cluster is known to be the one that the spec means."""
        facts = self._gke.find_cluster() if self._wanted.create else self._gke.read_cluster()
        if facts is None:
            return ()
        self._require_ours(facts)
        self._require_zones(facts)
        return self._gke.read_pools()

    def _require_ours(self, facts: ClusterFacts) -> None:
        if self._wanted.create and facts.labels.get(tfvars.CLUSTER_LABEL) != self._plan.installation:
            raise errors.CloudError(
                service="Google Kubernetes Engine",
                operation="clusters.create",
                problem=f"there is a cluster {facts.name.cluster} in {facts.name.location} that kpo-provision did not "
                f"make for {self._plan.installation}",
                hint="leave out target.gke.create to use it as it is, or give the new one another name",
            )

    def _require_zones(self, facts: ClusterFacts) -> None:
        """Refuse to plan for another number of zones than the cluster has: nodes are counted per zone."""
        for pool in self._size.pools:
            names_none = not isinstance(self._spec.node_pools[pool.demand.name].zones or self._spec.sizing.zones, tuple)
            if names_none and pool.nodes.zones != len(facts.zones):
                raise errors.UsageError(
                    f"cluster {facts.name.cluster} has nodes in {len(facts.zones)} zones, and pool {pool.demand.name} "
                    f"is planned for {pool.nodes.zones}",
                    hint=f"set sizing.zones: [{', '.join(facts.zones)}]",
                )

    def _open_terraform(self, progress: Progress, **cluster: bool) -> Driver:
        variables: dict[str, Any] = tfvars.render_tfvars(self._spec, self._wanted, self._size)
        variables["cluster"] |= cluster
        return terraform.open_gke(
            self._plan.installation,
            self._wanted,
            variables,
            base=self._base,
            environ=self._environ,
            progress=progress,
        )

    def _plan_whole(self, driver: Driver, live: Sequence[LivePool]) -> tuple[PlanSummary, tuple[Mend, ...]]:
        """Plan; and once more, where pools are found that an import block makes known."""
        ours = [pool for pool in live if pool.belongs_to(self._plan.installation)]
        names = [pool.name for pool in self._plan.pools]
        summary = driver.plan()
        mends = gke_mending.find_mends(summary, ours, names)
        gke_mending.require_free_names(summary, live, self._plan.installation, self._gke.name)
        if mends and not any(mend.changes_state for mend in mends):
            gke_state.declare_imports(driver, self._wanted, mends)
            summary = driver.plan()
        return summary, mends

    def _describe(self, summary: PlanSummary, disruption: Disruption) -> PoolsAhead:
        return PoolsAhead(
            pools=gke_changes.describe_pools(summary, self._size),
            others=tuple(gke_changes.describe_others(summary)),
            disruption=disruption,
        )

    def _find_disruption(self, summary: PlanSummary) -> Disruption:
        doomed = [change.old_name for change in summary.destructive if change.type == terraform.POOL_TYPE]
        if not doomed:
            return Disruption()
        return find_disruption(self.open().api, doomed)

    def _connect(self, facts: ClusterFacts) -> OpenTarget:
        login = kubeconfig.Login(
            server=facts.server,
            context=f"GKE cluster {facts.name.cluster}",
            ca_file=None,
            ca_data=facts.authority,
            cert_file=None,
            key_file=None,
            authorize=self._gke.login.authorize,
        )
        return open_connection(connection.connect_as(login), self._plan, description=self.description)
