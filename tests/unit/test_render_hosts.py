"""From a spec to what hosts are told: read back as those read it to whom it is written."""

import json
import re
import tomllib
from pathlib import Path

import pytest
import yaml

from kpo_provision import catalog, sizing, spec
from kpo_provision.render import hosts
from kpo_provision.sizing import pools

ROOT = Path(__file__).parents[2]
EXAMPLE = (ROOT / "examples" / "self-hosted.yaml").read_text()
VARIABLES = (ROOT / "modules" / "self-hosted-node-pool" / "variables.tf").read_text()
PINS = ("sha256:" + "a1" * 32, "sha256:" + "b2" * 32)
CERTIFICATES = "/etc/containerd/certs.d/registry.local:5000"
JOIN = "/etc/kubernetes/kpo-provision/join.yaml"
PATCH = "/etc/kubernetes/patches/kubeletconfiguration0+strategic.yaml"
PROXY = "/etc/systemd/system/containerd.service.d/20-kpo-provision.conf"
NO_CA = {"authorities": {}}
REGISTRIES = "registry.local:5000: {ca: registry-ca.crt}"


@pytest.fixture(autouse=True)
def _no_refreshed_catalog(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def parse(*edits, target=""):
    """Parse the example, edited by replacements, with more keys for its target."""
    text = EXAMPLE
    for old, new in (*edits, ('    version: "1.37"\n', f'    version: "1.37"\n{target}')):
        assert old in text, old
        text = text.replace(old, new)
    return spec.parse_spec(text, file="spec.yaml")


def size(installation):
    return pools.size_pools(installation, catalog.load_catalog(), pools.SizeOptions(compare=0))


def render(*edits, target="", site=None, **cluster):
    installation = parse(*edits, target=target)
    facts = {"api_server": "10.89.0.1:6443", "ca_pins": PINS, "version": "v1.37.2", **cluster}
    keys = {f"10.89.0.{number}": f"ssh-ed25519 AAAA{number}" for number in (9, 11, 12, 13)}
    read = {"host_keys": keys, "authorities": {"registry.local:5000": "the CA\n"}, **(site or {})}
    return hosts.render_hosts_tfvars(
        installation,
        sizing.size(installation),
        size(installation),
        cluster=hosts.ClusterFacts(**facts),
        site=hosts.Site(**read),
    )


def files(*edits, node="node-1", **how):
    return {path: file["content"] for path, file in render(*edits, **how)["hosts"][node]["files"].items()}


def join(*edits, **how):
    return yaml.safe_load(files(*edits, **how)[JOIN])


def patch(*edits, **how):
    return yaml.safe_load(files(*edits, **how)[PATCH])


def registry(*edits, **how):
    return tomllib.loads(files(*edits, **how)[f"{CERTIFICATES}/hosts.toml"])


def fingerprints(*edits, **how):
    return {name: host["fingerprint"] for name, host in render(*edits, **how)["hosts"].items()}


BASTION = ("    ssh:\n", "    ssh:\n      bastion: {address: 10.89.0.9, user: jump, port: 2200}\n")


def test_every_variable_is_one_of_the_module_and_none_that_it_needs_is_missing():
    declared = dict(re.findall(r'^variable "(\w+)" \{\n(.*?)^\}', VARIABLES, re.MULTILINE | re.DOTALL))
    rendered = render(BASTION)
    required = {name for name, body in declared.items() if not re.search(r"^  default", body, re.MULTILINE)}
    assert required <= set(rendered) <= set(declared)
    attributes = dict(re.findall(r"^ {4}(\w+) += (\w+)", declared["hosts"].partition("validation")[0], re.MULTILINE))
    for host in rendered["hosts"].values():
        assert set(host) <= set(attributes)
        assert {name for name, kind in attributes.items() if kind != "optional"} <= set(host)


def test_every_host_of_every_pool_is_there_as_it_is_reached():
    own = ("address: 10.89.0.12", "address: 10.89.0.12, port: 2222, nodeAddress: 10.1.0.12")
    rendered = render(own, ("    ssh:\n", "    ssh:\n      port: 2022\n"))["hosts"]
    pools_of = {name: host["pool"] for name, host in rendered.items()}
    assert pools_of == {"node-1": "standard", "node-2": "standard", "node-3": "big"}
    other = rendered["node-2"]
    assert (other["address"], other["node_address"], other["port"]) == ("10.89.0.12", "10.1.0.12", 2222)
    assert (other["host_key"], other["user"]) == ("ssh-ed25519 AAAA12", "ops")
    assert (rendered["node-1"]["node_address"], rendered["node-1"]["port"]) == ("10.89.0.11", 2022)
    assert "bastion" not in other


def test_a_bastion_has_what_the_hosts_have_where_it_says_nothing_of_its_own():
    keys = {"identity_file": "/k/hosts", "bastion_identity_file": "/k/gate"}
    own = render(BASTION, site=keys)["hosts"]["node-1"]
    gate = {"address": "10.89.0.9", "host_key": "ssh-ed25519 AAAA9", "identity_file": "/k/gate"}
    assert own["identity_file"] == "/k/hosts"
    assert own["bastion"] == {**gate, "port": 2200, "user": "jump"}
    bare = ("    ssh:\n", "    ssh:\n      bastion: {address: 10.89.0.9}\n")
    shared = render(bare, site={"identity_file": "/k/hosts"})["hosts"]["node-1"]["bastion"]
    assert (shared["identity_file"], shared["user"], shared["port"]) == ("/k/hosts", "ops", 22)


def test_the_cluster_is_named_by_its_minor_version_and_all_its_pins():
    assert render()["cluster"] == {"api_server": "10.89.0.1:6443", "ca_pins": list(PINS), "version": "1.37"}


def test_what_is_expected_of_a_host_is_what_its_pool_is_planned_with():
    host = render(target="    allowCgroupV1: true\n    sandboxImage: registry.local:5000/pause:1\n")["hosts"]["node-1"]
    assert (host["cpus"], host["memory_ki"], host["architecture"]) == (2, 16 * 2**20, "amd64")
    assert (host["allow_cgroup_v1"], host["sandbox_image"]) == (True, "registry.local:5000/pause:1")
    arm = (("rack\n", "rack\n    architecture: arm64\n"), ("{cpu: 2,", "{architecture: arm64, cpu: 2,"))
    assert {host["architecture"] for host in render(*arm)["hosts"].values()} == {"arm64"}
    limits = render(target="    drainTimeout: 60\n    readyTimeout: 61\n    minFreeDisk: 62\n")
    names = ("drain_timeout_seconds", "ready_timeout_seconds", "min_disk_mib")
    assert [limits[name] for name in names] == [60, 61, 62]


def test_a_node_joins_with_the_labels_and_taints_of_its_pool():
    for node, pool in (("node-1", "standard"), ("node-3", "big")):
        told = join(node=node)
        arguments = {argument["name"]: argument["value"] for argument in told["nodeRegistration"]["kubeletExtraArgs"]}
        labels = dict(label.split("=") for label in arguments["node-labels"].split(","))
        assert labels == {"kpo-provision.io/pool": pool, "kpo-provision.io/installation": "acme-hosts"}
        assert told["nodeRegistration"]["taints"] == [
            {"key": "kpo-provision.io/pool", "value": pool, "effect": effect} for effect in ("NoSchedule", "NoExecute")
        ]
        assert told["nodeRegistration"]["name"] == node
        assert arguments["node-ip"] == {"node-1": "10.89.0.11", "node-3": "10.89.0.13"}[node]


def test_a_pool_for_everybody_has_no_taint():
    shared = ("    maxPodsPerNode: 60\n", "    maxPodsPerNode: 60\n    dedicated: false\n")
    assert join(shared)["nodeRegistration"]["taints"] == []


def test_the_ca_is_pinned_and_the_token_is_not_there():
    discovery = join()["discovery"]["bootstrapToken"]
    assert discovery == {"apiServerEndpoint": "10.89.0.1:6443", "token": "@TOKEN@", "caCertHashes": list(PINS)}
    everything = json.dumps(render())
    assert everything.count("@TOKEN@") == 3
    assert not re.search(r"\b[a-z0-9]{6}\.[a-z0-9]{16}\b", everything)


def test_before_1_31_kubeadm_reads_another_schema():
    old = join(version="v1.30.14")
    assert old["apiVersion"] == "kubeadm.k8s.io/v1beta3"
    assert old["nodeRegistration"]["kubeletExtraArgs"] == {
        "node-labels": "kpo-provision.io/installation=acme-hosts,kpo-provision.io/pool=standard",
        "node-ip": "10.89.0.11",
    }
    assert "timeouts" not in old
    new = join(version="v1.31.0")
    assert new["apiVersion"] == "kubeadm.k8s.io/v1beta4"
    assert [argument["name"] for argument in new["nodeRegistration"]["kubeletExtraArgs"]] == ["node-labels", "node-ip"]
    assert "timeouts" in new


@pytest.mark.parametrize(
    "own", ["", "  reservations: {systemReserved: {cpu: 100m, memory: 1Gi}, evictionMemory: 500Mi}\n"]
)
@pytest.mark.parametrize(("node", "pool", "pods"), [("node-1", "standard", 60), ("node-3", "big", 110)])
def test_a_kubelet_is_told_exactly_what_size_says(own, node, pool, pods):
    edit = ("sizing:\n", f"sizing:\n{own}")
    [shape] = [sized.shape for sized in size(parse(edit)).pools if sized.demand.name == pool]
    held, told = shape.held_back, patch(edit, node=node)
    assert told["maxPods"] == shape.max_pods == pods
    assert told["kubeReserved"] == {
        "cpu": f"{held.kube_cpu_milli}m",
        "memory": f"{held.kube_memory_ki}Ki",
        "ephemeral-storage": str(held.kube_ephemeral_bytes),
    }
    assert told["systemReserved"] == {"cpu": f"{held.system_cpu_milli}m", "memory": f"{held.system_memory_ki}Ki"}
    assert told["evictionHard"]["memory.available"] == f"{held.eviction_memory_ki}Ki"
    # A signal that is not named is switched off.
    disks = {f"{disk}.{amount}" for disk in ("nodefs", "imagefs") for amount in ("available", "inodesFree")}
    assert set(told["evictionHard"]) == {"memory.available", *disks}
    kept = (told["kubeReserved"]["memory"], told["systemReserved"]["memory"], told["evictionHard"]["memory.available"])
    left = shape.capacity_memory_ki - sum(int(amount.removesuffix("Ki")) for amount in kept)
    assert left == shape.allocatable.memory_ki


def test_old_control_groups_are_borne_only_where_the_spec_says_so():
    assert "failCgroupV1" not in patch()
    assert join()["nodeRegistration"]["ignorePreflightErrors"] == []
    allowed = "    allowCgroupV1: true\n"
    assert patch(target=allowed)["failCgroupV1"] is False
    assert join(target=allowed)["nodeRegistration"]["ignorePreflightErrors"] == ["SystemVerification"]
    ignored = join(target=f"{allowed}    ignoredPreflightErrors: [Port-10250, Hostname]\n")["nodeRegistration"]
    assert ignored["ignorePreflightErrors"] == ["Hostname", "Port-10250", "SystemVerification"]


def test_certificates_of_the_cluster_are_asked_for_only_where_the_spec_says_so():
    assert "serverTLSBootstrap" not in patch()
    assert patch(target="    servingCertificates: cluster\n")["serverTLSBootstrap"] is True


def test_a_registry_is_asked_itself_and_trusted_by_the_ca_that_lies_beside():
    told = {"capabilities": ["pull", "resolve"], "ca": f"{CERTIFICATES}/ca.crt"}
    assert registry() == {"server": "https://registry.local:5000", "host": {"https://registry.local:5000": told}}
    assert files()[f"{CERTIFICATES}/ca.crt"] == "the CA\n"
    assert "ca" not in registry(site=NO_CA)["host"]["https://registry.local:5000"]
    assert f"{CERTIFICATES}/ca.crt" not in files(site=NO_CA)


def test_a_registry_with_a_mirror_is_asked_there_only():
    url = "https://mirror.acme.io:8443/v2/hub"
    mirror = (REGISTRIES, f"registry.local:5000: {{mirror: '{url}'}}")
    assert registry(mirror, site=NO_CA) == {"server": url, "host": {url: {"capabilities": ["pull", "resolve"]}}}
    assert render(mirror, site=NO_CA)["hosts"]["node-1"]["registries"] == ["https://mirror.acme.io:8443"]
    whole = (REGISTRIES, mirror[1].replace("}", ", mirrorHasPath: true}"))
    assert registry(whole, site=NO_CA)["host"][url]["override_path"]


def test_hosts_have_to_reach_each_registry_once():
    mirror = "mirror: 'https://mirror.acme.io'"
    three = f"registry.local:5000: {{}}\n      docker.io: {{{mirror}}}\n      quay.io: {{{mirror}}}"
    found = hosts.list_registries(parse((REGISTRIES, three)).target.self_hosted)
    assert found == ["https://mirror.acme.io", "https://registry.local:5000"]


def test_a_mirror_without_encryption_and_a_registry_with_an_address_of_version_6_are_asked_as_they_are():
    plain = (REGISTRIES, "registry.local:5000: {mirror: 'http://[fd00::5]:8080/v2/hub'}")
    assert hosts.list_registries(parse(plain).target.self_hosted) == ["http://[fd00::5]:8080"]


def test_hosts_look_for_registries_by_the_proxy_that_containerd_takes():
    proxy = "    proxy: {https: 'http://proxy.acme.io:3128', noProxy: [10.0.0.0/8, .svc]}\n"
    [line] = [text for text in files(target=proxy)[PROXY].splitlines() if text.startswith("Environment=")]
    told = render(target=proxy)["hosts"]["node-1"]["proxy"]
    assert told["url"] == "http://proxy.acme.io:3128"
    assert f'"NO_PROXY={",".join(told["exceptions"])}"' in line
    assert "proxy" not in render()["hosts"]["node-1"]


def test_containerd_pulls_through_the_proxy_but_for_what_is_near():
    proxy = "    proxy: {https: 'http://proxy.acme.io:3128', noProxy: [10.0.0.0/8, .svc]}\n"
    assert PROXY not in files()
    *_, line = files(target=proxy, ranges=("10.244.0.0/16", "10.96.0.0/16"))[PROXY].splitlines()
    told = dict(re.findall(r'"(\w+)=([^"]*)"', line.removeprefix("Environment=")))
    assert told["HTTP_PROXY"] == told["HTTPS_PROXY"] == "http://proxy.acme.io:3128"
    near = told["NO_PROXY"].split(",")
    assert len(near) == len(set(near))
    assert {"localhost", "127.0.0.1", "10.89.0.1", "10.244.0.0/16", "10.96.0.0/16"} <= set(near)
    assert {".svc", ".cluster.local", "10.0.0.0/8"} <= set(near)


@pytest.mark.parametrize(
    ("schema", "image"), [("v2", "io.containerd.grpc.v1.cri"), ("v3", "io.containerd.cri.v1.images")]
)
def test_containerd_is_told_where_registries_are_and_which_sandbox_to_use(schema, image):
    def told(**how):
        return tomllib.loads(render(**how)["hosts"]["node-1"]["containerd_config"][schema])

    plain, own = told(), told(target="    sandboxImage: registry.local:5000/pause:1\n")
    assert plain["version"] == int(schema[1])
    assert plain["imports"] == ["/etc/containerd/conf.d/*.toml"]
    assert plain["plugins"][image]["registry"]["config_path"] == "/etc/containerd/certs.d"
    assert "SystemdCgroup': True" in str(plain)
    assert "sandbox" not in str(plain)
    settings = own["plugins"][image]
    sandbox = settings["sandbox_image"] if schema == "v2" else settings["pinned_images"]["sandbox"]
    assert sandbox == "registry.local:5000/pause:1"


def test_the_same_spec_renders_to_the_same_bytes():
    assert json.dumps(render()) == json.dumps(render())
    for host in render()["hosts"].values():
        assert list(host["files"]) == sorted(host["files"])


def test_only_root_reads_how_a_host_joins():
    for host in render()["hosts"].values():
        assert {file["mode"] for path, file in host["files"].items() if path != JOIN} == {"0644"}
        assert host["files"][JOIN]["mode"] == "0600"


def test_a_host_is_told_anew_when_a_ca_changes():
    before = fingerprints()
    assert len(set(before.values())) == 3
    other = fingerprints(site={"authorities": {"registry.local:5000": "another CA\n"}})
    assert not set(before.values()) & set(other.values())
    assert not set(before.values()) & set(fingerprints(ca_pins=PINS[:1]).values())


def test_only_the_pool_that_changes_is_told_anew():
    before, after = fingerprints(), fingerprints(("maxPodsPerNode: 60", "maxPodsPerNode: 61"))
    assert {name for name in before if before[name] != after[name]} == {"node-1", "node-2"}


@pytest.mark.parametrize(
    "how",
    [
        {"site": {"identity_file": "/elsewhere/key"}},
        {"site": {"host_keys": {f"10.89.0.{number}": "ssh-rsa BBBB" for number in (11, 12, 13)}}},
        {"version": "v1.37.9"},
        {"ranges": ("10.244.0.0/16",)},
        {"target": "    drainTimeout: 60\n    minFreeDisk: 1\n"},
    ],
)
def test_what_a_host_is_not_told_of_leaves_it_alone(how):
    assert fingerprints(**how) == fingerprints()
