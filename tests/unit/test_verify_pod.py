"""The probe pod has the shape that KubernetesPodOperator gives its pods, and fits the smallest tenant."""

import subprocess

import pytest

from kpo_provision import quantity, sizing
from kpo_provision.spec import model
from kpo_provision.verify import pod

REGISTRY = {"server": "registry.acme.io", "credentials": {"dockerConfig": "config.json"}, "probeImage": "kpo/probe:1"}


def make(*, target=None, **tenant):
    spec = {
        "apiVersion": "kpo-provision.io/v1",
        "kind": "Installation",
        "metadata": {"name": "acme"},
        "namespacePrefix": "acme",
        "target": target or {"local": {}},
        "registries": {"acme": REGISTRY},
        "nodePools": {"standard": {}},
        "tenants": {"etl": {"extraCapacity": 1, "registries": ["acme"]} | tenant},
    }
    planned = sizing.size(model.Installation.model_validate(spec))
    return pod.make_probe(planned, planned.tenants[0], run="1c2d3e4f", timeout_s=120).manifest


def test_the_pod_says_nothing_of_nodes_secrets_and_accounts_where_the_cluster_places_it():
    spec = make()["spec"]
    assert not {"nodeSelector", "tolerations", "imagePullSecrets", "serviceAccountName", "nodeName"} & spec.keys()
    assert spec["containers"][0]["imagePullPolicy"] == "Always"


def test_before_1_36_the_pod_is_placed_as_the_rendered_pod_template_places_it():
    spec = make(target={"kubeconfig": {"version": "1.34"}})["spec"]
    assert spec["nodeSelector"] == {"kpo-provision.io/pool": "standard"}
    assert [toleration["value"] for toleration in spec["tolerations"]] == ["standard"]


def test_the_pod_carries_the_labels_of_the_operator():
    labels = make()["metadata"]["labels"]
    assert labels["kubernetes_pod_operator"] == "True"
    assert {"dag_id", "task_id", "run_id", "try_number", "airflow_kpo_in_cluster"} <= labels.keys()


def test_the_sidecar_is_the_one_of_the_provider():
    base, sidecar = make()["spec"]["containers"]
    assert (base["name"], sidecar["name"]) == ("base", "airflow-xcom-sidecar")
    assert sidecar["command"] == ["sh", "-c", 'trap "exit 0" INT; while true; do sleep 1; done;']
    assert sidecar["resources"]["requests"] == {"cpu": "1m", "memory": "10Mi"}
    assert base["volumeMounts"] == sidecar["volumeMounts"]


@pytest.mark.parametrize(("name", "one_au"), [("cpu", "100m"), ("memory", "384Mi")])
def test_the_pod_fits_a_tenant_of_one_au(name, one_au):
    limits = [container["resources"]["limits"][name] for container in make()["spec"]["containers"]]
    assert sum(quantity.parse_quantity(limit).nano for limit in limits) == quantity.parse_quantity(one_au).nano


def test_restricted_pod_security_is_met_by_both_containers():
    for container in make(podSecurity="restricted")["spec"]["containers"]:
        assert container["securityContext"]["runAsNonRoot"] is True
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}


def test_the_pod_ends_by_itself_when_nobody_is_left_to_delete_it():
    assert make()["spec"]["activeDeadlineSeconds"] == 180


def test_the_script_is_one_that_a_posix_shell_can_parse():
    (script,) = make()["spec"]["containers"][0]["args"]
    assert subprocess.run(["sh", "-n"], input=script, text=True, capture_output=True, check=False).stderr == ""
