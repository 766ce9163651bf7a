import dataclasses
import random
from ipaddress import IPv4Address

from kpo_provision.local.netpol import objects, rules

NAMESPACES = [
    objects.parse_namespace({"metadata": {"name": f"team-{n}", "labels": {"team": str(n % 2)}}}) for n in range(4)
]
PODS = [
    objects.Pod(
        uid=f"uid-{n}",
        namespace=f"team-{n % 4}",
        name=f"pod-{n}",
        labels={"app": "web" if n % 3 else "db"},
        address=IPv4Address(f"10.0.0.{n}"),
        ports=(objects.ContainerPort(name="http", protocol="tcp", number=8000 + n % 2),),
    )
    for n in range(1, 13)
]


def policy(namespace: str, name: str, **spec: object) -> objects.Policy:
    return objects.parse_policy({"metadata": {"namespace": namespace, "name": name}, "spec": spec})


POLICIES = [
    policy("team-0", "deny", policyTypes=["Ingress", "Egress"]),
    policy("team-0", "web", ingress=[{"from": [{"namespaceSelector": {"matchLabels": {"team": "1"}}}]}]),
    policy("team-1", "ports", ingress=[{"ports": [{"port": "http"}, {"port": 9}, {"port": 5, "endPort": 10}]}]),
    policy("team-1", "out", egress=[{"to": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.0.0.0/29"]}}]}]),
    policy("empty", "deny"),
]


def test_same_objects_in_any_order_give_the_same_bytes() -> None:
    expected = rules.compile_ruleset(POLICIES, PODS, NAMESPACES)
    shuffler = random.Random(7)
    for _ in range(20):
        shuffled = [shuffler.sample(kind, len(kind)) for kind in (POLICIES, PODS, NAMESPACES)]
        assert rules.compile_ruleset(*map(iter, shuffled)) == expected


def test_policy_that_selects_no_pod_costs_no_rule() -> None:
    without = [each for each in POLICIES if each.namespace != "empty"]
    assert rules.compile_ruleset(POLICIES, PODS, NAMESPACES) == rules.compile_ruleset(without, PODS, NAMESPACES)


def test_pods_with_the_same_policies_share_one_chain() -> None:
    few, many = ([pod for pod in PODS if pod.namespace == "team-0"][:count] for count in (1, 3))
    deny = [policy("team-0", "deny")]
    chains = [rules.compile_ruleset(deny, pods, NAMESPACES).count("chain ingress_") for pods in (few, many)]
    assert chains == [2, 2]


def test_two_pods_with_one_address_name_it_once() -> None:
    twins = [PODS[0], dataclasses.replace(PODS[0], name="twin")]
    script = rules.compile_ruleset([policy(PODS[0].namespace, "deny")], twins, NAMESPACES)
    assert script.count("10.0.0.1 : goto") == 1


def test_script_replaces_the_table_in_one_transaction() -> None:
    script = rules.compile_ruleset([], [], [])
    assert script.startswith("add table inet kpo_netpol\ndelete table inet kpo_netpol\ntable inet kpo_netpol {\n")
