"""The public keys of hosts, as the user's own file of known hosts has them.

Terraform wants one key a host, and takes the kind that it and the server agree on first, which Go's SSH decides.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from pathlib import Path

from kpo_provision import errors

_PREFERRED = ("ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "ssh-rsa", "ssh-ed25519")
"""In the order in which golang.org/x/crypto/ssh asks for them (``supportedHostKeyAlgos``, read 2026-11-25)."""


def find_keys(address: str, port: int, known_hosts: Path) -> tuple[str, ...]:
    """Return the known keys of a host, each ``TYPE BASE64``; none where it is not known.

    Raises:
        errors.UsageError: There is no such file, or no ssh-keygen.
    """
    if not known_hosts.is_file():
        raise errors.UsageError(
            f"there is no {known_hosts}, which is to hold the public keys of the hosts",
            hint=f"ssh-keyscan {address} >>{known_hosts}, and compare with the host itself; or set ssh.knownHosts",
        )
    name = name_host(address, port)
    try:
        found = subprocess.run(
            ["ssh-keygen", "-F", name, "-f", str(known_hosts)],  # noqa: S607  the user's own OpenSSH
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError as error:
        raise errors.UsageError(
            "there is no ssh-keygen on PATH, which reads known hosts", hint="install OpenSSH's client (openssh-client)"
        ) from error
    lines = (line.split() for line in found.stdout.splitlines() if line and not line.startswith(("#", "@")))
    return tuple(f"{fields[1]} {fields[2]}" for fields in lines if len(fields) >= 3)


def name_host(address: str, port: int) -> str:
    """Return what a host is called in such a file."""
    return address if port == 22 else f"[{address}]:{port}"


def choose_key(keys: Iterable[str]) -> str:
    """Choose the key that Terraform will be shown; empty where there is none."""
    by_kind = {key.split()[0]: key for key in keys}
    return next((by_kind[kind] for kind in _PREFERRED if kind in by_kind), "")
