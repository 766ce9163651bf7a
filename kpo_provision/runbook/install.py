"""The steps that install: look before anything changes, grant, apply, prove. Their outputs follow from the plan."""

from __future__ import annotations

from collections.abc import Iterator

from kpo_provision.report.sizing_amounts import render_count, render_months
from kpo_provision.runbook.steps import OMITTED, Step
from kpo_provision.runbook.subject import Subject

INSTALLER_FILE = "installer.yaml"
"""File beside the runbook with the rights of whoever installs."""
_FEW = 3
"""So many tenants are shown of a list that has a line for each."""
_VERIFY_TIMEOUT = "120 s a tenant and step, five minutes longer where its pool has no node yet"


def make_preparation(subject: Subject) -> Iterator[Step]:
    """Steps that only read, and can be done days before the change."""
    yield Step(
        id="same-spec",
        title="Check that this is the spec that was approved",
        purpose="This runbook is about one file. If the sum differs, write the runbook anew and have it approved.",
        command=f"sha256sum {subject.file}",
        expected=(f"{subject.sha256}  {subject.file}",),
        failures=(("another sum", f"stop: `kpo-provision runbook {subject.file} --out DIR`, and a new approval"),),
    )
    tenants, pools = len(subject.plan.tenants), len(subject.plan.pools)
    counted = f"{render_count(tenants, 'tenant')}, {render_count(pools, 'node pool')}"
    yield Step(
        id="validate",
        title="Check the spec",
        purpose="Every rule that needs no cluster is checked, and every problem is named with its line.",
        command=f"kpo-provision validate {subject.file}",
        expected=(f"{subject.file}: valid: installation {subject.name}, {counted}",),
        failures=(("`error:` and lines with numbers", "mend the spec there; begin again with the first step"),),
    )
    target = subject.spec.target.self_hosted
    if target is not None and target.bundle is not None:
        yield _make_bundle(target.bundle)
    if subject.size is not None:
        yield _make_size(subject)


def _make_bundle(file: str) -> Step:
    return Step(
        id="bundle",
        title="Check that the bundle is whole",
        purpose="The hosts have no way to the Internet: what makes nodes of them is in this file, carried here.",
        command=f"kpo-provision bundle verify {file}",
        expected=(f"verified {file}: <size> MiB, <count> files, for <architecture>", OMITTED),
        failures=(
            ("`is not whole`", "carry it here once more, or make it anew: `kpo-provision bundle create --help`"),
        ),
    )


def _make_size(subject: Subject) -> Step:
    size = subject.size
    assert size is not None  # noqa: S101 - the caller looked
    total = render_months([pool.micro_usd_per_hour for pool in size.pools])
    platform = " ".join(part for part in (size.platform, size.version) if part)
    tenants = render_count(size.tenants, "tenant")
    head = f"{size.installation}: {render_count(len(size.pools), 'pool')} for {tenants} that may launch pods"
    return Step(
        id="size",
        title="Check machines, counts and cost",
        purpose="The same sizes as in this runbook, with the reason for every number and the machine types that lost.",
        command=f"kpo-provision size {subject.file}",
        expected=(f"{head}, on {platform}", OMITTED, f"all pools: {total}", OMITTED),
        failures=(
            ("exit code 3", "nothing holds what the spec promises; the message says which pool, and by how much"),
        ),
    )


def make_grants(subject: Subject) -> Iterator[Step]:
    """Steps of a cluster administrator, before whoever installs can begin."""
    if subject.needs_account:
        roles = ("kpo-provision-installer", "kpo-provision-shared", "kpo-provision-verifier")
        yield Step(
            id="grant",
            title="Grant the rights of this change",
            purpose=f"Makes three ClusterRoles, and binds them to the group of those who install ({INSTALLER_FILE}).",
            command=f"kubectl apply -f {INSTALLER_FILE}",
            expected=tuple(
                f"{kind}.rbac.authorization.k8s.io/{role} created"
                for kind in ("clusterrole", "clusterrolebinding")
                for role in roles
            ),
            owner="cluster administrator",
            changes="rights of the group",
            failures=(("`Forbidden`", "whoever types this is no cluster administrator"),),
            undo=f"`kubectl delete -f {INSTALLER_FILE}`, which is the last step of the backout",
        )
        yield from _make_markings(subject)


def _make_markings(subject: Subject) -> Iterator[Step]:
    for pool in subject.marked_pools:
        selector = ",".join(f"{key}={value}" for key, value in pool.node_selector.items())
        yield Step(
            id=f"nodes-{pool.name}",
            title=f"Find the nodes of pool {pool.name}",
            purpose="These nodes get the pool's label and taint. Pods there that do not tolerate it are evicted: "
            "nothing but KPO pods may be at home on them.",
            command=f"kubectl get nodes --selector {selector}",
            expected=("NAME<columns>VERSION", f"<node><spaces>Ready<columns>v{subject.version}.<patch>", OMITTED),
            owner="cluster administrator",
            failures=(
                ("`No resources found`", "label the nodes of the pool as the spec says, then repeat"),
                ("nodes that others need", "narrow `nodeSelector` in the spec; begin again with the first step"),
            ),
        )


