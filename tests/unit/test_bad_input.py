"""Bad input, given as a user gives it: one clear error, the right exit code in both formats, and nothing touched."""

import base64
import datetime
import ipaddress
import json
import os
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests import commands
from tests.fakes.api_server import FakeApiServer

SPEC = """\
apiVersion: kpo-provision.io/v1
kind: Installation
metadata: {name: acme}
namespacePrefix: astronomer
target: {kubeconfig: {}}
registries:
  acme: {server: registry.acme.io, credentials: {dockerConfig: config.json}}
nodePools:
  standard: {largestPod: {cpu: 3500m, memory: 13Gi}}
tenants:
  frigid-vacuum-0996: {extraCapacity: 10, pool: standard, registries: [acme]}
"""
TENANT = "  frigid-vacuum-0996: {extraCapacity: 10, pool: standard, registries: [acme]}\n"
TOKEN = "canary-token"
PASSWORD = "canary-password"

MISTAKES = {
    "not YAML": ("metadata: {name: acme}", "metadata: {name: acme", "", "a comma or a closing bracket is missing"),
    "unknown key": ("largestPod:", "bigestPod:", "nodePools.standard.bigestPod", "is no key of a spec"),
    "wrong type": ("extraCapacity: 10", "extraCapacity: ten", "tenants.frigid-vacuum-0996.extraCapacity", "whole"),
    "quantity 1.5.0Gi": ("13Gi", "1.5.0Gi", "nodePools.standard.largestPod.memory", "1.5.0Gi"),
    "quantity -1": ("3500m", "-1", "nodePools.standard.largestPod.cpu", "-1"),
    "quantity 10 GB": ("13Gi", "10 GB", "nodePools.standard.largestPod.memory", "10 GB"),
    "duplicate tenant": (TENANT, TENANT * 2, "tenants.frigid-vacuum-0996", "is written twice, first in line 11"),
    "two tenants for one namespace": (
        TENANT,
        TENANT + TENANT.replace("frigid-vacuum-0996", "Frigid-Vacuum-0996"),
        "tenants.Frigid-Vacuum-0996",
        "lower-case",
    ),
    "release name too long": ("frigid-vacuum-0996", "r" * 64, f"tenants.{'r' * 64}", "63"),
    "namespace too long": ("frigid-vacuum-0996", "r" * 53, f"tenants.{'r' * 53}", "would have 64 characters"),
    "release name not DNS-1123": ("frigid-vacuum-0996", "-etl", "tenants.-etl", "lower-case"),
    "installation name not DNS-1123": ("{name: acme}", "{name: Acme_1}", "metadata.name", "lower-case"),
    "no such pool": ("pool: standard", "pool: standrd", "tenants.frigid-vacuum-0996.pool", "is no node pool"),
    "no such registry": ("[acme]", "[acmee]", "tenants.frigid-vacuum-0996.registries[0]", "is no registry"),
}

DOCKER_CONFIGS = {
    "missing": (None, "cannot be read: No such file or directory"),
    "not JSON": ("{", "is not JSON"),
    "not UTF-8": (b"\xff\xfe", "is not UTF-8 text"),
    "not a configuration": ("[]", "is not a Docker config.json"),
    "logins of no form": ('{"auths": [1]}', "is not a Docker config.json"),
    "no login for the server": ('{"auths": {"other.io": {"auth": "eDp5"}}}', "has no login for registry.acme.io"),
}


@pytest.fixture
def server():
    """An API server that counts requests; bad input must not make it change anything."""
    with FakeApiServer(token=TOKEN) as running:
        yield running
        assert running.mutations == []


@pytest.fixture
def folder(tmp_path, server):
    """A folder in which ``apply`` would succeed."""
    (tmp_path / "spec.yaml").write_text(SPEC)
    auth = base64.b64encode(f"robot:{PASSWORD}".encode()).decode()
    (tmp_path / "config.json").write_text(json.dumps({"auths": {"registry.acme.io": {"auth": auth}}}))
    write_kubeconfig(tmp_path, server=server.connection.server)
    return tmp_path


def write_kubeconfig(folder: Path, *, token: str = TOKEN, **cluster: str) -> None:
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "prod",
        "clusters": [{"name": "prod", "cluster": cluster}],
        "contexts": [{"name": "prod", "context": {"cluster": "prod", "user": "me"}}],
        "users": [{"name": "me", "user": {"token": token}}],
    }
    (folder / "kubeconfig").write_text(json.dumps(document))


def run(folder: Path, *arguments: str) -> commands.Answer:
    return commands.run(*arguments, cwd=folder, environ={**os.environ, "KUBECONFIG": str(folder / "kubeconfig")})


def refuse(folder: Path, exit_code: int, *arguments: str) -> dict:
    """Run a command that has to fail; return the error document, which has to say what stderr says."""
    answer = run(folder, *(arguments or ("apply", "spec.yaml")), "-o", "json")
    error = json.loads(answer.stdout)
    assert (answer.returncode, error["exitCode"]) == (exit_code, exit_code), answer.stderr
    assert read_error(answer.stderr) == f"error: {error['message']}\n  hint: {error['hint']}\n"
    assert error["hint"]
    assert "canary" not in answer.stderr + answer.stdout
    return error


def read_error(stderr: str) -> str:
    """Cut the one error out of what is said on stderr; it comes last."""
    before, *found = stderr.partition("error: ")
    assert not any(line.startswith(("error:", "Traceback")) for line in before.splitlines())
    assert stderr.count("\nerror: ") + stderr.startswith("error: ") == 1
    return "".join(found)


