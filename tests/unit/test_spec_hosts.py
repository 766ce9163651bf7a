"""What a spec says about hosts: read exactly, and refused at its line where it makes no sense."""

import copy
from pathlib import Path

import pytest
import yaml

from kpo_provision import errors, spec

EC2 = (Path(__file__).parents[2] / "examples" / "self-hosted-ec2.yaml").read_text()
EXAMPLE = yaml.safe_load((Path(__file__).parents[2] / "examples" / "self-hosted.yaml").read_text())


def make_spec(changes=(), *, drop=()):
    """Make the example with values at dotted paths replaced, and others left out."""
    document = copy.deepcopy(EXAMPLE)
    for path, value in dict(changes).items():
        *folders, name = path.split(".")
        place = document
        for folder in folders:
            place = place.setdefault(folder, {})
        place[name] = value
    for path in drop:
        *folders, name = path.split(".")
        place = document
        for folder in folders:
            place = place[folder]
        del place[name]
    return yaml.safe_dump(document, sort_keys=False)


def parse(changes=(), **how):
    return spec.parse_spec(make_spec(changes, **how), file="spec.yaml")


def find_issues(changes=(), **how):
    text = make_spec(changes, **how)
    try:
        spec.parse_spec(text, file="spec.yaml")
    except errors.SpecError as error:
        for issue in error.issues:
            key = issue.path.rpartition(".")[2].partition("[")[0]
            assert key in text.splitlines()[issue.line - 1]
        return error.issues
    return ()


def find_issue(changes=(), **how):
    [issue] = find_issues(changes, **how)
    return issue.path, f"{issue.problem}; {issue.allowed}"


def test_the_example_is_valid_and_says_where_its_hosts_are():
    installation = parse()
    hosts = installation.node_pools["standard"].hosts
    assert {name: host.address for name, host in hosts.items()} == {"node-1": "10.89.0.11", "node-2": "10.89.0.12"}
    target = installation.target.self_hosted
    assert (target.ssh.user, target.ssh.port, target.ssh.identity_file) == ("ops", 22, "id_ed25519")
    assert target.registries["registry.local:5000"].ca == "registry-ca.crt"


def test_what_is_not_said_is_as_careful_as_can_be():
    target = parse(drop=["target.selfHosted.ssh", "target.selfHosted.registries"]).target.self_hosted
    assert (target.ssh.user, target.ssh.known_hosts, target.ssh.bastion) == ("root", "~/.ssh/known_hosts", None)
    assert (target.allow_cgroup_v1, target.serving_certificates, target.min_free_disk) == (False, "selfSigned", 20480)
    assert (target.ready_timeout, target.drain_timeout) == (300, 3600)
    assert (target.api_server, target.proxy, target.ignored_preflight_errors) == (None, None, [])


@pytest.mark.parametrize("target", ["local", "kubeconfig"])
def test_hosts_are_for_a_target_that_makes_nodes_of_them(target):
    issues = find_issues({"target": {target: {}}})
    assert [(issue.path, issue.problem) for issue in issues] == [
        (f"nodePools.{pool}.hosts", "has a meaning only for the target selfHosted") for pool in ("standard", "big")
    ]
    assert issues[0].allowed == "leave it out"


@pytest.mark.parametrize("hosts", [None, {}])
def test_a_pool_has_at_least_one_host(hosts):
    how = {"drop": ["nodePools.big.hosts"]} if hosts is None else {"changes": {"nodePools.big.hosts": hosts}}
    path, said = find_issue(**how)
    assert path == "nodePools.big"
    assert said.startswith("has no host; name some under `hosts`")


def test_a_host_is_in_one_pool():
    twin = {"address": "10.89.0.21"}
    assert find_issue({"nodePools.big.hosts.node-1": twin}) == (
        "nodePools.big.hosts.node-1",
        "is in two pools; keep it in one of them",
    )


