"""What Terraform would do, told by hosts instead of by resources, and what went wrong with which host. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from kpo_provision import errors
from kpo_provision.hosts import HostLook
from kpo_provision.results import Action, HostChange, HostFailure
from kpo_provision.spec import model
from kpo_provision.terraform import ChangeKind, PlanSummary, ResourceChange

_ADDRESS = re.compile(r'^terraform_data\.(?P<part>host|configuration|logins)\["(?P<node>[^"]+)"\]$')
_MEMBER, _CONFIGURATION, _LOGINS = "host", "configuration", "logins"
_ERROR = re.compile(r"error executing|Process exited with status", re.IGNORECASE)


def find_node(address: str) -> str:
    """Return the node that a resource is about; empty where it is about none."""
    shape = _ADDRESS.match(address)
    return shape["node"] if shape else ""


def describe_hosts(
    spec: model.Installation, summary: PlanSummary, looks: Mapping[str, HostLook]
) -> tuple[HostChange, ...]:
    """Say what becomes of every host of the spec, and of those that are no longer in it."""
    members, configured, given = (
        {find_node(change.address): change for change in _select(summary.changes, part)}
        for part in (_MEMBER, _CONFIGURATION, _LOGINS)
    )
    half = _list_half(summary)
    rows = []
    for pool, wanted in spec.node_pools.items():
        for name, host in wanted.hosts.items():
            row = HostChange(action=Action.UNCHANGED, node=name, pool=pool, address=host.address)
            is_half = address_host(name) in half
            row = _judge(row, members.get(name), configured.get(name), given.get(name), is_half=is_half)
            rows.append(_add_look(row, looks.get(name)))
    wanted_nodes = {row.node for row in rows}
    gone = (node for node, change in members.items() if node not in wanted_nodes and change.kind is ChangeKind.DELETE)
    return (*rows, *(_describe_gone(node) for node in sorted(gone)))


def find_unfinished(summary: PlanSummary, looks: Mapping[str, HostLook], fingerprints: Mapping[str, str]) -> list[str]:
    """List addresses that Terraform takes for done and are not: it was killed while it worked on them.

    Whatever kills Terraform keeps it from noting that a provisioner did not end.
    """
    changing = {change.address for change in summary.changes}
    found = []
    for known in summary.known:
        shape = _ADDRESS.match(known.address)
        look = looks.get(shape["node"]) if shape else None
        if shape is None or look is None or look.facts is None or known.is_tainted or known.address in changing:
            continue
        if shape["part"] == _MEMBER:
            is_done = look.facts.membership == "joined"
        elif shape["part"] == _CONFIGURATION:
            is_done = look.facts.applied == fingerprints.get(shape["node"])
        else:
            continue  # logins, which are told by their digest
        if not is_done:
            found.append(known.address)
    return found


def find_old_logins(summary: PlanSummary, looks: Mapping[str, HostLook], logins: str) -> list[str]:
    """List addresses of hosts whose kubelets have other registry logins than these, a Docker ``config.json``.

    Terraform cannot tell: secrets are not in its state.
    """
    wanted = hashlib.sha256(f"{logins}\n".encode()).hexdigest()
    changing = {change.address for change in summary.changes}
    found = []
    for known in summary.known:
        shape = _ADDRESS.match(known.address)
        if shape is None or shape["part"] != _LOGINS or known.is_tainted or known.address in changing:
            continue
        look = looks.get(shape["node"])
        if look is not None and look.facts is not None and look.facts.logins != wanted:
            found.append(known.address)
    return found


def find_half_leaving(summary: PlanSummary) -> list[str]:
    """List addresses of hosts that only half joined and are to go: Terraform would not have a tainted one leave."""
    half = _list_half(summary)
    return [
        change.address
        for change in _select(summary.changes, _MEMBER)
        if change.kind is ChangeKind.DELETE and change.address in half
    ]


def address_host(node: str) -> str:
    """Return the address of a host's membership."""
    return f'terraform_data.{_MEMBER}["{node}"]'


