"""What a spec says about nodes: read exactly, and refused at its line where it contradicts itself."""

import pytest

from kpo_provision import errors, spec

HEAD = """\
apiVersion: kpo-provision.io/v1
kind: Installation
metadata: {name: acme}
namespacePrefix: astronomer
target: {kubeconfig: {}}
tenants:
  frigid-vacuum-0996: {extraCapacity: 10}
"""


def parse(pool="{}", sizing="{}"):
    return spec.parse_spec(f"{HEAD}nodePools:\n  standard: {pool}\nsizing: {sizing}\n", file="spec.yaml")


def find_issue(pool="{}", sizing="{}"):
    with pytest.raises(errors.SpecError) as caught:
        parse(pool, sizing)
    [issue] = caught.value.issues
    assert issue.file == "spec.yaml"
    assert issue.line == (9 if issue.path.startswith("nodePools") else 10)
    return f"{issue.path}: {issue.problem}; {issue.allowed}"


def test_a_spec_that_says_nothing_about_nodes_is_valid():
    installation = parse()
    assert installation.sizing.platform is None
    assert installation.node_pools["standard"].max_nodes is None


def test_zones_are_a_number_or_names():
    assert parse("{zones: 3}").node_pools["standard"].zones == 3
    assert parse(sizing="{zones: [europe-west1-b, europe-west1-c]}").sizing.zones == (
        "europe-west1-b",
        "europe-west1-c",
    )


def test_a_price_is_counted_in_whole_millionths_of_a_dollar():
    machines = parse(sizing="{machineTypes: {rack-1: {cpu: 64, memory: 512Gi, pricePerHour: 1.234567}}}").sizing
    price = machines.machine_types["rack-1"].price_per_hour
    assert price is not None
    assert price.nano == 1_234_567_000


@pytest.mark.parametrize(
    ("pool", "problem"),
    [
        ("{machineType: n2-standard-8, machineFamilies: [n2]}", "machineFamilies: has no meaning beside machineType"),
        ("{minNodes: 4, maxNodes: 3}", "minNodes: is more than maxNodes, which is 3"),
        ("{maxNodes: 0}", "maxNodes: leaves the pool without a node"),
        ("{maxNodes: 9223372036854775808}", "maxNodes: must be at most 65000"),
        ("{minNodes: -1}", "minNodes: must be at least 0"),
        ("{maxPodsPerNode: 0}", "maxPodsPerNode: must be at least 1"),
        ("{zones: 0}", "zones: must be between 1 and 9"),
        ("{zones: []}", "zones: must be a whole number or a list of names"),
        ("{zones: [b, b]}", "zones: names one of them twice"),
        ("{zones: true}", "zones: must be a whole number"),
        ("{surge: 1001}", "surge: must be at most 1000"),
        ("{disk: 100500Mi}", "disk: is not a whole number of GiB, in which disks are sold; did you mean 99Gi?"),
        ("{disk: 1Gi}", "disk: must be between 10Gi and 64Ti"),
        ("{machineType: ''}", "machineType: must be the name of a machine type"),
        ("{architecture: x86}", "architecture: must be `amd64` or `arm64`"),
        ("{largestPod: {cpu: 9223372036854775808, memory: 1Gi}}", "largestPod.cpu: is more than Kubernetes can count"),
        ("{largestPod: {cpu: 2, memory: 13.01GB}}", "did you mean 13.01G or 13.01Gi?"),
    ],
)
def test_a_pool_that_makes_no_sense_is_refused_at_its_line(pool, problem):
    assert problem in find_issue(pool)


@pytest.mark.parametrize(
    ("sizing", "problem"),
    [
        ("{platform: gcp}", "platform: must be `gke`, `eks`"),
        ("{version: 1.34}", "version: must be text; quote it"),
        ('{version: "2.0"}', "version: must be a version of Kubernetes; for example 1.34"),
        ("{platform: gke, os: bottlerocket}", "os: is no system of gke nodes; one of cos, ubuntu"),
        ("{platform: k3s, os: cos}", "os: is no system of k3s nodes; leave it out"),
        ("{platform: eks, imageStreaming: true}", "imageStreaming: is about gke, and sizing.platform is eks"),
        ("{podRange: 10.8.0.0/33}", "podRange: is not an address range"),
        ("{podRange: /30}", "podRange: must have a prefix length between 8 and 28"),
        ("{podRange: 10.8.0.1/14}", "podRange: has bits set beyond its prefix length; did you mean 10.8.0.0/14?"),
        ("{overhead: {cpu: -1}}", "overhead.cpu: must be zero or more"),
        ("{overhead: {memory: 10m}}", "overhead.memory: is not a whole number of bytes"),
        ("{machineTypes: {rack: {cpu: 0, memory: 1Gi}}}", "cpu: must be at least 1"),
        ("{machineTypes: {rack: {cpu: 1, memory: 1000001Ki}}}", "memory: is not a whole number of MiB"),
        ("{machineTypes: {rack: {cpu: 1, memory: 4}}}", "memory: is not a whole number of MiB"),
        ("{machineTypes: {rack: {cpu: 1, memory: 1Gi, pricePerHour: -1}}}", "must be an amount of US dollars"),
        ("{machineTypes: {rack: {cpu: 1, memory: 1Gi, pricePerHour: 0.0000001}}}", "must be an amount of US dollars"),
        ("{machineTypes: {rack: {cpu: 1, memory: 1Gi, pricePerHour: 1000000}}}", "must be at most 100000"),
    ],
)
def test_sizing_that_makes_no_sense_is_refused_at_its_line(sizing, problem):
    assert problem in find_issue(sizing=sizing)


def test_max_pods_of_gke_are_8_to_256_and_others_may_have_more():
    assert "must be between 8 and 256 on GKE" in find_issue("{maxPodsPerNode: 257}", "{platform: gke}")
    assert "must be between 8 and 256 on GKE" in find_issue("{maxPodsPerNode: 7}", "{platform: gke}")
    assert parse("{maxPodsPerNode: 434}", "{platform: eks}").node_pools["standard"].max_pods_per_node == 434


def test_nothing_may_run_on_a_node_besides_pods_of_tenants():
    assert parse(sizing="{overhead: {cpu: 0, memory: 0, pods: 0}}").sizing.overhead.pods == 0
