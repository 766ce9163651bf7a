"""What was found out about a host: facts, and what is in the way of making it a node."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from kpo_provision.results import Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class HostFacts:
    """What a host is, as far as it said so; memory and the file system for pods in KiB.

    ``membership`` is fresh, half, joined or foreign; ``applied`` is the fingerprint of the configuration that it has,
    ``logins`` the SHA-256 of the registry logins that its kubelet was given, empty without.
    """

    os: str = ""
    memory_ki: int = 0
    storage_ki: int = 0
    cpus: int = 0
    machine_id: str = ""
    membership: str = ""
    applied: str = ""
    logins: str = ""
    host_keys: tuple[str, ...] = ()

    @classmethod
    def parse(cls, facts: Mapping[str, str], *, host_keys: tuple[str, ...]) -> HostFacts:
        """Parse the facts that the script prints."""
        return cls(
            os=facts.get("os", "").strip(),
            memory_ki=int(facts.get("memoryKi") or 0),
            storage_ki=int(facts.get("storageKi") or 0),
            cpus=int(facts.get("cpus") or 0),
            machine_id=facts.get("machineId", ""),
            membership=facts.get("membership", ""),
            applied=facts.get("applied", ""),
            logins=facts.get("logins", ""),
            host_keys=host_keys,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class HostLook:
    """One host, looked at; no facts where it could not be reached."""

    node: str
    facts: HostFacts | None
    findings: tuple[Finding, ...] = field(default=())

    @property
    def fatal(self) -> tuple[Finding, ...]:
        """What keeps it from joining."""
        return tuple(finding for finding in self.findings if finding.is_fatal)