def make_installation(subject: Subject) -> Iterator[Step]:
    """Steps that change the cluster."""
    yield Step(
        id="plan",
        title="Say what would change",
        purpose="The dry run of the next step: it compares the cluster with the spec, and lists every object.",
        command=f"kpo-provision plan {subject.file}",
        expected=(OMITTED, f"√ create {_count_created(subject)}"),
        exit_code=8,
        takes=_say_planning(subject),
        failures=(
            ("exit code 6", "the cluster does not answer, or refuses; the message says which right is missing"),
            *(
                (("exit code 4 or 5", "Terraform or the cloud refuses; the message names the cause"),)
                if subject.makes_pools
                else ()
            ),
            (
                "`update` or `delete` in the last line",
                "something of this name is there already: read the list before going on",
            ),
        ),
        evidence="the whole output, as the list of affected objects",
    )
    yield Step(
        id="apply",
        title="Apply the spec, and prove it",
        purpose="Makes everything that the plan listed, closed until it is whole; then launches a probe pod as each "
        "tenant's own worker, on its pool, with its registry.",
        command=f"kpo-provision apply {subject.file}{' --yes' if subject.makes_pools else ''}",
        expected=(OMITTED, "√ applied and verified: <number> checks passed<warnings> (<seconds> s)"),
        changes=f"{subject.object_count} objects" + (" and the node pools" if subject.makes_pools else ""),
        takes=_say_applying(subject),
        repeat="yes: it goes on where it was, and changes nothing that is as it should be",
        stop_after="yes: Ctrl-C stops it; a tenant is closed, never open, until it is whole",
        failures=(
            ("exit code 7, `NOT verified`", "it is applied; each failed check names its cause: see Troubleshooting"),
            ("exit code 6, `applied in part`", "the tenants named are closed; mend what the message says, and repeat"),
            ("no new line for two minutes", "stuck or slow: the last line names what it waits for; Ctrl-C is safe"),
        ),
        undo="the backout",
        evidence="the whole output",
    )


def make_verification(subject: Subject) -> Iterator[Step]:
    """Steps that show to somebody else that it works."""
    yield Step(
        id="verify",
        title="Prove every tenant, for the record",
        purpose="A second person repeats the proof. The file holds each check with its result, for the change record.",
        command=f"kpo-provision verify {subject.file} --junit-file verification.xml",
        expected=(OMITTED, "√ checked and verified: <number> checks passed<warnings> (<seconds> s)"),
        owner="verifier",
        takes=f"about half a minute for a few tenants; it stops waiting after {_VERIFY_TIMEOUT}",
        failures=(("exit code 7", "each failed check names its cause and the next step: see Troubleshooting"),),
        evidence="`verification.xml`",
    )
    yield Step(
        id="status",
        title="See each tenant as specified",
        purpose="Compares every object with the spec; a line a tenant.",
        command=f"kpo-provision status {subject.file}",
        expected=(OMITTED, *_list_status(subject), f"√ no changes ({subject.object_count} objects)"),
        owner="verifier",
        failures=(("exit code 8, `drift`", "somebody else changed an object; `kpo-provision plan` lists which"),),
        evidence="the whole output",
    )
    yield Step(
        id="again",
        title="See that a second run changes nothing",
        purpose="Whoever finds the installation in doubt later may run this at any time.",
        command=f"kpo-provision apply {subject.file} --no-verify",
        expected=(OMITTED, "√ no changes (<number> objects)", OMITTED),
        owner="verifier",
    )


def _list_status(subject: Subject) -> tuple[str, ...]:
    shown = subject.plan.tenants[:_FEW]
    lines = [f"{tenant.release}<spaces>{tenant.extra_capacity_au} AU<pool>as specified" for tenant in shown]
    return (*lines, OMITTED)


def _count_created(subject: Subject) -> str:
    target = subject.spec.target.gke
    if target is None:
        return str(subject.object_count)
    # A cluster or a service account that is made comes with grants that Terraform alone counts.
    is_known = not target.create and target.node_service_account is not None
    return str(subject.object_count + len(subject.plan.pools)) if is_known else "<number>"


def _say_planning(subject: Subject) -> str:
    return "a minute or two, with Terraform's part" if subject.makes_pools else "seconds"


def _say_applying(subject: Subject) -> str:
    tenants = render_count(len(subject.plan.tenants), "tenant")
    proof = f"objects in seconds (100 tenants took 2.4 s where it was measured), proof of {tenants} after that"
    if subject.makes_pools:
        return f"the time that the nodes take, then {proof}"
    return f"{proof}; it stops waiting after {_VERIFY_TIMEOUT}"
