"""The cluster's own certificate authority and everything it signs.

Made once and kept; a certificate is made anew when it comes close to its end. Keys are readable by root alone.
"""

from __future__ import annotations

import datetime
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from kpo_provision.local.options import CONTROL_PLANE_ADDRESS, Layout
from kpo_provision.local.private_files import write_private

_CA_LIFE = datetime.timedelta(days=3650)
_LIFE = datetime.timedelta(days=365)
_RENEW_BEFORE = datetime.timedelta(days=30)
_SERVICE_ADDRESS = "10.96.0.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Whom a certificate names, and where it may serve."""

    file: str
    user: str
    groups: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    life: datetime.timedelta = _LIFE


_API_SERVER_HOSTS = (
    "127.0.0.1",
    CONTROL_PLANE_ADDRESS,
    _SERVICE_ADDRESS,
    "localhost",
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local",
)

IDENTITIES = (
    Identity(file="apiserver", user="kube-apiserver", hosts=_API_SERVER_HOSTS),
    Identity(file="apiserver-kubelet-client", user="kube-apiserver-kubelet-client", groups=("system:masters",)),
    Identity(file="admin", user="kubernetes-admin", groups=("system:masters",)),
    Identity(file="controller-manager", user="system:kube-controller-manager"),
    Identity(file="scheduler", user="system:kube-scheduler"),
    Identity(file="proxy", user="system:kube-proxy"),
    Identity(file="netpol", user="kpo-netpol"),
    Identity(
        file="registry", user="registry", hosts=("registry.local", CONTROL_PLANE_ADDRESS, "127.0.0.1", "localhost")
    ),
)


def ensure_pki(layout: Layout) -> None:
    """Make what is missing or about to expire: the authority, each identity's certificate, the token signing key."""
    ensure_authority(layout.pki)
    for identity in IDENTITIES:
        ensure_certificate(identity, directory=layout.pki, authority=layout.pki)
    signing_key = layout.pki / "sa.key"
    if not signing_key.exists() or not (layout.pki / "sa.pub").exists():
        key = ec.generate_private_key(ec.SECP256R1())
        public = key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        write_private(layout.pki / "sa.pub", public)
        write_private(signing_key, _render_key(key))


def node_identity(node: str, address: str) -> Identity:
    """Name a kubelet: a client of the API server and a server to it, with one certificate."""
    return Identity(file="kubelet", user=f"system:node:{node}", groups=("system:nodes",), hosts=(node, address))


def ensure_authority(directory: Path) -> None:
    """Make the certificate authority, unless it is there."""
    if (directory / "ca.crt").exists() and (directory / "ca.key").exists():
        return
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "kpo-local")])
    certificate = (
        _start_certificate(name, issuer=name, key=key.public_key(), life=_CA_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(_key_usage(ca=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    # The key goes last: without it there is no authority, and both are made again.
    write_private(directory / "ca.crt", certificate.public_bytes(serialization.Encoding.PEM))
    write_private(directory / "ca.key", _render_key(key))


def ensure_certificate(identity: Identity, *, directory: Path, authority: Path) -> None:
    """Make ``identity``'s key and certificate, unless there is one that holds for a while yet."""
    issuer = x509.load_pem_x509_certificate((authority / "ca.crt").read_bytes())
    key_file, certificate_file = directory / f"{identity.file}.key", directory / f"{identity.file}.crt"
    if key_file.exists() and certificate_file.exists() and _is_good(certificate_file, identity, issuer):
        return
    signer = serialization.load_pem_private_key((authority / "ca.key").read_bytes(), password=None)
    assert isinstance(signer, ec.EllipticCurvePrivateKey)  # noqa: S101  made so by ensure_authority
    key = ec.generate_private_key(ec.SECP256R1())
    attributes = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in identity.groups]
    subject = x509.Name([*attributes, x509.NameAttribute(NameOID.COMMON_NAME, identity.user)])
    usages = [ExtendedKeyUsageOID.CLIENT_AUTH, *([ExtendedKeyUsageOID.SERVER_AUTH] if identity.hosts else [])]
    builder = (
        _start_certificate(subject, issuer=issuer.subject, key=key.public_key(), life=identity.life)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(ca=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
    )
    if identity.hosts:
        builder = builder.add_extension(x509.SubjectAlternativeName(_alternative_names(identity.hosts)), critical=False)
    # A crash between the two writes leaves a key without its certificate's match: the certificate must go first.
    certificate_file.unlink(missing_ok=True)
    write_private(key_file, _render_key(key))
    write_private(certificate_file, builder.sign(signer, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))


def _is_good(certificate_file: Path, identity: Identity, issuer: x509.Certificate) -> bool:
    certificate = x509.load_pem_x509_certificate(certificate_file.read_bytes())
    if certificate.not_valid_after_utc - _RENEW_BEFORE < datetime.datetime.now(datetime.UTC):
        return False
    if identity.hosts:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        if list(names) != _alternative_names(identity.hosts):
            return False
    key = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    signed_by = certificate.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
    return signed_by == key


def _start_certificate(
    subject: x509.Name, *, issuer: x509.Name, key: ec.EllipticCurvePublicKey, life: datetime.timedelta
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    # An hour back: a clock that was set back must not make the cluster distrust itself.
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + life)
    )


def _key_usage(*, ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=ca,
        crl_sign=ca,
        encipher_only=False,
        decipher_only=False,
    )


def _alternative_names(hosts: Sequence[str]) -> list[x509.GeneralName]:
    return [x509.IPAddress(ipaddress.ip_address(host)) if host[0].isdigit() else x509.DNSName(host) for host in hosts]


def _render_key(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
