"""From a spec and its sized pools to the values of the module for EC2 pools, the instances' user data among them.

User data is what everybody reads who may describe a launch template: it says how to join, and where the token waits.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kpo_provision import assets
from kpo_provision.plan import Plan, PoolPlan
from kpo_provision.render.environment import render_text
from kpo_provision.render.node_files import JOIN_FILE, ClusterFacts, Identity, NodeFiles, render_settings
from kpo_provision.sizing.node import NodeShape
from kpo_provision.sizing.pool import PoolSize
from kpo_provision.sizing.pools import InstallationSize
from kpo_provision.spec import model
from kpo_provision.spec.ec2 import Ec2Site
from kpo_provision.spec.nodes import NodePool
from kpo_provision.spec.self_hosted import SelfHostedTarget

JOIN_HOOK = "kpo-provision-join"
"""The lifecycle hook that waits for a new instance; the module gives it this name."""
_SCRIPTS = ("host.sh", "files.sh", "containerd.sh", "converge.sh", "join.sh", "preflight.sh")
_GIB = 1024**3
_COMMENT = re.compile(r"^\s*#.*\n", re.MULTILINE)
_DEFAULT_DISK_GIB = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageFacts:
    """An image as it was found: its id, and the name of its root disk."""

    id: str
    root_device: str


def name_parameter(installation: str) -> str:
    """Return the name of the parameter in SSM Parameter Store that the join token of an installation is in."""
    return f"/kpo-provision/{installation}/join"


def name_group(installation: str, pool: str) -> str:
    """Return the name of a pool's auto-scaling group, as the module makes it."""
    return f"{installation}-{pool}"


def render_instances_tfvars(
    spec: model.Installation,
    plan: Plan,
    size: InstallationSize,
    *,
    cluster: ClusterFacts,
    authorities: Mapping[str, str],
    images: Mapping[str, ImageFacts],
) -> dict[str, Any]:
    """Render the variables of ``modules/self-hosted-ec2-pool``; ``images`` are those of the pools, by name."""
    target = spec.target.self_hosted
    assert target is not None and target.ec2 is not None  # noqa: S101, PT018  the caller's own target
    files = NodeFiles(target=target, installation=plan.installation, cluster=cluster, authorities=authorities)
    sizes = {pool.demand.name: pool for pool in size.pools}
    pools = {
        pool.name: _render_pool(target, spec.node_pools[pool.name], pool, sizes[pool.name], files, images[pool.name])
        for pool in plan.pools
        if spec.node_pools[pool.name].ec2 is not None
    }
    return {**render_site_tfvars(target.ec2, plan.installation), "node_pools": pools}


def render_site_tfvars(site: Ec2Site, installation: str) -> dict[str, Any]:
    """Render the variables of the same module for no pool, which is what there is to be after a destroy."""
    return {
        "disk_kms_key": site.disk_key,
        "ecr_repositories": site.ecr_repositories,
        "installation": installation,
        "join_parameter": name_parameter(installation),
        "join_timeout_seconds": site.join_timeout,
        "node_pools": {},
        "permissions_boundary": site.permissions_boundary,
        "region": site.region,
        "security_group_ids": site.security_groups,
        "subnet_ids": site.subnets,
        "tags": dict(sorted(site.tags.items())),
        "token_kms_key": site.token_key,
    }


def _render_pool(
    target: SelfHostedTarget,
    wanted: NodePool,
    pool: PoolPlan,
    size: PoolSize,
    files: NodeFiles,
    image: ImageFacts,
) -> dict[str, Any]:
    return {
        "allocatable": _render_allocatable(size.shape),
        "disk_gib": -(-wanted.disk.value // _GIB) if wanted.disk else _DEFAULT_DISK_GIB,
        "image_id": image.id,
        "labels": files.list_labels(pool),
        "machine_type": size.shape.machine.name,
        "max_nodes": size.nodes.maximum,
        "min_nodes": size.nodes.minimum,
        "root_device": image.root_device,
        "spot": wanted.spot,
        "taints": [{"effect": taint.effect, "key": taint.key, "value": taint.value} for taint in pool.taints],
        "user_data_base64": _pack(_render_user_data(target, wanted, pool, size.shape, files)),
    }


def _render_allocatable(shape: NodeShape) -> dict[str, str]:
    """Render what a node offers to pods: an autoscaler would count what the kubelet keeps back as well."""
    offered = shape.allocatable
    return {
        "cpu": f"{offered.cpu_milli}m",
        "ephemeral-storage": str(offered.ephemeral_bytes),
        "memory": f"{offered.memory_ki}Ki",
        "pods": str(shape.max_pods),
    }


def _render_user_data(
    target: SelfHostedTarget, wanted: NodePool, pool: PoolPlan, shape: NodeShape, files: NodeFiles
) -> str:
    identity = Identity(node="@NODE@", address="@NODE_ADDRESS@", provider_id="aws:///@ZONE@/@NODE@")
    told = {"containerd": files.render_containerd(), "files": files.render_files(identity, pool, shape)}
    settings = {
        **render_settings(target, wanted, shape, files.cluster),
        "FINGERPRINT": hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest(),
        "READY_TIMEOUT_S": str(target.ready_timeout),
    }
    return render_text(
        "nodes/instance.sh",
        filters={"quote": lambda value: shlex.quote(str(value))},
        aws=_read_text("templates", "nodes", "aws.py"),
        group=name_group(files.installation, pool.name),
        hook=JOIN_HOOK,
        join_file=JOIN_FILE,
        parameter=name_parameter(files.installation),
        scripts="\n".join(_read_script(name) for name in _SCRIPTS),
        settings=settings,
        **told,
    )


def _read_script(name: str) -> str:
    """Read a script of the hosts' module, without its comments: EC2 takes 16 KiB, packed."""
    return _COMMENT.sub("", _read_text("modules", "self-hosted-node-pool", "scripts", name))


def _read_text(*place: str) -> str:
    return assets.asset(place[0]).joinpath(*place[1:]).read_text(encoding="utf-8")


def _pack(text: str) -> str:
    """Pack user data as cloud-init unpacks it; the same text always gives the same bytes."""
    return base64.b64encode(gzip.compress(text.encode(), compresslevel=9, mtime=0)).decode("ascii")