def test_what_is_broken_below_is_good_as_it_stands(tmp_path):
    with FakeApiServer(token=TOKEN) as server:
        (tmp_path / "spec.yaml").write_text(SPEC)
        (tmp_path / "config.json").write_text('{"auths": {"registry.acme.io": {"auth": "cm9ib3Q6eA=="}}}')
        write_kubeconfig(tmp_path, server=server.connection.server)
        answer = run(tmp_path, "apply", "spec.yaml", "--no-verify")
        assert answer.returncode == 0, answer.stderr
        assert server.get("Namespace", "astronomer-frigid-vacuum-0996")


@pytest.mark.parametrize(("pool", "exit_code"), [("standrd", 2), ("standard", 6)], ids=["bad spec", "no cluster"])
def test_a_person_is_told_what_a_program_is_told(folder, pool, exit_code):
    (folder / "spec.yaml").write_text(SPEC.replace("pool: standard", f"pool: {pool}"))
    write_kubeconfig(folder, server="https://127.0.0.1:9")
    error = refuse(folder, exit_code)
    answer = run(folder, "apply", "spec.yaml")
    assert (answer.returncode, answer.stdout) == (exit_code, "")
    assert read_error(answer.stderr) == f"error: {error['message']}\n  hint: {error['hint']}\n"


@pytest.mark.parametrize(("old", "new", "path", "words"), MISTAKES.values(), ids=MISTAKES)
def test_mistake_in_the_spec_is_one_problem_with_its_place(folder, server, old, new, path, words):
    assert SPEC.count(old) == 1
    (folder / "spec.yaml").write_text(SPEC.replace(old, new))
    error = refuse(folder, 2)
    [issue] = error["issues"]
    assert issue["path"] == path
    assert words in f"{issue['problem']} {issue['value']}"
    assert f"spec.yaml:{issue['line']}:{issue['column']}: " in error["message"]
    assert server.calls == []


@pytest.mark.parametrize(("content", "words"), DOCKER_CONFIGS.values(), ids=DOCKER_CONFIGS)
def test_docker_config_without_a_login_is_one_problem_that_names_the_registry(folder, server, content, words):
    (folder / "config.json").unlink()
    if content is not None:
        (folder / "config.json").write_bytes(content if isinstance(content, bytes) else content.encode())
    error = refuse(folder, 2)
    [issue] = error["issues"]
    assert issue["path"] == "registries.acme.credentials"
    assert words in issue["problem"]
    assert "  registries.acme.credentials: " in error["message"]
    assert server.calls == []


def test_tenant_that_the_spec_does_not_have_is_answered_with_the_nearest(folder, server):
    error = refuse(folder, 2, "verify", "spec.yaml", "--tenant", "frigid-vacuum-0969")
    assert error["message"] == "the spec has no tenant frigid-vacuum-0969"
    assert error["hint"] == "did you mean frigid-vacuum-0996?"
    assert server.calls == []


@pytest.mark.parametrize("command", ["apply", "destroy"])
def test_unreachable_cluster_is_named(folder, command):
    write_kubeconfig(folder, server="https://127.0.0.1:9")
    error = refuse(folder, 6, command, "spec.yaml", *(["--yes"] if command == "destroy" else []))
    assert error["message"] == "the API server https://127.0.0.1:9 (context prod) refuses connections"


@pytest.mark.parametrize(
    ("certificate", "trusted", "words"),
    [
        ({}, {"name": "stranger"}, "is not trusted"),
        ({"expired": True}, None, "has expired"),
        ({"name": "other.example"}, None, "is for another name"),
    ],
    ids=["wrong CA", "expired", "another name"],
)
def test_certificate_that_cannot_be_trusted_is_told_apart(folder, server, certificate, trusted, words):
    pem = issue_certificate(folder / "server.pem", **certificate)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    server.speak_tls(context)
    authority = pem if trusted is None else issue_certificate(folder / "other.pem", **trusted)
    url = server.connection.server.replace("http:", "https:")
    write_kubeconfig(folder, **{"server": url, "certificate-authority": str(authority)})
    error = refuse(folder, 6)
    assert f"the certificate of the API server {url} (context prod) {words}" in error["message"]
    assert server.calls == []


def test_token_that_is_refused_is_a_login_to_renew(folder, server):
    write_kubeconfig(folder, server=server.connection.server, token="canary-revoked")
    error = refuse(folder, 6)
    assert error["message"].startswith("read /version: 401 Unauthorized")
    assert "log in again" in error["hint"]
    assert set(server.calls) == {("GET", "/version")}


def test_cluster_that_is_too_old_is_refused_before_anything_is_asked_of_it(folder, server):
    server.version = ("1", "29", "v1.29.3")
    error = refuse(folder, 6)
    assert error["message"] == "the cluster runs Kubernetes v1.29.3; kpo-provision needs 1.30 or newer"
    assert set(server.calls) == {("GET", "/version")}


def issue_certificate(path: Path, *, name: str = "127.0.0.1", expired: bool = False) -> Path:
    """Write a certificate that trusts itself, and its key, into one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.datetime.now(datetime.UTC)
    begins, ends = (now + datetime.timedelta(days=days) for days in ((-20, -10) if expired else (-1, 10)))
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    own_name = x509.IPAddress(ipaddress.ip_address(name)) if name[0].isdigit() else x509.DNSName(name)
    certificate = (
        x509.CertificateBuilder(issuer_name=subject, subject_name=subject, public_key=key.public_key(), serial_number=1)
        .not_valid_before(begins)
        .not_valid_after(ends)
        .add_extension(x509.SubjectAlternativeName([own_name]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    return path
