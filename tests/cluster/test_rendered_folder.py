"""What ``render`` writes can be applied by hand, and ``apply`` then goes on from there."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from kpo_provision import local
from tests import commands

pytestmark = pytest.mark.cluster

SPEC = """\
apiVersion: kpo-provision.io/v1
kind: Installation
metadata: {name: by-hand}
namespacePrefix: by-hand
target: {local: {}}
registries:
  local: {server: "registry.local:5000", credentials: {localCluster: {}}, probeImage: "kpo/probe:1"}
nodePools:
  standard: {}
tenants:
  etl: {extraCapacity: 10, registries: [local]}
  bi: {extraCapacity: 0}
"""


@pytest.fixture
def spec(tmp_path):
    path = tmp_path / "spec.yaml"
    path.write_text(SPEC)
    yield path
    kpo("destroy", str(path), "--yes")


def kpo(*arguments, expected=0):
    answer = commands.run(*arguments, "-o", "json")
    assert answer.returncode == expected, answer.stderr
    return json.loads(answer.stdout)


def kubectl(*arguments):
    options = local.LocalOptions.from_environment(os.environ)
    program = options.cache / "bin" / f"kubernetes-{local.KUBERNETES_VERSION}" / "kubectl"
    environ = {**os.environ, "KUBECONFIG": str(options.layout.kubeconfig)}
    return subprocess.run([program, *arguments], capture_output=True, text=True, check=True, env=environ).stdout


def test_kubectl_applies_the_folder_and_apply_only_adds_the_secrets(spec: Path, tmp_path: Path):
    out = tmp_path / "deploy"
    kpo("render", str(spec), "--out", str(out))
    first = kubectl("apply", "--server-side", "-k", str(out)).splitlines()
    assert [line for line in first if not line.endswith("serverside-applied")] == []
    assert "namespace/by-hand-etl" in " ".join(first)

    added = kpo("apply", str(spec), "--no-verify")["changes"]
    assert [
        (change["action"], change["kind"], change["name"]) for change in added["objects"] if change["kind"] != "Node"
    ] == [("create", "Secret", "registry-local")]
    assert kpo("apply", str(spec))["success"]


def test_the_folder_holds_no_secret_and_is_the_same_twice(spec: Path, tmp_path: Path):
    folders = [tmp_path / name for name in ("one", "two")]
    for folder in folders:
        kpo("render", str(spec), "--out", str(folder))
    one, two = ({p.relative_to(f): p.read_bytes() for p in f.rglob("*") if p.is_file()} for f in folders)
    assert one == two
    login = json.loads(local.LocalOptions.from_environment(os.environ).layout.docker_config.read_text())
    secrets = [entry[key].encode() for entry in login["auths"].values() for key in entry if key != "username"]
    assert not [path for path, content in one.items() if any(secret in content for secret in secrets)]
