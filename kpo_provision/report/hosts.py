"""What becomes of hosts and what was found out about them, as a table, with every finding below it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kpo_provision.enumeration import name_few
from kpo_provision.report.layout import Layout, Mark
from kpo_provision.report.pools import SIGNS
from kpo_provision.report.table import align_rows
from kpo_provision.results import Finding, HostChange

_HEAD = ("", "host", "pool", "address", "system", "CPUs", "memory KiB", "storage KiB", "")
_RIGHT = frozenset({5, 6, 7})
_MANY_HOSTS = 40
"""With more hosts than this, those that stay as they are and have no finding are counted and not listed."""


def render_hosts(hosts: Sequence[HostChange], layout: Layout) -> list[str]:
    """Write a line a host, then what was found; nothing where no target has hosts."""
    if not hosts:
        return []
    listed = [host for host in hosts if len(hosts) <= _MANY_HOSTS or host.is_mutation or host.findings]
    lines = layout.heading("hosts")
    if listed:
        lines += align_rows([_HEAD, *map(_render_cells, listed)], layout, right=_RIGHT)
    if len(listed) < len(hosts):
        same = len(hosts) - len(listed)
        lines += [f"{same} host{'' if same == 1 else 's'} unchanged, without a finding"]
    # What many hosts have in common is said once.
    found: dict[Finding, list[str]] = {}
    for host in listed:
        for finding in host.findings:
            found.setdefault(finding, []).append(host.node)
    for finding, nodes in sorted(found.items(), key=lambda item: not item[0].is_fatal):
        mark = Mark.BAD if finding.is_fatal else Mark.DOUBTFUL
        lines += layout.marked(mark, f"{name_few(nodes)}: {finding.problem} ({finding.code})")
        lines += layout.detail(f"hint: {finding.hint}") if finding.hint else []
    return lines


def document_of_hosts(hosts: Sequence[HostChange]) -> dict[str, Any]:
    """Return every host as plain values for JSON."""
    return {"hosts": [_describe(host) for host in hosts]}


def _render_cells(host: HostChange) -> tuple[str, ...]:
    return (
        SIGNS[host.action],
        host.node,
        host.pool,
        host.address,
        host.os,
        str(host.cpus or ""),
        f"{host.memory_ki:,}" if host.memory_ki else "",
        f"{host.storage_ki:,}" if host.storage_ki else "",
        host.detail if not (host.fatal and host.is_mutation) else "is left as it is",
    )


def _describe(host: HostChange) -> dict[str, Any]:
    return {
        "action": host.action.value,
        "host": host.node,
        "pool": host.pool,
        "address": host.address,
        "os": host.os,
        "cpus": host.cpus,
        "memoryKi": host.memory_ki,
        "storageKi": host.storage_ki,
        "detail": host.detail,
        "findings": [
            {
                "code": finding.code,
                "fatal": finding.is_fatal,
                "problem": finding.problem,
                "hint": finding.hint,
                "help": f"docs/hosts.md#{finding.code}",
            }
            for finding in host.findings
        ],
    }
