"""Rules that need more than one field of a spec.

They are judged on the document rather than the model, so that a spec which is wrong in one place still hears of all
others. Two tenants can map to one namespace only by being the same key twice, which the YAML guard refuses: all
namespaces of a spec have one prefix.
"""

from __future__ import annotations

from collections.abc import Iterator

from kpo_provision import errors
from kpo_provision.spec import gke_rules, levels, node_rules, part, self_hosted_rules
from kpo_provision.spec.document import Node

LOCAL_REGISTRY = "registry.local:5000"
"""The registry of the local cluster."""
RESERVED_ACCOUNTS = ("default", "kpo-task")
"""Service accounts that KPO pods run as; one that may launch pods would hand that right to every pod."""
NAME_LENGTH = 63


def find_broken_rules(document: Node) -> Iterator[errors.SpecIssue]:
    """Find everything in a document that breaks a rule between fields."""
    yield from _check_choices(document)
    yield from _check_prefix(document)
    for registry in document.at("registries").entries.values():
        yield from _check_registry(registry, document)
    yield from node_rules.find_broken_rules(document)
    yield from gke_rules.find_broken_rules(document)
    yield from self_hosted_rules.find_broken_rules(document)
    yield from _check_registry_names(document.at("target", "selfHosted", "nodeRegistries"), document)
    for release, tenant in document.at("tenants").entries.items():
        yield from _check_namespace(release, tenant, document)
        yield from _check_tenant_pool(tenant, document)
        yield from _check_registry_names(tenant.at("registries"), document)
        yield from _check_accounts(release, tenant)


def _check_choices(document: Node) -> Iterator[errors.SpecIssue]:
    """Exactly one target, one kind of credentials, one source of a secret."""
    for level in levels.LEVELS:
        if not issubclass(level.model, part.OneOf):
            continue
        for choice in level.find(document):
            misspelled = any(key not in level.keys for key in choice.entries)
            if isinstance(choice.value, dict) and len(choice.entries) != 1 and not misspelled:
                found = " and ".join(choice.entries) or "none"
                yield choice.issue(f"must hold exactly one of {', '.join(level.keys)}, and holds {found}", at_key=True)


def _check_prefix(document: Node) -> Iterator[errors.SpecIssue]:
    prefix = document.at("namespacePrefix")
    if prefix.text == "kube" or prefix.text.startswith("kube-"):
        yield prefix.issue("is reserved: namespaces that begin with kube- belong to Kubernetes")


def _check_registry(registry: Node, document: Node) -> Iterator[errors.SpecIssue]:
    local_cluster = registry.at("credentials", "localCluster")
    if not local_cluster.exists:
        return
    if any(document.at("target", other).exists for other in ("kubeconfig", "gke", "selfHosted")):
        yield local_cluster.issue("needs the target local, whose registry it logs in to", at_key=True)
    server = registry.at("server")
    if server.text and server.text != LOCAL_REGISTRY:
        yield server.issue(
            "is not the registry of the local cluster, which its credentials are for",
            allowed=f"write {LOCAL_REGISTRY}, or use dockerConfig or usernamePassword",
        )


def _check_namespace(release: str, tenant: Node, document: Node) -> Iterator[errors.SpecIssue]:
    prefix = document.at("namespacePrefix").text
    namespace = f"{prefix}-{release}"
    exempt = document.at("admission", "exemptNamespaces")
    if prefix and len(release) <= NAME_LENGTH < len(namespace):
        yield tenant.issue(
            f"its namespace {namespace} would have {len(namespace)} characters, and may have {NAME_LENGTH} at most",
            allowed=f"with this prefix a release name has {max(NAME_LENGTH - len(prefix) - 1, 0)} at most",
            at_key=True,
        )
    for element in exempt.elements:
        if element.text == namespace:
            yield element.issue(f"is the namespace of tenant {release}, whose pods the pool guard must see")


def _check_tenant_pool(tenant: Node, document: Node) -> Iterator[errors.SpecIssue]:
    pools, pool = document.at("nodePools"), tenant.at("pool")
    if pools.exists and not isinstance(pools.value, dict):
        return
    if pool.text and pool.text not in pools.entries:
        yield pool.issue(
            "is no node pool of this spec", allowed=levels.suggest_name(pool.text, pools.entries, kind="nodePools")
        )
    if not pool.exists and tenant.at("extraCapacity").number > 0 and len(pools.entries) != 1:
        yield tenant.issue(
            "needs a `pool`: its extraCapacity is more than 0, and there is not exactly one node pool",
            allowed=f"one of {', '.join(pools.entries)}" if pools.entries else "add one under nodePools",
            at_key=True,
        )


def _check_registry_names(names: Node, document: Node) -> Iterator[errors.SpecIssue]:
    registries = document.at("registries")
    if registries.exists and not isinstance(registries.value, dict):
        return
    first_with: dict[str, str] = {}
    for element in names.elements:
        name = element.text
        if name and name not in registries.entries:
            yield element.issue(
                "is no registry of this spec", allowed=levels.suggest_name(name, registries.entries, kind="registries")
            )
        server = registries.at(name, "server").text
        if server and server in first_with:
            other = first_with[server]
            yield element.issue(
                "is listed twice"
                if other == name
                else f"has the server of {other}, and a node asks one server with one login",
                allowed="keep one of them",
            )
        first_with.setdefault(server, name)


def _check_accounts(release: str, tenant: Node) -> Iterator[errors.SpecIssue]:
    worker, triggerer = tenant.at("workerServiceAccount"), tenant.at("triggererServiceAccount")
    for account in (worker, triggerer):
        if account.text in RESERVED_ACCOUNTS:
            yield account.issue("is an account that KPO pods run as, so it cannot be one that launches them")
    worker_name = worker.text or f"{release}-worker-serviceaccount"
    triggerer_name = triggerer.text or f"{release}-triggerer-serviceaccount"
    if worker_name == triggerer_name:
        account = triggerer if triggerer.exists else worker
        yield account.issue("is the account of both worker and triggerer, which have different rights")