@pytest.mark.parametrize("pool", ["standard", "big"])
def test_an_address_is_of_one_host(pool):
    path, said = find_issue({f"nodePools.{pool}.hosts.node-9": {"address": "10.89.0.11"}})
    assert path == f"nodePools.{pool}.hosts.node-9.address"
    assert said.startswith("is the address of node-1 too")


def test_a_pool_says_what_its_hosts_are():
    assert find_issue(drop=["nodePools.big.machineType"]) == (
        "nodePools.big",
        "needs a `machineType`, so that `size` knows what its hosts are; one of rack",
    )
    *_, last = find_issues(drop=["nodePools.big.machineType", "sizing"])
    assert last.allowed == "describe one under sizing.machineTypes"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("minNodes", 1),
        ("minNodes", 0),
        ("maxNodes", 3),
        ("surge", 1),
        ("spot", True),
        ("zones", 3),
        ("disk", "100Gi"),
    ],
)
def test_what_is_about_machines_that_somebody_makes_has_no_meaning(key, value):
    assert find_issue({f"nodePools.big.{key}": value}) == (
        f"nodePools.big.{key}",
        "has no meaning for hosts; leave it out",
    )


def test_families_to_choose_from_have_no_meaning_either():
    issues = find_issues({"nodePools.big.machineFamilies": ["n2"]})
    assert ("nodePools.big.machineFamilies", "has no meaning for hosts") in {
        (issue.path, issue.problem) for issue in issues
    }


def test_nodes_are_not_chosen_by_labels_where_hosts_become_them():
    path, said = find_issue({"nodePools.big.nodeSelector": {"rack": "7"}})
    assert path == "nodePools.big.nodeSelector"
    assert "has no meaning for the target selfHosted" in said


def test_a_platform_is_that_of_the_target():
    path, said = find_issue({"sizing.platform": "kubeadm"})
    assert (path, said) == ("sizing.platform", "is not that of target.selfHosted; leave it out")
    assert find_issues({"sizing.platform": "selfHosted"}) == ()


@pytest.mark.parametrize(("names", "problem"), [(["locla"], "is no registry"), (["local", "local"], "is listed twice")])
def test_kubelets_have_the_logins_of_registries_of_the_spec(names, problem):
    with pytest.raises(errors.SpecError) as refused:
        parse({"target.selfHosted.nodeRegistries": names})
    [issue] = refused.value.issues
    assert issue.path == f"target.selfHosted.nodeRegistries[{len(names) - 1}]"
    assert problem in issue.problem
    assert find_issues({"target.selfHosted.nodeRegistries": ["local"]}) == ()


HOST = "nodePools.big.hosts.node-3"
TARGET = "target.selfHosted"


@pytest.mark.parametrize(
    ("path", "value", "problem"),
    [
        (f"{HOST}.address", "10.89.0.13/24", "must be an address, or a lower-case host name"),
        (f"{HOST}.address", "-oProxyCommand=id", "must be an address, or a lower-case host name"),
        (f"{HOST}.address", "ops@10.89.0.13", "must be an address, or a lower-case host name"),
        (f"{HOST}.address", "Node-3.acme.io", "must be an address, or a lower-case host name"),
        (f"{HOST}.address", "", "must be an address, or a lower-case host name"),
        (f"{HOST}.nodeAddress", "10.89.0.300", "is not an IP address"),
        (f"{HOST}.nodeAddress", "node-3.acme.io", "is not an IP address"),
        (f"{HOST}.nodeAddress", "10.89.0", "is not an IP address"),
        (f"{HOST}.port", 0, "must be at least 1"),
        (f"{HOST}.port", 65536, "must be at most 65535"),
        (f"{HOST}.port", "22", "must be a whole number"),
        (f"{TARGET}.ssh.user", "Ops", "must be the name of a user"),
        (f"{TARGET}.ssh.user", "-l", "must be the name of a user"),
        (f"{TARGET}.ssh.user", "ops;id", "must be the name of a user"),
        (f"{TARGET}.ssh.bastion", {"address": "gate acme"}, "must be an address, or a lower-case host name"),
        (f"{TARGET}.ssh.bastion", {"address": "gate", "user": "a b"}, "must be the name of a user"),
        (f"{TARGET}.apiServer", "https://10.0.0.1:6443", "must be host:port"),
        (f"{TARGET}.apiServer", "api.acme.io", "must be host:port"),
        (f"{TARGET}.drainTimeout", 0, "must be at least 1"),
        (f"{TARGET}.drainTimeout", 604801, "must be at most 604800"),
        (f"{TARGET}.minFreeDisk", -1, "must be at least 0"),
        (f"{TARGET}.servingCertificates", "none", "must be `selfSigned` or `cluster`"),
    ],
)
def test_a_value_that_would_not_work_or_would_become_an_option_is_refused(path, value, problem):
    found, said = find_issue({path: value})
    assert found.startswith(path)
    assert problem in said


