"""Checks of what the probe pod can reach, judged by what it found out itself and wrote to its log.

Objects prove nothing here: a cluster without a network-policy agent takes policies and ignores them.
"""

from __future__ import annotations

import ipaddress

from kpo_provision import plan
from kpo_provision.results import Outcome
from kpo_provision.verify import pod
from kpo_provision.verify.check import Check, Finding, failure
from kpo_provision.verify.checks.probe import launches
from kpo_provision.verify.subjects import TenantSubject

_NO_TOOL = "use a probe image that has one, such as any Debian, Ubuntu, Alpine or busybox image"


def _read_fact(subject: TenantSubject, word: str) -> str:
    line = subject.probe.read_line(word) if subject.probe else None
    return line.rpartition(f" {word} ")[2] if line else ""


def _check_dns(subject: TenantSubject) -> Finding:
    match _read_fact(subject, "dns"):
        case "untested":
            detail = "the image has neither getent nor nslookup"
            return Finding(outcome=Outcome.WARN, detail=detail, hint=_NO_TOOL)
        case "failed" | "":
            return failure(f"{pod.DNS_NAME} does not resolve inside the pod")
        case address:
            return Finding(detail=f"{pod.DNS_NAME} is {address}", evidence={"dns": address})


def _check_isolation(subject: TenantSubject) -> Finding:
    if _permits_api(subject):
        return Finding(
            outcome=Outcome.SKIP, detail="not checked: the tenant's egress rules let the API server be reached"
        )
    match _read_fact(subject, "api"):
        case "closed":
            return Finding(detail="a connection to the API server from inside the pod fails, as it should")
        case "open":
            return Finding(
                outcome=Outcome.WARN, detail="the pod reaches the API server, so network policies are not in force"
            )
        case _:
            detail = "the image has neither bash nor nc, or the name server takes no TCP connection to compare with"
            return Finding(outcome=Outcome.WARN, detail=detail, hint=_NO_TOOL)


def _permits_api(subject: TenantSubject) -> bool:
    api = subject.who.admin
    service = api.read("Service", "kubernetes", "default")
    slices = api.list("EndpointSlice", "default", label_selector="kubernetes.io/service-name=kubernetes")
    addresses = {service["spec"]["clusterIP"]}
    addresses |= {text for found in slices for end in found.get("endpoints") or () for text in end["addresses"]}
    ports = {port["port"] for port in service["spec"]["ports"]}
    ports |= {port["port"] for found in slices for port in found.get("ports") or ()}
    return any(_permits(rule, address, ports) for rule in subject.tenant.egress for address in addresses)


def _permits(rule: plan.EgressPlan, text: str, ports: set[int]) -> bool:
    address = ipaddress.ip_address(text)
    if address not in ipaddress.ip_network(rule.cidr) or (rule.ports and ports.isdisjoint(rule.ports)):
        return False
    return not any(address in ipaddress.ip_network(hole) for hole in rule.except_cidrs)


CHECKS: tuple[Check[TenantSubject], ...] = (
    Check(
        id="network-dns",
        description="cluster DNS works inside the pod",
        hint="the network policy lets pods of kube-dns in kube-system, 169.254.20.10 and 169.254.169.254 be reached on "
        "port 53; where cluster DNS is elsewhere, add it to the tenant's network.egress",
        judge=_check_dns,
        needs=("probe-image",),
        applies=launches,
    ),
    Check(
        id="network-isolation",
        description="network policies are in force: the API server cannot be reached from inside the pod",
        hint="the network plugin must enforce NetworkPolicy: Dataplane V2 on GKE, elsewhere Calico, Cilium or the like",
        judge=_check_isolation,
        needs=("probe-image",),
        applies=launches,
    ),
)
