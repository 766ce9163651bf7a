from ipaddress import IPv4Address, IPv4Network

import pytest

from kpo_provision.local.netpol import objects


def pod(*, spec: dict | None = None, status: dict | None = None) -> dict:
    return {
        "metadata": {"uid": "u", "namespace": "red", "name": "web"},
        "spec": {"containers": [{"name": "main"}], **(spec or {})},
        "status": {"phase": "Running", "podIP": "10.0.0.1", **(status or {})},
    }


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(pod(spec={"hostNetwork": True}), id="on the node's network"),
        pytest.param(pod(status={"phase": "Succeeded"}), id="succeeded"),
        pytest.param(pod(status={"phase": "Failed"}), id="failed"),
    ],
)
def test_pod_without_an_address_of_its_own_takes_no_part(document: dict) -> None:
    assert objects.parse_pod(document) is None


@pytest.mark.parametrize(
    "status",
    [
        pytest.param({"podIP": ""}, id="not yet"),
        pytest.param({"podIP": "fd00::1", "podIPs": [{"ip": "fd00::1"}]}, id="IPv6 alone"),
    ],
)
def test_pod_takes_part_before_it_has_an_address(status: dict) -> None:
    parsed = objects.parse_pod(pod(status=status))
    assert parsed is not None
    assert parsed.address == objects.NO_ADDRESS


def test_pod_with_two_addresses_is_known_by_the_ipv4_one() -> None:
    parsed = objects.parse_pod(pod(status={"podIP": "fd00::1", "podIPs": [{"ip": "fd00::1"}, {"ip": "10.0.0.7"}]}))
    assert parsed is not None
    assert parsed.address == IPv4Address("10.0.0.7")


def test_updates_that_concern_no_rule_give_an_equal_pod() -> None:
    ready = pod(status={"conditions": [{"type": "Ready", "status": "True"}], "phase": "Pending"})
    assert objects.parse_pod(pod()) == objects.parse_pod(ready)


def test_first_container_has_the_port_name_and_sidecars_count() -> None:
    containers = [
        {"name": "a", "ports": [{"name": "http", "containerPort": 80}, {"containerPort": 81}]},
        {"name": "b", "ports": [{"name": "http", "containerPort": 90}]},
    ]
    started = [
        {"name": "once", "ports": [{"name": "setup", "containerPort": 1}]},
        {
            "name": "sidecar",
            "restartPolicy": "Always",
            "ports": [{"name": "dns", "protocol": "UDP", "containerPort": 53}],
        },
    ]
    parsed = objects.parse_pod(pod(spec={"containers": containers, "initContainers": started}))
    assert parsed is not None
    assert [(port.name, port.protocol, port.number) for port in parsed.ports] == [
        ("http", "tcp", 80),
        ("dns", "udp", 53),
    ]


@pytest.mark.parametrize(
    ("spec", "ingress", "egress"),
    [
        pytest.param({}, True, False, id="nothing means ingress"),
        pytest.param({"egress": [{}]}, True, True, id="egress rules add egress"),
        pytest.param({"egress": []}, True, False, id="an empty list of them does not"),
        pytest.param({"policyTypes": ["Egress"], "ingress": [{}]}, False, True, id="a list decides alone"),
    ],
)
def test_policy_types_default_as_in_kubernetes(spec: dict, ingress: bool, egress: bool) -> None:
    parsed = objects.parse_policy({"metadata": {"namespace": "red", "name": "x"}, "spec": spec})
    assert (parsed.ingress is not None, parsed.egress is not None) == (ingress, egress)


@pytest.mark.parametrize(
    ("block", "networks"),
    [
        pytest.param({"cidr": "10.0.0.0/8"}, ["10.0.0.0/8"], id="whole"),
        pytest.param({"cidr": "10.0.0.9/8"}, ["10.0.0.0/8"], id="host bits"),
        pytest.param({"cidr": "10.0.0.0/30", "except": ["10.0.0.0/31"]}, ["10.0.0.2/31"], id="exception"),
        pytest.param({"cidr": "10.0.0.0/30", "except": ["10.0.0.0/31", "10.0.0.2/32"]}, ["10.0.0.3/32"], id="two"),
        pytest.param({"cidr": "10.0.0.0/30", "except": ["10.0.0.0/30"]}, [], id="all excepted"),
        pytest.param({"cidr": "10.0.0.0/30", "except": ["fd00::/8"]}, ["10.0.0.0/30"], id="exception of IPv6"),
        pytest.param({"cidr": "fd00::/8"}, [], id="IPv6"),
        pytest.param({"cidr": "10.0.0.0/8", "except": ["10.01.0.0/16"]}, [], id="unreadable exception"),
    ],
)
def test_block_is_what_is_left_of_it(block: dict, networks: list[str]) -> None:
    rule = {"from": [{"ipBlock": block}]}
    parsed = objects.parse_policy({"metadata": {"namespace": "red", "name": "x"}, "spec": {"ingress": [rule]}})
    assert parsed.ingress == (
        objects.Rule(peers=(objects.BlockPeer(networks=tuple(IPv4Network(text) for text in networks)),)),
    )
