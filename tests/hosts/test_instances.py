"""EC2 instances on a real cluster: what a group boots joins by itself, sized and tainted, and runs KPO's pods.

AWS is played, and an instance is a host of the site; user data, kubeadm, kubelet and containerd are real.
"""

import json
import re
from pathlib import Path

import pytest

from tests.fakes.aws.images import NEW
from tests.hosts.administrator import ROOT, Administrator
from tests.hosts.amazon import Amazon, wait_for
from tests.hosts.site import INSTALLATION
from tests.terraform.provider.mirror import choose_provider

GROUP = f"{INSTALLATION}-standard"
PARAMETER = f"/kpo-provision/{INSTALLATION}/join"
MEMORY_KI = int(re.search(r"^MemTotal: +(\d+) kB", Path("/proc/meminfo").read_text(), re.MULTILINE)[1])
_SITE = """\
    allowCgroupV1: true
    minFreeDisk: 1024
    sandboxImage: kpo.local/pause:1
    servingCertificates: cluster
    registries:
      registry.local:5000: {ca: registry-ca.crt}
"""
_REGISTRIES = """\
registries:
  local:
    server: registry.local:5000
    credentials: {dockerConfig: config.json}
    probeImage: kpo/probe:1

nodePools:
"""


class Operator(Administrator):
    """Who applies ``examples/self-hosted-ec2.yaml`` as it fits the site."""

    def edit(self, *edits):
        self.edits += edits
        text = (ROOT / "examples/self-hosted-ec2.yaml").read_text()
        rack = f"{{cpu: 2, memory: 24Gi, capacity: {MEMORY_KI}Ki, storage: {self.site.storage_ki}Ki}}"
        site = (
            # As the site's other specs, for a cluster has one installation.
            ("  name: acme-ec2\n", f"  name: {INSTALLATION}\n"),
            ('    version: "1.37"\n', f'    version: "1.37"\n{_SITE}'),
            ("nodePools:\n", _REGISTRIES),
            ("    extraCapacity: 10\n", "    extraCapacity: 10\n    registries: [local]\n"),
            ("tenants:\n", f"sizing:\n  machineTypes:\n    m6i.xlarge: {rack}\n\ntenants:\n"),
            ("image: {id: ami-0123456789abcdef0}", f"image: {{id: {NEW['ami_id']}}}"),
            # Nobody makes the empty pool grow here.
            ("    extraCapacity: 5\n    pool: cheap\n", "    extraCapacity: 0\n"),
        )
        for old, new in (*site, *self.edits):
            assert old in text, old
            text = text.replace(old, new)
        self.spec.write_text(text)


@pytest.fixture(scope="module")
def amazon(site):
    with Amazon(site) as amazon:
        yield amazon


@pytest.fixture(scope="module")
def operator(site, amazon, tmp_path_factory):
    mirror = choose_provider(tmp_path_factory.mktemp("mirror"), enter=site.enter())
    operator = Operator(site, tmp_path_factory.mktemp("ec2"))
    operator.environ = {**amazon.stage.environ, "TF_CLI_CONFIG_FILE": str(mirror)}
    subnets = amazon.ask("ec2", "describe_subnets")["Subnets"]
    groups = amazon.ask("ec2", "describe_security_groups")["SecurityGroups"]
    operator.edit(
        ("subnet-0a1b2c3d, subnet-1a2b3c4d", subnets[0]["SubnetId"]), ("[sg-0a1b2c3d]", f"[{groups[0]['GroupId']}]")
    )
    return operator


def read_nodes(api):
    nodes = api.list("Node", label_selector="kpo-provision.io/pool=standard")
    return {node["metadata"]["name"]: node for node in nodes}


def list_instances(amazon):
    (group,) = amazon.ask("autoscaling", "describe_auto_scaling_groups", AutoScalingGroupNames=[GROUP])[
        "AutoScalingGroups"
    ]
    return [each["InstanceId"] for each in group["Instances"]], {each["Key"]: each["Value"] for each in group["Tags"]}


def read_token(amazon):
    found = amazon.ask("ssm", "get_parameter", Name=PARAMETER, WithDecryption=True)["Parameter"]
    return json.loads(found["Value"])["token"]


