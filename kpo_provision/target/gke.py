"""A GKE cluster whose node pools Terraform makes, and the cluster too when the spec asks for it.

Google is asked what is there, Terraform changes it. What is shown is a saved plan, and that plan is what is applied.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kpo_provision import errors, terraform
from kpo_provision.aside import Aside
from kpo_provision.clouds import gke_errors
from kpo_provision.clouds.gke_drift import find_drift
from kpo_provision.clouds.gke_facts import ClusterFacts, ClusterName, Live
from kpo_provision.plan import Plan
from kpo_provision.progress import Progress
from kpo_provision.render import tfvars
from kpo_provision.results import Change, Disruption, PoolsAhead
from kpo_provision.sizing.pools import InstallationSize
from kpo_provision.spec import model
from kpo_provision.spec.gke import GkeTarget as GkeSpec
from kpo_provision.target import gke_changes, gke_mending, gke_state
from kpo_provision.target.gke_mending import Mend
from kpo_provision.target.opened import OpenTarget, open_connection
from kpo_provision.target.pool_disruption import GKE_POOL_KEY, find_disruption
from kpo_provision.terraform import Driver, PlanSummary

if TYPE_CHECKING:
    from kpo_provision.clouds.gke import Gke


@dataclass(frozen=True, slots=True, kw_only=True)
class _Planned:
    """A plan that is saved where ``driver`` runs, what is there, and what is to be mended before.

    ``lost`` are addresses of identities that may be there though the state does not know them.
    """

    driver: Driver
    summary: PlanSummary
    live: Live
    mends: tuple[Mend, ...] = ()
    lost: tuple[str, ...] = ()


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
        self._name = ClusterName(project=wanted.project, location=wanted.location, cluster=wanted.cluster)
        self._lock = threading.Lock()
        self._client: Gke | None = None
        self._planned: _Planned | None = None
        self._held = ExitStack()
        self._holds_workspace = False

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

    def preview(self, *, progress: Progress, on_start: Callable[[], None]) -> PoolsAhead:
        """Plan with Terraform; what has to be mended in its state first is only named."""
        planned = self._make_plan(progress, on_start=on_start)
        notes = tuple(str(mend) for mend in planned.mends if mend.changes_state)
        return replace(self._describe(planned), notes=notes)

    def prepare(self, *, progress: Progress) -> PoolsAhead:
        """Let what is going on end, mend Terraform's state, plan, and look who runs on pools that will go."""
        if self._wanted.create:
            # A run that was killed may have begun to make it.
            self._gke.wait_until_idle(progress=progress)
        planned = self._make_plan(progress)
        if planned.mends:
            self._gke.wait_until_idle(progress=progress)
            planned = self._make_plan(progress)
        if any(mend.changes_state for mend in planned.mends):
            gke_state.mend_state(planned.driver, self._wanted, planned.summary, planned.mends)
            planned = self._make_plan(progress)
        self._planned = planned
        return replace(self._describe(planned), disruption=self._find_disruption(planned))

    def apply(self, *, progress: Progress) -> OpenTarget:
        """Apply the saved plan, and connect."""
        changes = self._apply_planned()
        with progress.step("Connect to the cluster"):
            return replace(self._connect(self._gke.read_cluster()), changes=changes)

    def prepare_destroy(self, *, progress: Progress) -> PoolsAhead:
        """Make everything of ours known to Terraform's state, then plan its end."""
        self._gke.wait_until_idle(progress=progress)
        planned = self._make_plan(progress)
        gke_state.mend_state(planned.driver, self._wanted, planned.summary, planned.mends)
        gke_state.import_now(planned.driver, self._wanted, planned.mends)
        summary = planned.driver.plan(destroy=True)
        lost = gke_mending.find_lost_identities(planned.summary) if summary.known else ()
        self._planned = replace(planned, summary=summary, lost=lost)
        return replace(self._describe(self._planned), disruption=self._find_disruption(self._planned))

    def destroy(self, *, progress: Progress) -> tuple[Change, ...]:
        """Apply the saved plan.

        First a cluster that was made for the spec loses its protection, and identities become known that only need to
        be made once more for that.
        """
        planned = self._planned
        if planned is not None:
            made = [found.address for found in planned.summary.known if found.type == terraform.CLUSTER_TYPE]
            if made or planned.lost:
                driver = self._open_terraform(progress, deletion_protection=False)
                driver.apply(driver.sketch(targets=(*made, *planned.lost)))
                self._planned = replace(planned, driver=driver, summary=driver.plan(destroy=True))
        return self._apply_planned()

    def close(self) -> None:
        """Let other commands at the workspace."""
        self._held.close()
        self._holds_workspace = False

    def _apply_planned(self) -> tuple[Change, ...]:
        planned = self._planned
        if planned is None or not planned.summary.has_changes:
            return ()
        planned.driver.apply(planned.summary)
        return self._describe(planned).changes

    @property
    def _gke(self) -> Gke:
        with self._lock:
            if self._client is None:
                # Google's client takes a quarter of a second to load: Terraform is started first.
                from kpo_provision.clouds.gke import Gke

                self._client = Gke(self._name)
            return self._client

    def _make_plan(self, progress: Progress, *, on_start: Callable[[], None] = lambda: None) -> _Planned:
        """Have Terraform plan while Google says what is there, then see whether the two know of the same things."""
        with Aside(self._read_live, name="google") as reading:

            def begin() -> None:
                reading.begin()
                on_start()

            try:
                driver = self._open_terraform(progress)
                sketch = driver.sketch(on_start=begin)
            except errors.TerraformError:
                reading.result()  # what Google says is nearer to the cause
                raise
            live = reading.result()
        names = [pool.name for pool in self._plan.pools]
        if gke_mending.is_plain(sketch, live, self._plan.installation, names):
            return _Planned(driver=driver, summary=sketch, live=live)
        return self._explain(driver, live, names)

    def _explain(self, driver: Driver, live: Live, names: Sequence[str]) -> _Planned:
        """Read the whole plan; and make another one where something is found that an import block makes known."""
        summary = driver.explain()
        gke_mending.require_free_names(summary, live, self._plan.installation)
        mends = gke_mending.find_mends(summary, live, self._plan.installation, names)
        if mends and not any(mend.changes_state for mend in mends):
            gke_state.declare_imports(driver, self._wanted, mends)
            summary = driver.plan()
        return _Planned(driver=driver, summary=summary, live=live, mends=mends)

    def _describe(self, planned: _Planned) -> PoolsAhead:
        return PoolsAhead(
            pools=gke_changes.describe_pools(
                planned.summary, self._size, planned.live.pools_of(self._plan.installation)
            ),
            others=tuple(gke_changes.describe_others(planned.summary)),
        )

    def _find_disruption(self, planned: _Planned) -> Disruption:
        doomed = [change.old_name for change in planned.summary.destructive if change.type == terraform.POOL_TYPE]
        return find_disruption(self.open().api, doomed, key=GKE_POOL_KEY) if doomed else Disruption()

    def _read_live(self) -> Live:
        """Read what is there, once the cluster is known to be the one that the spec means."""
        facts = self._gke.find_cluster() if self._wanted.create else self._gke.read_cluster()
        if facts is None:
            return Live()
        self._require_ours(facts)
        self._require_zones(facts)
        return Live(cluster=facts, pools=self._gke.read_pools())

    def _require_ours(self, facts: ClusterFacts) -> None:
        if self._wanted.create and facts.labels.get(tfvars.CLUSTER_LABEL) != self._plan.installation:
            raise gke_errors.refusal(
                "clusters.create",
                f"there is a cluster {facts.name.cluster} in {facts.name.location} that kpo-provision did not "
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
        if not self._holds_workspace:
            self._held.enter_context(
                terraform.hold_workspace(self._plan.installation, base=self._base, progress=progress)
            )
            self._holds_workspace = True
        variables: dict[str, Any] = tfvars.render_tfvars(self._spec, self._wanted, self._size)
        variables["cluster"] |= cluster
        where = terraform.Where(
            installation=self._plan.installation, base=self._base, environ=self._environ, progress=progress
        )
        return terraform.open_gke(where, self._wanted, variables)

    def _connect(self, facts: ClusterFacts) -> OpenTarget:
        from kpo_provision.kube import connection, kubeconfig

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
