"""Lays the stand-ins out as a mirror from which Terraform installs providers without asking the registry."""

import atexit
import datetime
import os
import platform
import socket
import subprocess
import sys
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.terraform.provider.offered import OFFERED

_ROOT = Path(__file__).parents[3]
_MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}


def choose_provider(folder, *, enter=()):
    """Return a CLI configuration for Terraform: the environment's if it says where providers come from, as one that
    offers the real ones does; otherwise one with the stand-ins, written into ``folder``."""
    given = Path(os.environ.get("TF_CLI_CONFIG_FILE", ""))
    if given.is_file() and "provider_installation" in given.read_text(encoding="utf-8"):
        return given.resolve()
    return write_mirror(folder, enter=enter)


def write_mirror(folder, *, enter=()):
    """Write the mirror and the CLI configuration that names it; returns the latter, for ``TF_CLI_CONFIG_FILE``.

    The providers in it can be started as long as this process lives. ``enter`` is a command that runs another one
    where the providers are to run, such as in another network.
    """
    for offered in OFFERED:
        _write_program(Path(folder), offered)
    _write_certificate(Path(folder))
    _open_nursery(Path(folder), enter)
    config = Path(folder) / "terraform.rc"
    config.write_text(f'provider_installation {{\n  filesystem_mirror {{\n    path = "{folder}/mirror"\n  }}\n}}\n')
    return config


def _write_program(folder, offered):
    kind = f"linux_{_MACHINES[platform.machine()]}"
    place = folder / "mirror/registry.terraform.io/hashicorp" / offered.name / offered.version / kind
    place.mkdir(parents=True)
    program = place / f"terraform-provider-{offered.name}_v{offered.version}"
    starter = Path(__file__).with_name("starter.py")
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -I -S "{starter}" "{folder}/nursery" {offered.name}\n')
    program.chmod(0o755)


def _open_nursery(folder, enter):
    """Start it; it ends when the other end of ``owner`` is closed, which this process does by ending."""
    ours, owner = socket.socketpair()
    with owner, socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / "nursery"))
        listener.listen(64)
        nursery = subprocess.Popen(
            [*enter, sys.executable, "-m", "tests.terraform.provider.nursery", str(folder), str(owner.fileno())],
            cwd=_ROOT,
            stdin=listener,
            pass_fds=[owner.fileno()],
        )
    atexit.register(nursery.wait)
    atexit.register(ours.close)


def _write_certificate(folder):
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    folder.joinpath("certificate.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    path = folder / "key.pem"
    path.touch(mode=0o600)
    path.write_bytes(private)
