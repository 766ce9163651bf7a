"""Pools of EC2 instances: images are looked up, the join token is put where instances find it, groups are Terraform's.

The groups' sizes are an autoscaler's. What is waited for is as many nodes as the spec wants at least.
"""

from __future__ import annotations

import datetime
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kpo_provision import errors, pools, terraform
from kpo_provision.enumeration import name_few
from kpo_provision.plan import POOL_KEY, Plan, PoolPlan
from kpo_provision.progress import Progress
from kpo_provision.quantity import parse_quantity
from kpo_provision.render.instances import (
    ImageFacts,
    name_group,
    name_parameter,
    render_instances_tfvars,
    render_site_tfvars,
)
from kpo_provision.results import Change, Disruption, PoolsAhead
from kpo_provision.sizing.node import NodeShape
from kpo_provision.sizing.pool import PoolSize
from kpo_provision.sizing.pools import InstallationSize
from kpo_provision.spec import model
from kpo_provision.spec.ec2 import Ec2Site
from kpo_provision.spec.self_hosted import SelfHostedTarget
from kpo_provision.target import ec2_changes, host_nodes
from kpo_provision.target.pool_disruption import find_disruption
from kpo_provision.terraform import Driver, PlanSummary

if TYPE_CHECKING:
    from kpo_provision.clouds.ec2_groups import GroupFacts
    from kpo_provision.kube.api import Api
    from kpo_provision.render.node_files import ClusterFacts

TOKEN_PERIOD_S = 8 * 3600
"""How often a token is to be replaced."""
_TOKEN_LIFE_S = 3 * TOKEN_PERIOD_S
"""Two replacements may fail before an instance finds a token of no use (cluster-api-provider-aws#2321)."""
_POLL_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Planned:
    driver: Driver
    summary: PlanSummary
    ahead: PoolsAhead


