"""The steps that undo the change, last thing first, until the cluster is as it was."""

from __future__ import annotations

from collections.abc import Iterator

from kpo_provision import plan
from kpo_provision.runbook.install import INSTALLER_FILE
from kpo_provision.runbook.steps import OMITTED, Step
from kpo_provision.runbook.subject import Subject


def make_backout(subject: Subject) -> Iterator[Step]:
    """Steps that undo the change."""
    yield Step(
        id="destroy",
        title="Remove the installation",
        purpose="Deletes what carries the installation's label: first what lets Airflow in, then the namespaces with "
        "all that runs in them" + (", then the node pools" if subject.makes_pools else "") + ".",
        command=f"kpo-provision destroy {subject.file} --yes",
        expected=(OMITTED, "√ delete <number>"),
        changes="every object of the installation",
        destroys=True,
        takes="a minute or two: namespaces go when their pods have gone; it stops waiting after five minutes",
        repeat="yes: it goes on where it was",
        failures=(
            (
                "exit code 6, a namespace that stays",
                "a finalizer holds it: the message names what is left in it; repeat",
            ),
        ),
        undo="install again; what ran in the namespaces is gone for good",
        evidence="the whole output",
    )
    for pool in subject.marked_pools:
        yield from _release_nodes(pool)
    yield Step(
        id="restored",
        title="See that nothing is left",
        purpose="The restored state: no namespace of the installation.",
        command=f"kubectl get namespaces --selector {plan.INSTALLATION_KEY}={subject.name}",
        expected=("No resources found",),
        owner="verifier",
        failures=(("a namespace with status Terminating", "wait; it goes when its pods have gone"),),
        evidence="the whole output",
    )
    if subject.needs_account:
        yield Step(
            id="revoke",
            title="Take the rights back",
            purpose="After a backout, and at any time after the change: day two needs them again, the tenants do not.",
            command=f"kubectl delete -f {INSTALLER_FILE}",
            expected=('clusterrole.rbac.authorization.k8s.io "kpo-provision-installer" deleted<where>', OMITTED),
            owner="cluster administrator",
            changes="rights of the group",
            undo=f"`kubectl apply -f {INSTALLER_FILE}`",
        )


def _release_nodes(pool: plan.PoolPlan) -> Iterator[Step]:
    selector = f"{plan.POOL_KEY}={pool.name}"
    if pool.taints:
        yield Step(
            id=f"untaint-{pool.name}",
            title=f"Open the nodes of pool {pool.name} again",
            purpose="`destroy` leaves nodes as they are. Without the taint, other pods may run there again.",
            command=f"kubectl taint nodes --selector {selector} {plan.POOL_KEY}-",
            expected=("node/<node> untainted", OMITTED),
            owner="cluster administrator",
            changes="nodes",
            undo="`apply` puts it back",
        )
    yield Step(
        id=f"unlabel-{pool.name}",
        title=f"Take the label off the nodes of pool {pool.name}",
        purpose="With the label goes the mark by which the tool knows that it put it there.",
        command=f"kubectl annotate nodes --selector {selector} {plan.MARK_KEY}- \\\n"
        f"  && kubectl label nodes --selector {selector} {plan.POOL_KEY}-",
        expected=("node/<node> annotated", OMITTED, "node/<node> unlabeled", OMITTED),
        owner="cluster administrator",
        changes="nodes",
        undo="`apply` puts both back",
    )
