"""The report of the founding example: who launched the pod, where its image came from, what it said; a bad login."""

import base64
import json
import os
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from kpo_provision.kube.connection import connect
from kpo_provision.kube.kinds import KINDS
from kpo_provision.kube.transport import HttpTransport, Request
from tests import commands

pytestmark = pytest.mark.cluster

NAME = f"found-{os.getpid()}"
RELEASE, CLOSED = "frigid-vacuum-0996", "solar-orbit-4143"
NAMESPACE = f"{NAME}-{RELEASE}"
WORKER = f"system:serviceaccount:{NAMESPACE}:{RELEASE}-worker-serviceaccount"
IMAGE = "registry.local:5000/kpo/probe:1"
SPEC = {
    "apiVersion": "kpo-provision.io/v1",
    "kind": "Installation",
    "metadata": {"name": NAME},
    "namespacePrefix": NAME,
    "target": {"local": {}},
    "registries": {
        "acme": {
            "server": "registry.local:5000",
            "credentials": {"localCluster": {}},
            "probeImage": "kpo/probe:1",
        }
    },
    "nodePools": {"standard": {"largestPod": {"cpu": "1500m", "memory": "4Gi"}}},
    "tenants": {RELEASE: {"extraCapacity": 10, "registries": ["acme"]}, CLOSED: {"extraCapacity": 0}},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with the spec, which is taken down afterwards."""
    path = tmp_path_factory.mktemp("founding")
    (path / "spec.yaml").write_text(json.dumps(SPEC))
    yield path
    answer = commands.run("destroy", "spec.yaml", "--yes", cwd=path)
    assert answer.returncode == 0, answer.stderr


@pytest.fixture(scope="module")
def applied(folder):
    """The report of the first apply."""
    answer = commands.run("apply", "spec.yaml", "-o", "json", "--junit-file", "report.xml", cwd=folder)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    return json.loads(answer.stdout)


def find_check(report: dict, name: str, *, tenant: str = RELEASE) -> dict:
    [check] = [check for check in report["checks"] if (check["id"], check["tenant"]) == (name, tenant)]
    return check


def test_report_shows_the_worker_the_private_image_and_the_log_line(applied):
    assert find_check(applied, "probe-launch")["evidence"]["created-by"] == WORKER
    assert find_check(applied, "probe-scheduled")["evidence"]["pool"] == "standard"
    pulled = find_check(applied, "probe-image")["evidence"]
    assert (pulled["image"], pulled["pull-secrets"]) == (IMAGE, "registry-acme")
    pod = find_check(applied, "probe-launch")["evidence"]["pod"]
    run_id = pod.removeprefix(f"{NAMESPACE}/kpo-probe-")
    assert find_check(applied, "probe-log")["evidence"]["log-line"] == f"kpo-probe {run_id} hello"
    assert find_check(applied, "tenant-closed", tenant=CLOSED)["outcome"] == "pass"
    assert applied["exitCode"] == 0


def test_junit_file_holds_every_check(applied, folder):
    suites = ET.parse(folder / "report.xml").getroot()
    assert [suite.get("name") for suite in suites] == ["cluster", RELEASE, CLOSED]
    assert len(suites.findall(".//testcase")) == len(applied["checks"])
    assert suites.findall(".//failure") == []


def test_report_for_people_says_the_same(applied, folder):
    answer = commands.run("verify", "spec.yaml", "--tenant", RELEASE, cwd=folder)
    assert answer.returncode == 0, answer.stdout
    words = " ".join(answer.stdout.split())
    assert f"created by {WORKER}" in words
    assert f"{IMAGE} with secret registry-acme of its service account" in words
    assert " hello" in words
    assert CLOSED not in words


def test_changed_password_is_an_unauthorized_pull_that_names_the_secret_and_can_be_mended(applied, folder):
    login = base64.b64encode(b"kpo:changed-canary").decode()
    config = json.dumps({"auths": {"registry.local:5000": {"auth": login}}})
    data = {".dockerconfigjson": base64.b64encode(config.encode()).decode()}
    change_secret(data)

    answer = commands.run("verify", "spec.yaml", "-o", "json", "--junit-file", "broken.xml", cwd=folder)
    assert answer.returncode == 7, answer.stdout
    failed = [check for check in json.loads(answer.stdout)["checks"] if check["outcome"] == "fail"]
    [check] = failed
    assert (check["id"], check["tenant"]) == ("probe-image", RELEASE)
    assert "image pull unauthorized" in check["detail"]
    assert f"secret {NAMESPACE}/registry-acme" in check["detail"]
    assert "registry `acme`" in check["hint"]
    assert "canary" not in answer.stdout + answer.stderr
    [failure] = ET.parse(folder / "broken.xml").getroot().findall(".//failure")
    assert "image pull unauthorized" in failure.get("message")

    answer = commands.run("apply", "spec.yaml", "-o", "json", cwd=folder)
    assert answer.returncode == 6, answer.stdout
    [refused] = json.loads(answer.stdout)["changes"]["failures"]
    assert "kubectl-patch manages .data..dockerconfigjson" in refused["problem"]
    assert "--take-over" in refused["hint"]

    answer = commands.run("apply", "spec.yaml", "--take-over", "-o", "json", cwd=folder)
    assert answer.returncode == 0, answer.stdout
    mended = json.loads(answer.stdout)["changes"]["objects"]
    assert [(change["action"], change["kind"], change["name"]) for change in mended] == [
        ("update", "Secret", "registry-acme")
    ]


def change_secret(data: dict[str, str]) -> None:
    """Change the pull secret as somebody with kubectl would, who thereby becomes the manager of its content."""
    connection = connect(kubeconfig=Path(os.environ["KPO_TEST_KUBECONFIG"]), context=None)
    answer = HttpTransport(connection).send(
        Request(
            method="PATCH",
            path=KINDS["Secret"].path(NAMESPACE, "registry-acme"),
            query={"fieldManager": "kubectl-patch"},
            body=json.dumps({"data": data}).encode(),
            content_type="application/merge-patch+json",
        )
    )
    assert answer.status == 200


def test_tenant_that_the_spec_does_not_have_is_a_usage_error(folder):
    answer = commands.run("verify", "spec.yaml", "--tenant", "nope", "-o", "json", cwd=folder)
    assert answer.returncode == 2
    assert json.loads(answer.stdout)["message"] == "the spec has no tenant nope"