def test_an_instance_joins_by_itself_and_runs_the_probe_of_its_tenant(operator, amazon, api):
    amazon.boot_instances(GROUP)
    report = operator.apply()
    assert amazon.problems == []
    assert report["exitCode"] == 0
    [instance], tags = list_instances(amazon)
    node = read_nodes(api)[instance]
    assert node["spec"]["providerID"] == f"aws:///eu-central-1a/{instance}"
    told = "k8s.io/cluster-autoscaler/node-template"
    labels = {key.removeprefix(f"{told}/label/"): value for key, value in tags.items() if f"{told}/label/" in key}
    assert labels["kpo-provision.io/pool"] == "standard"
    assert labels.items() <= node["metadata"]["labels"].items()
    assert {taint["key"] for taint in node["spec"]["taints"]} == {"kpo-provision.io/pool"}
    offered = {key.removeprefix(f"{told}/resources/"): value for key, value in tags.items() if "/resources/" in key}
    allocatable = node["status"]["allocatable"]
    assert {key: allocatable[key] for key in ("cpu", "memory", "pods")} == {
        key: offered[key] for key in ("cpu", "memory", "pods")
    }
    (said,) = amazon.reports
    assert (said["LifecycleActionResult"], said["InstanceId"]) == ("CONTINUE", instance)
    (placed,) = [check for check in report["checks"] if check["id"] == "probe-scheduled"]
    assert (placed["outcome"], placed["tenant"]) == ("pass", "frigid-vacuum-0996")
    assert instance in placed["detail"]


def test_a_second_apply_changes_nothing(operator):
    report = operator.apply()
    assert report["changes"]["objects"] == []
    assert {pool["action"] for pool in report["infrastructure"]["pools"]} == {"unchanged"}
    operator.succeed("plan")
    operator.succeed("status")


def test_the_token_is_nowhere_but_where_instances_look(operator, amazon):
    token = read_token(amazon)
    secret = token.partition(".")[2]
    for path in operator.folder.rglob("*"):
        assert not path.is_file() or secret not in path.read_bytes().decode(errors="replace"), path
    places = "/etc /var/lib/kpo-provision /var/lib/cloud /var/log /run"
    for host in amazon.hosts:
        found = host.run(f"grep -rlF {secret} {places} 2>/dev/null || true")
        assert found.stdout == ""


def test_a_rotated_token_is_what_the_next_instance_joins_by(operator, amazon, api):
    before = read_token(amazon)
    assert "until" in operator.succeed("token rotate").out
    assert read_token(amazon) != before
    api.read("Secret", f"bootstrap-token-{before.partition('.')[0]}", "kube-system")
    amazon.ask("autoscaling", "set_desired_capacity", AutoScalingGroupName=GROUP, DesiredCapacity=2)
    wait_for(lambda: len(amazon.reports) == 2, within_s=180)
    assert amazon.problems == []
    assert set(read_nodes(api)) == set(list_instances(amazon)[0])
    # How many there are is an autoscaler's to say.
    operator.succeed("plan")


def test_an_instance_that_cannot_join_says_why_and_is_given_up(amazon, operator):
    (version,) = amazon.ask("ec2", "describe_launch_template_versions", LaunchTemplateName=GROUP, Versions=["$Latest"])[
        "LaunchTemplateVersions"
    ]
    value = json.dumps({"token": "abcdef.0123456789abcdef", "expires": "2026-01-01T00:00:00+00:00"})
    amazon.ask("ssm", "put_parameter", Name=PARAMETER, Value=value, Type="SecureString", Overwrite=True)
    _, done = amazon.boot("i-0123456789abcdef0", version["LaunchTemplateData"]["UserData"], "late")
    assert done.returncode == 1
    assert "the bootstrap token has expired or was deleted" in done.stderr
    assert amazon.reports[-1]["LifecycleActionResult"] == "ABANDON"
    # The next apply finds it, and puts a token there that is of use.
    operator.apply()
    assert read_token(amazon) != "abcdef.0123456789abcdef"


def test_destroy_leaves_nothing_behind(operator, amazon, api):
    operator.succeed("destroy", "--yes")
    groups = amazon.ask("autoscaling", "describe_auto_scaling_groups")["AutoScalingGroups"]
    templates = amazon.ask("ec2", "describe_launch_templates")["LaunchTemplates"]
    parameters = amazon.ask("ssm", "describe_parameters")["Parameters"]
    assert (groups, templates, parameters) == ([], [], [])
    assert read_nodes(api) == {}
