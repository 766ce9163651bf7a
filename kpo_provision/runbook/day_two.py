"""What comes after the change: each is an edit of the spec and one ``apply``."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, count
from typing import Any

from kpo_provision.plan import RegistryPlan, TenantPlan
from kpo_provision.report.sizing_amounts import render_count
from kpo_provision.runbook.steps import OMITTED, Edit, Step
from kpo_provision.runbook.subject import Subject

_NEW_TENANT = "new-release"


def make_day_two(subject: Subject) -> Iterator[Step]:
    """Steps for the time after the change, each on its own."""
    if subject.launching:
        pattern = subject.launching[0]
        yield _add_tenant(subject, pattern)
        yield _remove_tenant(subject)
        yield _add_capacity(subject, pattern)
        yield _switch_off(subject, pattern)
    yield from _rotate_secrets(subject)
    yield _look_at_drift(subject)


def _apply(subject: Subject, options: str = "") -> str:
    yes = " --yes" if subject.makes_pools else ""
    return f"kpo-provision apply {subject.file}{options}{yes} --no-verify"


def _changed(subject: Subject, counted: str) -> tuple[str, ...]:
    # Where Terraform makes the pools, they may have to grow too.
    line = "√ <changes>" if subject.makes_pools else f"√ {counted}<more>"
    return (OMITTED, line, OMITTED)


def _name_new(subject: Subject) -> str:
    taken = {tenant.release for tenant in subject.plan.tenants}
    return next(name for name in chain([_NEW_TENANT], (f"{_NEW_TENANT}-{n}" for n in count(2))) if name not in taken)


def _add_tenant(subject: Subject, pattern: TenantPlan) -> Step:
    made = next(each for each in subject.bundle.tenants if each.plan.release == pattern.release)
    objects = len(made.manifests) + len(made.secrets)
    value: dict[str, Any] = {"extraCapacity": 10}
    if pattern.pool is not None and len(subject.plan.pools) > 1:
        value["pool"] = pattern.pool.name
    if pattern.registries:
        value["registries"] = [registry.name for registry in pattern.registries]
    return Step(
        id="add-tenant",
        title="Add a tenant",
        purpose=f"A namespace of its own for another Airflow deployment, as {pattern.release} has it. The name is the "
        "release name of its Airflow chart. 10 AU are a good start.",
        edit=Edit(path=("tenants", _name_new(subject)), value=value),
        command=_apply(subject),
        expected=_changed(subject, f"create {objects}"),
        changes=render_count(objects, "object"),
        undo="the next entry",
    )


def _remove_tenant(subject: Subject) -> Step:
    return Step(
        id="remove-tenant",
        title="Remove a tenant",
        purpose="Without `--prune` a tenant that the spec no longer has is named and left alone.",
        edit=Edit(path=("tenants", _name_new(subject)), value=None),
        command=f"{_apply(subject, ' --prune')} \\\n"
        f"  && kubectl wait --for=delete namespace/{subject.spec.namespace_prefix}-{_name_new(subject)} --timeout=300s",
        expected=_changed(subject, "delete <number>"),
        changes="the tenant's namespace",
        takes="a minute: the namespace goes when its pods have gone; `status` names it until then",
        destroys=True,
        undo="add it again; what ran in its namespace is gone for good",
    )


def _add_capacity(subject: Subject, pattern: TenantPlan) -> Step:
    more = pattern.extra_capacity_au * 2
    pools = " Node pools grow with it, as `kpo-provision plan` shows." if subject.makes_pools else ""
    return Step(
        id="add-capacity",
        title="Give a tenant more capacity",
        purpose=f"From {pattern.extra_capacity_au} to {more} AU: {more / 10:g} CPU, {more * 384:,} MiB and {more} pods."
        f"{pools} Where others own the nodes, see first that the pool can hold it.",
        edit=Edit(path=("tenants", pattern.release), value={"extraCapacity": more}),
        command=_apply(subject),
        expected=_changed(subject, "update 1"),
        changes="its quota",
        undo="put the old number back, and apply",
    )


def _switch_off(subject: Subject, pattern: TenantPlan) -> Step:
    return Step(
        id="switch-off",
        title="Switch a tenant off",
        purpose="With 0 AU, creating a pod is refused with 403. What runs ends by itself.",
        edit=Edit(path=("tenants", pattern.release), value={"extraCapacity": 0}),
        command=_apply(subject),
        expected=_changed(subject, "<changes>"),
        changes="its rights and its quota",
        undo="put the old number back, and apply",
    )


def _rotate_secrets(subject: Subject) -> Iterator[Step]:
    for name, registry in sorted(subject.spec.registries.items()):
        users = [tenant for tenant in subject.plan.tenants if _uses(tenant.registries, name)]
        if not users or registry.credentials.local_cluster is not None:
            continue
        yield Step(
            id=f"rotate-{name}",
            title=f"Rotate the login of registry {name}",
            purpose="Every tenant's pull secret is written anew. What runs goes on; the next pull uses the new login.",
            by_hand=f"Have {registry.server} give out a new login, and put it where the spec has it read. "
            "Withdraw the old one after this step.",
            command=_apply(subject),
            expected=_changed(subject, f"update {len(users)}"),
            changes=render_count(len(users), "secret"),
            failures=(("`no changes`", "the file or variable holds the old login still"),),
            undo="put the old login back, and apply",
        )


def _uses(registries: tuple[RegistryPlan, ...], name: str) -> bool:
    return any(registry.name == name for registry in registries)


def _look_at_drift(subject: Subject) -> Step:
    return Step(
        id="drift",
        title="Look for drift",
        purpose="Nothing of kpo-provision keeps running in the cluster. Run this every day, from a pipeline.",
        command=f"kpo-provision status {subject.file}",
        expected=(OMITTED, "√ <changes>"),
        exit_code=0,
        failures=(("exit code 8", "`kpo-provision plan` lists what differs, `apply` mends it"),),
    )
