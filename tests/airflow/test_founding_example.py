"""The operator call of the document that the product was founded on, run by Airflow's real KubernetesPodOperator."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

pytestmark = [pytest.mark.cluster, pytest.mark.airflow]

OPEN = "frigid-vacuum-0996"
CLOSED = "solar-orbit-4143"
HOW_TO = Path(__file__).parents[2] / "docs/how-to/airflow.md"
TEMPLATE_ON_WORKERS = "/opt/airflow/pod-template.yaml"
WRITE_XCOM = ["echo '{\"answer\": 42}' > /airflow/xcom/return.json"]


def pool_of(node, installation):
    return installation.api.read("Node", node)["metadata"]["labels"]["kpo-provision.io/pool"]


@pytest.fixture(scope="module")
def founding_run(run_operator, installation):
    """The call as the document has it; several tests look at the one run."""
    run = run_operator(OPEN, namespace=installation.namespace(OPEN))
    assert run.result["failure"] is None, run.log
    return run


def test_pod_is_launched_as_the_worker(founding_run, installation):
    worker = f"system:serviceaccount:{installation.namespace(OPEN)}:{OPEN}-worker-serviceaccount"
    assert founding_run.result["user"] == worker
    assert founding_run.result["pod"]["name"].startswith("airflow-test-pod-")
    assert founding_run.result["pod"]["labels"]["foo"] == "bar"


def test_pod_lands_on_the_tenants_pool_though_the_dag_names_none(founding_run, installation):
    assert founding_run.result["pod"]["requested_selector"] in (None, {})
    assert pool_of(founding_run.result["pod"]["node"], installation) == "standard"


def test_log_of_the_pod_reaches_the_task(founding_run):
    assert "[base] + echo" in founding_run.log.splitlines()


def test_xcom_comes_back_through_a_sidecar_from_the_private_registry(run_operator):
    run = run_operator(OPEN, arguments=WRITE_XCOM, do_xcom_push=True)

    assert run.result["failure"] is None, run.log
    assert run.result["result"] == {"answer": 42}


def test_deferred_task_is_watched_by_the_triggerer_and_ended_by_the_worker(run_operator, installation):
    run = run_operator(OPEN, arguments=WRITE_XCOM, do_xcom_push=True, deferrable=True, poll_interval=1)

    assert run.result["failure"] is None, run.log
    assert run.result["result"] == {"answer": 42}
    assert pool_of(run.result["pod"]["node"], installation) == "standard"


def test_mutation_hook_of_the_how_to_page_asks_for_the_pool_where_the_cluster_does_not(run_operator, installation):
    blocks = re.findall(r"```python\n(.*?)```", HOW_TO.read_text(), re.DOTALL)
    (hook,) = [block for block in blocks if "def pod_mutation_hook" in block]
    assert TEMPLATE_ON_WORKERS in hook
    template = installation.rendered / "airflow" / OPEN / "pod-template.yaml"

    run = run_operator(OPEN, local_settings=hook.replace(TEMPLATE_ON_WORKERS, str(template)))

    assert run.result["failure"] is None, run.log
    assert run.result["pod"]["requested_selector"] == {"kpo-provision.io/pool": "standard"}
    assert pool_of(run.result["pod"]["node"], installation) == "standard"


def test_worker_without_extra_capacity_cannot_create_pods(run_operator, installation):
    run = run_operator(CLOSED, namespace=installation.namespace(CLOSED))

    failure = run.result["failure"]
    worker = f"system:serviceaccount:{installation.namespace(CLOSED)}:{CLOSED}-worker-serviceaccount"
    assert "ApiException" in failure["classes"], run.log
    assert failure["status"] == 403
    assert f'User "{worker}" cannot create resource "pods"' in failure["message"]
    assert run.result["pod"] is None


def test_worker_cannot_launch_in_another_tenants_namespace(run_operator, installation):
    run = run_operator(OPEN, namespace=installation.namespace(CLOSED), reattach_on_restart=False)

    failure = run.result["failure"]
    assert failure["status"] == 403, run.log
    assert f'in the namespace "{installation.namespace(CLOSED)}"' in failure["message"]