def describe_lost(host: HostChange, failure: HostFailure) -> HostChange:
    """Say of a host that its node goes though it did not leave: whoever forces that resets it by hand, if it lives."""
    return replace(host, detail=f"is given up, and was not reset: {failure.problem}")


def list_leaving(hosts: Iterable[HostChange]) -> list[str]:
    """List the nodes that leave the cluster, for good or to join anew."""
    return [host.node for host in hosts if host.is_leaving]


def list_joining(hosts: Iterable[HostChange]) -> list[str]:
    """List the nodes that join the cluster."""
    return [host.node for host in hosts if host.action in (Action.CREATE, Action.REPLACE)]


def explain_failures(error: errors.TerraformError) -> tuple[HostFailure, ...]:
    """Say what went wrong with which host, in the words of the script that ran there; none where it is about none."""
    found: dict[str, HostFailure] = {}
    for address, text in error.failed.items():
        node = find_node(address)
        if node and node not in found:
            found[node] = _explain(node, text, error.printed.get(address, ()))
    return tuple(found[node] for node in sorted(found))


def _explain(node: str, text: str, printed: Sequence[str]) -> HostFailure:
    if _ERROR.search(text):
        said = [line.removeprefix(f"{node}: ") for line in printed if line.startswith(f"{node}: ")]
        hints = [line.partition("next: ")[2] for line in printed if line.lstrip().startswith("next: ")]
        if hints and said:
            return HostFailure(node=node, problem=errors.clip(said[-1]), hint=errors.clip(hints[-1]))
        last = " ".join(printed[-2:]) or text
        return HostFailure(node=node, problem=errors.clip(last), hint="run again; what was done on it is kept")
    hint = "see that it runs and can be reached over SSH, then run again: what was done on it is kept"
    if "key mismatch" in text or "knownhosts" in text:
        hint = "compare its key on the host itself: it is another machine, or somebody is in between"
    return HostFailure(node=node, problem=errors.clip(text.replace("\n", ": ", 1)), hint=hint)


def _list_half(summary: PlanSummary) -> set[str]:
    return {known.address for known in summary.known if known.is_tainted}


def _select(changes: Sequence[ResourceChange], part: str) -> Iterator[ResourceChange]:
    for change in changes:
        shape = _ADDRESS.match(change.address)
        if shape and shape["part"] == part:
            yield change


def _judge(
    row: HostChange,
    member: ResourceChange | None,
    configured: ResourceChange | None,
    given: ResourceChange | None,
    *,
    is_half: bool,
) -> HostChange:
    """Say what becomes of a host's membership, or else of its configuration, or else of its registry logins."""
    if member is not None and member.kind is ChangeKind.CREATE:
        return replace(row, action=Action.CREATE, detail="joins")
    if member is not None and member.kind is ChangeKind.REPLACE and is_half:
        return replace(row, action=Action.REPLACE, detail="joins anew: an earlier run ended half way")
    if member is not None and member.kind is ChangeKind.REPLACE:
        return replace(row, action=Action.REPLACE, detail="leaves, then joins anew", is_leaving=True)
    told = ((configured, "is reconfigured"), (member, "is reached in another way"), (given, "is given registry logins"))
    detail = next((detail for change, detail in told if change is not None), "")
    return replace(row, action=Action.UPDATE, detail=detail) if detail else row


def _describe_gone(node: str) -> HostChange:
    detail = "leaves, once no KPO pod runs on it"
    return HostChange(action=Action.DELETE, node=node, pool="", detail=detail, is_leaving=True)


def _add_look(row: HostChange, look: HostLook | None) -> HostChange:
    if look is None:
        return row
    if look.facts is not None:
        facts = look.facts
        row = replace(row, os=facts.os, cpus=facts.cpus, memory_ki=facts.memory_ki, storage_ki=facts.storage_ki)
    return replace(row, findings=look.findings)