class Ec2Pools:
    """The EC2 pools of one spec."""

    def __init__(
        self,
        spec: model.Installation,
        plan: Plan,
        size: InstallationSize,
        *,
        base: Path,
        environ: Mapping[str, str],
    ) -> None:
        target = spec.target.self_hosted
        if target is None or target.ec2 is None:
            raise errors.UsageError("the spec is not for EC2 instances", hint="set target.selfHosted.ec2")
        self._spec, self._plan, self._size = spec, plan, size
        self._target: SelfHostedTarget = target
        self._site: Ec2Site = target.ec2
        self._base, self._environ = base, environ
        self._sizes = [pool for pool in size.pools if spec.node_pools[pool.demand.name].ec2 is not None]
        self._held = ExitStack()
        self._holds_workspace = False
        self._planned: _Planned | None = None

    def prepare(
        self, api: Api, cluster: ClusterFacts, authorities: Mapping[str, str], *, progress: Progress
    ) -> PoolsAhead:
        """Look up the images, plan, and look who runs on pools that go."""
        variables = render_instances_tfvars(
            self._spec,
            self._plan,
            self._size,
            cluster=cluster,
            authorities=authorities,
            images=self._find_images(progress),
        )
        driver = self._open_terraform(variables, progress)
        return self._settle(api, driver, driver.plan(), self._sizes)

    def prepare_destroy(self, api: Api, *, progress: Progress) -> PoolsAhead:
        """Plan that every pool goes; images, which may be gone by now, are asked for no more."""
        driver = self._open_terraform(render_site_tfvars(self._site, self._plan.installation), progress)
        return self._settle(api, driver, driver.plan(destroy=True), ())

    def apply(self, api: Api, *, progress: Progress) -> tuple[Change, ...]:
        """Have a token ready, apply what is planned, and wait for as many nodes as there have to be.

        Raises:
            errors.ClusterError: Instances could not be made, or did not become nodes.
        """
        planned = self._require_planned()
        if self._sizes:
            self.renew_token(api, progress=progress, only_if_due=True)
        self._apply(api, planned)
        self._wait_for_nodes(api, progress=progress)
        return planned.ahead.changes

    def destroy(self, api: Api) -> tuple[Change, ...]:
        """Apply that every pool goes, and leave no token behind."""
        from kpo_provision.clouds.join_tokens import delete_token

        planned = self._require_planned()
        self._apply(api, planned)
        delete_token(name_parameter(self._plan.installation), region=self._site.region)
        return planned.ahead.changes

    def renew_token(self, api: Api, *, progress: Progress, only_if_due: bool = False) -> datetime.datetime:
        """Make another token and put it where instances look for it; the former one ends by itself.

        Returns:
            When the token that is there now ends.

        Raises:
            errors.ClusterError: The cluster makes none.
            errors.CloudError: AWS does not take it.
        """
        from kpo_provision.clouds.join_tokens import read_expiry, write_token
        from kpo_provision.kube.bootstrap_tokens import create_token

        name = name_parameter(self._plan.installation)
        with progress.step("Put the join token into SSM") as step:
            expires = read_expiry(name, region=self._site.region) if only_if_due else None
            due = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=_TOKEN_LIFE_S - TOKEN_PERIOD_S)
            if expires is not None and expires > due:
                return expires
            step.say(name)
            purpose = f"kpo-provision: instances of {self._plan.installation} join"
            token = create_token(api, seconds=_TOKEN_LIFE_S, purpose=purpose)
            write_token(name, token.text, expires=token.expires, region=self._site.region, key=self._site.token_key)
            return token.expires

    def find_drift(self, api: Api) -> list[str]:
        """Say, a sentence each, where a node is not as planned; how many there are is an autoscaler's."""
        shapes = {pool.demand.name: pool.shape for pool in self._sizes}
        return [
            problem
            for pool in self._plan.pools
            if pool.name in shapes
            for node in pools.read_pool_nodes(api, pool)
            for problem in _judge(node, pool, shapes[pool.name])
        ]

    def close(self) -> None:
        """Let other commands at the workspace."""
        self._held.close()
        self._holds_workspace = False

    def _settle(self, api: Api, driver: Driver, summary: PlanSummary, wanted: Sequence[PoolSize]) -> PoolsAhead:
        doomed = ec2_changes.list_doomed(summary)
        ahead = PoolsAhead(
            pools=ec2_changes.describe_pools(summary, wanted),
            others=tuple(ec2_changes.describe_others(summary)),
            disruption=find_disruption(api, doomed, key=POOL_KEY) if doomed else Disruption(),
        )
        self._planned = _Planned(driver=driver, summary=summary, ahead=ahead)
        return ahead

    @staticmethod
    def _apply(api: Api, planned: _Planned) -> None:
        """Apply what is planned, and delete the nodes of instances that went: no kubelet makes them again."""
        doomed = ec2_changes.list_doomed(planned.summary)
        selector = f"{POOL_KEY} in ({','.join(doomed)})"
        nodes = api.list("Node", label_selector=selector, metadata_only=True) if doomed else []
        if planned.summary.has_changes:
            planned.driver.apply(planned.summary)
        host_nodes.delete_nodes(api, [node["metadata"]["name"] for node in nodes])

    def _require_planned(self) -> _Planned:
        if self._planned is None:
            raise AssertionError("apply comes after prepare")
        return self._planned

    def _find_images(self, progress: Progress) -> dict[str, ImageFacts]:
        from kpo_provision.clouds.ec2_images import find_image

        images = {}
        with progress.step("Find the images", total=len(self._sizes)) as step:
            for pool in self._sizes:
                wanted = self._spec.node_pools[pool.demand.name]
                assert wanted.ec2 is not None  # noqa: S101  only those are sized here
                images[pool.demand.name] = find_image(
                    wanted.ec2.image, region=self._site.region, architecture=wanted.architecture
                )
                step.advance()
        return images

    def _open_terraform(self, variables: Mapping[str, Any], progress: Progress) -> Driver:
        name = self._plan.installation
        if not self._holds_workspace:
            folder = f"{name}/{terraform.EC2_PART}"
            self._held.enter_context(terraform.hold_workspace(folder, base=self._base, progress=progress))
            self._holds_workspace = True
        where = terraform.Where(installation=name, base=self._base, environ=self._environ, progress=progress)
        return terraform.open_ec2(where, self._target, variables)

    def _wait_for_nodes(self, api: Api, *, progress: Progress) -> None:
        from kpo_provision.clouds.ec2_groups import read_groups

        names = [name_group(self._plan.installation, pool.demand.name) for pool in self._sizes if pool.nodes.minimum]
        if not names:
            return
        total = sum(pool.nodes.minimum for pool in self._sizes)
        deadline = time.monotonic() + self._site.join_timeout + self._target.ready_timeout
        with progress.step("Wait for instances to become nodes", total=total) as step:
            done = 0
            while True:
                groups = read_groups(names, region=self._site.region)
                ready = _list_ready_machines(api)
                joined = {group.name: sum(each in ready for each in group.instances) for group in groups}
                step.advance(min(sum(joined.values()), total) - done)
                done = min(sum(joined.values()), total)
                late = [group for group in groups if joined[group.name] < group.minimum]
                if not late:
                    return
                _require_hope(late, joined, is_late=time.monotonic() > deadline)
                time.sleep(_POLL_S)


def _judge(node: pools.NodeFacts, pool: PoolPlan, shape: NodeShape) -> Iterator[str]:
    if not node.ready:
        yield f"node {node.name} is not ready"
    if not set(pool.taints) <= set(node.taints):
        yield f"node {node.name} lacks taints of pool {pool.name}"
    memory = parse_quantity(node.allocatable.get("memory", "0")).value // 1024
    if memory < shape.allocatable.memory_ki:
        yield f"node {node.name} offers memory {memory}Ki, and {shape.allocatable.memory_ki}Ki is planned at least"


def _require_hope(late: list[GroupFacts], joined: Mapping[str, int], *, is_late: bool) -> None:
    for group in late:
        if group.launch_failure:
            raise errors.ClusterError(
                f"auto-scaling group {group.name} cannot make an instance: {errors.clip(group.launch_failure)}",
                hint="mend what AWS says, then run again",
            )
    if is_late:
        found = ", ".join(f"{group.name} has {joined[group.name]} of {group.minimum} nodes" for group in late)
        instances = [each for group in late for each in group.instances]
        raise errors.ClusterError(
            f"instances did not become nodes in time: {found}; instances: {name_few(instances) or 'none'}",
            hint="on an instance: /var/log/cloud-init-output.log; from outside: aws ec2 get-console-output",
        )


def _list_ready_machines(api: Api) -> set[str]:
    """List the ids of instances that are ready nodes."""
    return {
        str(node.get("spec", {}).get("providerID", "")).rpartition("/")[2]
        for node in api.list("Node")
        if pools.parse_node(node).ready
    }
