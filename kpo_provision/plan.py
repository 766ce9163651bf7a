"""What a spec comes to: every name and number that the cluster will see, before any manifest is written.

Made by ``sizing``; read by ``render``, ``tenants``, ``pools`` and ``verify``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

POOL_KEY = "kpo-provision.io/pool"
"""Key of the label and of the taints on a pool's nodes, and of a tenant namespace's label."""
MARK_KEY = "kpo-provision.io/labelled-pool"
"""Annotation on a node that got its pool label and taints from us."""
TENANT_KEY = "kpo-provision.io/tenant"
"""Label on a tenant's namespace and on every object in it that is ours: the release name."""
INSTALLATION_KEY = "kpo-provision.io/installation"
"""Label on everything that is ours: the installation's name."""
MANAGED_BY_KEY = "app.kubernetes.io/managed-by"
FIELD_MANAGER = "kpo-provision"
"""Value of ``MANAGED_BY_KEY``, and the server-side apply field manager."""
KPO_POD_LABEL = ("kubernetes_pod_operator", "True")
"""Label that KubernetesPodOperator puts on each pod it launches (cncf.kubernetes provider 10.25.0, read 2026-11-23)."""
SPEC_HASH_KEY = "kpo-provision.io/spec-hash"
"""Annotation with the SHA-256 of the desired object, by which an unchanged object is told without a write."""
WORKER_KEY = "kpo-provision.io/worker-account"
TRIGGERER_KEY = "kpo-provision.io/triggerer-account"
TASK_ACCOUNTS_KEY = "kpo-provision.io/task-accounts"
"""Annotations on a tenant's namespace by which admission policies know Airflow's accounts, and those that task pods may
run as (names joined by commas)."""
TASK_SERVICE_ACCOUNT = "kpo-task"
"""Service account for task pods that want one of their own; has no rights."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taint:
    """A node taint."""

    key: str
    value: str
    effect: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolPlan:
    """A node pool: how its nodes are told, and who is kept out."""

    name: str
    labels: Mapping[str, str]
    taints: tuple[Taint, ...]
    node_selector: Mapping[str, str]
    largest_pod_cpu: str | None
    largest_pod_memory: str | None
    may_be_empty: bool = False
    """Whether an autoscaler makes its nodes when pods want them, so that having none is in order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryPlan:
    """A private registry as a tenant sees it. ``probe_image`` is a whole reference, server included."""

    name: str
    server: str
    secret_name: str
    probe_image: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EgressPlan:
    """One permitted destination; no ports means every port and protocol."""

    cidr: str
    ports: tuple[int, ...]
    except_cidrs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantPlan:
    """One tenant with every name and number it gets.

    ``largest_pod`` is what the LimitRange allows all containers of a pod together; empty where it allows any size.
    ``probe_image`` is a whole reference, server included.
    """

    release: str
    namespace: str
    extra_capacity_au: int
    base_capacity_au: int
    worker_account: str
    triggerer_account: str
    pool: PoolPlan | None
    registries: tuple[RegistryPlan, ...]
    quota: Mapping[str, str]
    default_limits: Mapping[str, str]
    largest_pod: Mapping[str, str]
    pod_security: str
    egress: tuple[EgressPlan, ...]
    probe_image: str | None

    @property
    def may_launch(self) -> bool:
        """Whether its workers may create pods at all."""
        return self.extra_capacity_au > 0

    @property
    def has_own_airflow(self) -> bool:
        """Whether the deployment's own Airflow lives in the namespace too, so that not every pod there is a KPO pod."""
        return self.base_capacity_au > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The whole installation, decided."""

    installation: str
    kubernetes_version: tuple[int, int]
    pools: tuple[PoolPlan, ...]
    tenants: tuple[TenantPlan, ...]
    exempt_namespaces: tuple[str, ...]

    @property
    def mutates_pods(self) -> bool:
        """Whether the API server can place KPO pods itself (MutatingAdmissionPolicy is GA in 1.36, KEP-3962)."""
        return self.kubernetes_version >= (1, 36)