@pytest.mark.parametrize("address", ["10.89.0.13", "node-3.acme.io", "fd00::13", "n3"])
def test_an_address_may_be_a_name(address):
    assert parse({f"{HOST}.address": address}).node_pools["big"].hosts["node-3"].address == address


@pytest.mark.parametrize("address", ["10.1.0.13", "fd00::13", "::1"])
def test_a_node_may_have_an_address_of_its_own(address):
    assert parse({f"{HOST}.nodeAddress": address}).node_pools["big"].hosts["node-3"].node_address == address


@pytest.mark.parametrize("url", ["http://ada:opensesame@proxy.acme.io:3128", "proxy.acme.io:3128", "ftp://acme.io"])
@pytest.mark.parametrize(
    ("key", "make"),
    [("proxy", lambda url: {"https": url}), ("registries", lambda url: {"quay.io": {"mirror": url}})],
)
def test_a_url_is_of_http_and_holds_no_login(key, make, url):
    [issue] = find_issues({f"{TARGET}.{key}": make(url)})
    assert issue.problem == "must be an http or https URL without a login in it"
    assert "opensesame" not in str(issue)


@pytest.mark.parametrize("url", ["http://proxy.acme.io:3128", "https://mirror.acme.io/v2/hub"])
def test_a_url_without_a_login_is_taken(url):
    assert parse({f"{TARGET}.proxy": {"https": url}}).target.self_hosted.proxy.https == url


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("    ec2:\n      region:", "    ec2x:\n      region:", "needs target.selfHosted.ec2"),
        ("    maxNodes: 10\n", "    maxNodes: 10\n    surge: 2\n", "has no meaning for EC2 instances"),
        ("    spot: true", "    hosts: {node-1: {address: 10.0.0.1}}\n    spot: true", "has no meaning beside hosts"),
        (
            "    ec2:\n      region:",
            "    backend: {remote: {organization: a, workspace: b}}\n    ec2:\n      region:",
            "no backend",
        ),
        ("{id: ami-0123456789abcdef0}", "{id: ubuntu}", "must be the id of an image"),
        ("{id: ami-0123456789abcdef0}", "{id: ami-0123456789abcdef0, parameter: /a}", "exactly one"),
        ("region: eu-central-1", "region: Frankfurt", "must be a region of AWS"),
        ("[sg-0a1b2c3d]", "[]", "securityGroups"),
    ],
)
def test_what_is_wrong_about_ec2_is_said(old, new, problem):
    assert old in EC2
    with pytest.raises(errors.SpecError) as caught:
        spec.parse_spec(EC2.replace(old, new, 1), file="spec.yaml")
    assert problem in str(caught.value), str(caught.value)


def test_ec2_has_a_meaning_only_for_its_target():
    head, _, rest = EC2.partition("target:\n")
    text = f"{head}target:\n  kubeconfig: {{version: '1.37'}}\n\nnodePools:{rest.partition('nodePools:')[2]}"
    with pytest.raises(errors.SpecError, match="has a meaning only for the target selfHosted"):
        spec.parse_spec(text, file="spec.yaml")
