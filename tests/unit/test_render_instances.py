"""From a spec to what EC2 instances are told: read back as cloud-init, bash, Python and AWS read it."""

import ast
import base64
import gzip
import json
import os
import runpy
import subprocess
from pathlib import Path

import pytest
import yaml
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from kpo_provision import catalog, sizing, spec
from kpo_provision.render.instances import ImageFacts, render_instances_tfvars
from kpo_provision.render.node_files import ClusterFacts
from kpo_provision.sizing import pools
from tests.terraform.tables import read_variables

ROOT = Path(__file__).parents[2]
EXAMPLE = (ROOT / "examples/self-hosted-ec2.yaml").read_text()
AWS = ROOT / "templates/nodes/aws.py"
MOST_BYTES = 16 * 1024
"""User data of an instance (EC2's documentation, read 2026-11-26)."""


@pytest.fixture(autouse=True)
def _no_refreshed_catalog(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def render(*edits, authorities=None):
    text = EXAMPLE
    for old, new in edits:
        assert old in text, old
        text = text.replace(old, new)
    installation = spec.parse_spec(text, file="spec.yaml")
    size = pools.size_pools(installation, catalog.load_catalog(), pools.SizeOptions(compare=0))
    cluster = ClusterFacts(api_server="10.0.0.1:6443", ca_pins=("sha256:" + "a1" * 32,), version="v1.37.2")
    images = {name: ImageFacts(id="ami-0123456789abcdef0", root_device="/dev/xvda") for name in ("standard", "cheap")}
    return render_instances_tfvars(
        installation, sizing.size(installation), size, cluster=cluster, authorities=authorities or {}, images=images
    )


def unpack(pool):
    return gzip.decompress(base64.b64decode(pool["user_data_base64"])).decode()


def read_file(script, path):
    """Return what a script writes to a path."""
    return script.split(f"want {path} ", 1)[1].split("\n", 1)[1].split("\nKPO_PROVISION_END\n", 1)[0]


def test_every_variable_is_one_of_the_module():
    known = read_variables(ROOT / "modules/self-hosted-ec2-pool")
    given = render()
    assert set(given) <= set(known)
    assert {name for name, variable in known.items() if variable.default is None} <= set(given)


def test_user_data_is_bash_and_fits_into_what_ec2_takes():
    for pool in render()["node_pools"].values():
        assert len(base64.b64decode(pool["user_data_base64"])) < MOST_BYTES
        checked = subprocess.run(["bash", "-n"], input=unpack(pool), capture_output=True, text=True, check=False)
        assert (checked.returncode, checked.stderr) == (0, "")


def test_user_data_of_many_registries_and_a_proxy_fits_as_well():
    registries = "".join(
        f"      registry-{number}.acme.io: {{ca: ca.pem, mirror: https://mirror-{number}.acme.io}}\n"
        for number in range(10)
    )
    edit = ('    version: "1.37"\n', f'    version: "1.37"\n    registries:\n{registries}')
    authority = "-----BEGIN CERTIFICATE-----\n" + base64.b64encode(os.urandom(900)).decode() + "\n"
    authorities = {"registry-0.acme.io": authority}
    for pool in render(edit, authorities=authorities)["node_pools"].values():
        assert len(base64.b64decode(pool["user_data_base64"])) < MOST_BYTES


def test_the_same_spec_gives_the_same_bytes():
    assert render() == render()


def test_nodes_get_the_labels_and_taints_that_an_autoscaler_is_told():
    for name, pool in render()["node_pools"].items():
        join = yaml.safe_load(read_file(unpack(pool), "/etc/kubernetes/kpo-provision/join.yaml"))
        registration = join["nodeRegistration"]
        arguments = {each["name"]: each["value"] for each in registration["kubeletExtraArgs"]}
        labels = dict(part.split("=") for part in arguments["node-labels"].split(","))
        assert labels == pool["labels"]
        assert labels["kpo-provision.io/pool"] == name
        assert registration["taints"] == [
            {"key": taint["key"], "value": taint["value"], "effect": taint["effect"]} for taint in pool["taints"]
        ]
        assert arguments["provider-id"] == "aws:///@ZONE@/@NODE@"


def test_an_autoscaler_is_told_what_the_kubelet_will_offer():
    pool = render()["node_pools"]["standard"]
    patch = yaml.safe_load(read_file(unpack(pool), "/etc/kubernetes/patches/kubeletconfiguration0+strategic.yaml"))
    assert pool["allocatable"]["pods"] == str(patch["maxPods"])
    assert pool["allocatable"]["cpu"] == "3920m"
    assert pool["allocatable"]["memory"].endswith("Ki")


def test_a_pool_may_be_empty_unless_the_spec_says_otherwise():
    given = render()["node_pools"]
    assert (given["cheap"]["min_nodes"], given["standard"]["min_nodes"]) == (0, 1)
    assert (given["cheap"]["max_nodes"], given["standard"]["max_nodes"]) == (10, 20)


def test_no_secret_is_in_what_is_rendered():
    script = unpack(render()["node_pools"]["standard"])
    assert 'token: "@TOKEN@"' in script
    assert "ask token /kpo-provision/acme-ec2/join" in script


def test_aws_is_asked_in_python_that_an_old_system_has():
    ast.parse(AWS.read_text(), feature_version=(3, 9))


@pytest.mark.parametrize("service", ["autoscaling", "ssm"])
def test_requests_are_signed_as_the_sdk_signs_them(service):
    sign = runpy.run_path(str(AWS))["sign"]
    body = json.dumps({"Name": "/kpo-provision/acme/join", "WithDecryption": True}).encode()
    headers = {
        "Content-Type": "application/x-amz-json-1.1",
        "Host": f"{service}.eu-central-1.amazonaws.com",
        "X-Amz-Target": "AmazonSSM.GetParameter",
        "X-Amz-Date": "20261126T120000Z",
    }
    login = {"AccessKeyId": "AKIDEXAMPLE", "SecretAccessKey": "not+a/secret", "Token": "a token"}
    ours = sign(headers, body, login, f"eu-central-1/{service}")
    asked = AWSRequest(method="POST", url=f"https://{headers['Host']}/", data=body, headers=ours)
    signer = SigV4Auth(Credentials("AKIDEXAMPLE", "not+a/secret", "a token"), service, "eu-central-1")
    asked.context["timestamp"] = headers["X-Amz-Date"]
    del asked.headers["Authorization"]
    canonical = signer.canonical_request(asked)
    signature = signer.signature(signer.string_to_sign(asked, canonical), asked)
    assert ours["Authorization"].endswith(f"Signature={signature}")
