"""Bad input that takes a real cluster, a real disk or a real user to go wrong: one clear error, and nothing touched."""

import base64
import datetime
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from kpo_provision import local, progress
from kpo_provision.kube.api import Api
from kpo_provision.kube.connection import connect
from kpo_provision.local import cgroups, programs
from kpo_provision.local.recipes import COMPONENTS
from tests import commands

pytestmark = pytest.mark.cluster

KUBECONFIG = Path(os.environ["KPO_TEST_KUBECONFIG"])
NAME = f"bad-{os.getpid()}"
NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
READING_ALL = ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]
"""Lets a user who is not root read this interpreter and this package, wherever they are."""
MISSING = "cni-plugins"
"""The component that the cache of a test lacks: the quickest to build."""


def run(*arguments: str, cwd: Path, **environ: str) -> commands.Answer:
    return commands.run(*arguments, cwd=cwd, environ={**os.environ, **environ})


def run_as_nobody(*arguments: str, cwd: Path, **environ: str) -> commands.Answer:
    argv = [*NOBODY, *READING_ALL, sys.executable, "-m", "kpo_provision", *arguments]
    done = subprocess.run(argv, cwd=cwd, env={**os.environ, **environ}, capture_output=True, text=True, check=False)
    return commands.Answer(done.returncode, done.stdout, done.stderr)


def read_refusal(answer: commands.Answer, exit_code: int) -> dict:
    """Return the one error of a command that was run with ``-o json``."""
    assert answer.returncode == exit_code, answer.stderr
    assert "Traceback" not in answer.stderr
    error = json.loads(answer.stdout)
    assert error["exitCode"] == exit_code
    assert answer.stderr.endswith(f"error: {error['message']}\n  hint: {error['hint']}\n")
    assert len([line for line in answer.stderr.splitlines() if line.startswith("error:")]) == 1
    return error


def write_spec(folder: Path, *, target: object, name: str = NAME, prefix: str = NAME, release: str = "etl") -> None:
    spec = {
        "apiVersion": "kpo-provision.io/v1",
        "kind": "Installation",
        "metadata": {"name": name},
        "namespacePrefix": prefix,
        "target": target,
        "nodePools": {"standard": {}},
        "tenants": {release: {"extraCapacity": 1}},
    }
    (folder / "spec.yaml").write_text(json.dumps(spec))


@pytest.fixture(scope="module")
def api():
    with Api(connect(kubeconfig=KUBECONFIG, context=None)) as opened:
        yield opened


def read_state(api: Api) -> dict[str, str]:
    """Read the versions of all that a command of ours could make."""
    kinds = ("Namespace", "Node", "ClusterRole", "RoleBinding", "ValidatingAdmissionPolicy", "MutatingAdmissionPolicy")
    found = [item["metadata"] for kind in kinds for item in api.list(kind, metadata_only=True)]
    # A kubelet's heartbeat is no change of ours.
    return {metadata["uid"]: json.dumps([metadata.get("labels"), metadata.get("annotations")]) for metadata in found}


def write_kubeconfig(folder: Path, *, user: dict | None = None, authority: str | None = None) -> dict:
    """Write the cluster's kubeconfig with another login, or another idea of whom to trust; return it as a target."""
    config = yaml.safe_load(KUBECONFIG.read_text())
    config["users"][0]["user"] = user or config["users"][0]["user"]
    if authority:
        config["clusters"][0]["cluster"]["certificate-authority-data"] = authority
    (folder / "kubeconfig").write_text(json.dumps(config))
    return {"kubeconfig": {"path": str(folder / "kubeconfig")}}


def read_own_certificate() -> str:
    return yaml.safe_load(KUBECONFIG.read_text())["users"][0]["user"]["client-certificate-data"]


@pytest.mark.parametrize("login", ["token", "expired certificate"])
def test_login_that_the_api_server_refuses_has_to_be_renewed(tmp_path, api, login):
    user = {"token": "canary"} if login == "token" else issue_expired_certificate(KUBECONFIG.parent / "pki")
    write_spec(tmp_path, target=write_kubeconfig(tmp_path, user=user))
    before = read_state(api)
    answer = run("apply", "spec.yaml", "-o", "json", cwd=tmp_path)
    error = read_refusal(answer, 6)
    assert error["message"] == "read /version: 401 Unauthorized: Unauthorized"
    assert "log in again" in error["hint"]
    assert "canary" not in answer.stdout + answer.stderr
    assert read_state(api) == before


def test_cluster_of_another_authority_is_not_trusted(tmp_path, api):
    write_spec(tmp_path, target=write_kubeconfig(tmp_path, authority=read_own_certificate()))
    before = read_state(api)
    error = read_refusal(run("apply", "spec.yaml", "-o", "json", cwd=tmp_path), 6)
    assert "is not trusted" in error["message"]
    assert read_state(api) == before


def test_two_specs_whose_tenants_map_to_one_namespace_do_not_share_it(tmp_path, api):
    """One spec has one prefix, so that its namespaces differ as its releases do: it takes two of them."""
    first, second = tmp_path / "first", tmp_path / "second"
    for folder in (first, second):
        folder.mkdir()
    write_spec(first, target=write_kubeconfig(first), release="x-etl")
    write_spec(second, target=write_kubeconfig(second), name=f"{NAME}-2", prefix=f"{NAME}-x", release="etl")
    assert run("apply", "spec.yaml", "--no-verify", cwd=first).returncode == 0
    before = read_state(api)
    error = read_refusal(run("apply", "spec.yaml", "--no-verify", "-o", "json", cwd=second), 6)
    assert f"belongs to installation {NAME}; nothing was changed" in error["message"]
    assert read_state(api) == before
    assert run("destroy", "spec.yaml", "--yes", cwd=first).returncode == 0


@pytest.fixture
def machine(tmp_path):
    """Environment of a local cluster of the test's own, which is down, and is purged afterwards."""
    home = tempfile.mkdtemp(prefix="kpo-bad-")
    environ = {
        "KPO_PROVISION_HOME": f"{home}/local",
        "KPO_PROVISION_API_PORT": str(free_port()),
        "KPO_PROVISION_REGISTRY_PORT": str(free_port()),
    }
    yield environ
    local.down(options_of(environ), progress.Silent(), purge=True)
    shutil.rmtree(home)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def options_of(environ: dict[str, str]) -> local.LocalOptions:
    return local.LocalOptions.from_environment({**os.environ, **environ})


def test_local_cluster_needs_root_and_says_so(tmp_path, machine):
    answer = run_as_nobody("local", "up", "-o", "json", cwd=tmp_path, **machine)
    error = read_refusal(answer, 6)
    assert "root" in error["message"]
    assert "sudo" in error["hint"]
    assert not options_of(machine).home.exists()


@pytest.mark.parametrize("name", ["KPO_PROVISION_API_PORT", "KPO_PROVISION_REGISTRY_PORT"])
def test_port_in_use_is_named_with_the_process_that_holds_it(tmp_path, machine, name):
    with socket.create_server(("127.0.0.1", int(machine[name]))):
        error = read_refusal(run("local", "up", "-o", "json", cwd=tmp_path, **machine), 6)
    assert f"port {machine[name]} of 127.0.0.1 is in use by " in error["message"]
    assert f"(process {os.getpid()})" in error["message"]
    assert name in error["hint"]
    assert cgroups.list_processes(options_of(machine).cgroup) == ()


@pytest.fixture
def bridge():
    """A bridge of the host that has the very address of the local cluster's control plane."""
    name = f"kpobr{os.getpid() % 10**8}"
    subprocess.run(["ip", "link", "add", name, "type", "bridge"], check=True)
    try:
        subprocess.run(["ip", "address", "add", "10.88.0.1/24", "dev", name], check=True)
        subprocess.run(["ip", "link", "set", name, "up"], check=True)
        yield name
    finally:
        subprocess.run(["ip", "link", "delete", name], check=True)


def test_bridge_of_the_host_with_the_same_addresses_is_in_nobodys_way(tmp_path, machine, bridge):
    answer = run("local", "up", cwd=tmp_path, **machine)
    assert answer.returncode == 0, answer.stderr
    found = subprocess.run(["ip", "-brief", "address", "show", bridge], capture_output=True, text=True, check=True)
    assert "10.88.0.1/24" in found.stdout


@pytest.fixture
def small_disk(tmp_path):
    """A cache on a disk that is nearly full; all but one component are there already, elsewhere."""
    cache = tmp_path / "cache"
    cache.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "kpo-test", str(cache)], check=True)
    try:
        (cache / "bin").mkdir()
        full = local.LocalOptions.from_environment(os.environ).cache / "bin"
        for found in [programs.folder(full, component) for component in COMPONENTS if component.name != MISSING]:
            (cache / "bin" / found.name).symlink_to(found)
        yield cache
    finally:
        subprocess.run(["umount", str(cache)], check=True)


@pytest.mark.parametrize("left_bytes", [0, 100_000], ids=["full", "nearly full"])
def test_disk_full_in_the_cache_is_said_and_leaves_nothing_half_built(tmp_path, machine, small_disk, left_bytes):
    with (small_disk / "others").open("wb") as others:
        fill(others, left_bytes)
    answer = run("local", "up", "-o", "json", cwd=tmp_path, KPO_PROVISION_CACHE=str(small_disk), **machine)
    error = read_refusal(answer, 6)
    assert "disk is full" in error["message"] or "No space left on device" in error["message"]
    assert "free" in error["hint"]
    assert [*(small_disk / "bin").glob(".partial-*")] == []
    assert not options_of(machine).home.exists()


def fill(others, left_bytes: int) -> None:
    space = os.statvfs(others.fileno())
    others.write(bytes(space.f_bavail * space.f_bsize - left_bytes))


def issue_expired_certificate(pki: Path) -> dict:
    """Sign a client certificate of an administrator whose time is over, as a kubeconfig's user."""
    authority = x509.load_pem_x509_certificate((pki / "ca.crt").read_bytes())
    signer = serialization.load_pem_private_key((pki / "ca.key").read_bytes(), password=None)
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.datetime.now(datetime.UTC)
    names = {x509.NameOID.COMMON_NAME: "late", x509.NameOID.ORGANIZATION_NAME: "system:masters"}
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(kind, value) for kind, value in names.items()]))
        .issuer_name(authority.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=2))
        .not_valid_after(now - datetime.timedelta(days=1))
        .add_extension(x509.ExtendedKeyUsage([x509.ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .sign(signer, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return {
        "client-certificate-data": base64.b64encode(certificate.public_bytes(serialization.Encoding.PEM)).decode(),
        "client-key-data": base64.b64encode(private).decode(),
    }
