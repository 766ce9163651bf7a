"""Runs the founding example with Airflow's real KubernetesPodOperator: one line of JSON for each call, and one back.

Belongs to Airflow's virtualenv, so it imports nothing of kpo_provision. It holds no credentials of its own: it finds
them as a worker in a pod does, at the well-known path. Like Airflow's own worker it imports Airflow once, and has a
fork of itself run each task; that one's log goes to the file that the call names.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import structlog
from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
from airflow.sdk import DAG
from airflow.sdk.exceptions import AirflowException, TaskDeferred
from kubernetes import client  # noqa: TID251 - Airflow's own, in its own virtualenv

FOUNDING_EXAMPLE: dict[str, Any] = {
    "cmds": ["bash", "-cx"],
    "arguments": ["echo", "10", "echo pwd"],
    "labels": {"foo": "bar"},
    "name": "airflow-test-pod",
    "in_cluster": True,
    "task_id": "task-two",
    "get_logs": True,
}
ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
TRIGGERER_TOKEN = ACCOUNT / "triggerer-token"


@dataclass(kw_only=True)
class TaskInstance:
    """As much of a task instance as the operator asks for."""

    dag_id: str
    task_id: str
    try_number: int = 1
    map_index: int = -1
    start_date: datetime = field(default_factory=lambda: datetime.now(tz=UTC))
    xcoms: dict[str, Any] = field(default_factory=dict)

    def xcom_push(self, key: str, value: Any) -> None:
        """Keep what the operator pushes."""
        self.xcoms[key] = value


def print_log_plainly() -> None:
    """Send Airflow's log to stderr as bare messages: stdout is for the results."""
    structlog.configure(
        processors=[structlog.stdlib.PositionalArgumentsFormatter(), lambda _logger, _method, event: event["event"]],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


@contextlib.contextmanager
def triggerer_account():
    """Be the triggerer for a while: whoever asks for the in-cluster credentials now gets its token."""
    token = ACCOUNT / "token"
    worker = token.read_text()
    token.write_text(TRIGGERER_TOKEN.read_text())
    try:
        yield
    finally:
        token.write_text(worker)


async def first_event(trigger) -> dict[str, Any]:
    async for event in trigger.run():
        return event.payload
    raise RuntimeError("the trigger ended without an event")


def execute(operator: KubernetesPodOperator, context: dict[str, Any]) -> Any:
    """Run the task to its end, playing the triggerer's part when it defers."""
    try:
        return operator.execute(context)
    except TaskDeferred as deferred:
        with triggerer_account():
            event = asyncio.run(first_event(deferred.trigger))
        return getattr(operator, deferred.method_name)(context, event)


def describe_failure(error: Exception) -> dict[str, Any]:
    status = json.loads(error.body) if isinstance(error, client.ApiException) else {}
    return {
        "classes": [kind.__name__ for kind in type(error).__mro__],
        "status": status.get("code"),
        "message": status.get("message", str(error)),
    }


def describe_pod(operator: KubernetesPodOperator) -> dict[str, Any] | None:
    pod = operator.remote_pod or operator.pod
    if pod is None:
        return None
    return {
        "name": pod.metadata.name,
        "labels": pod.metadata.labels,
        "node": pod.spec.node_name,
        "requested_selector": operator.pod_request_obj.spec.node_selector,
    }


def read_user(operator: KubernetesPodOperator) -> str:
    """Ask the API server whom it takes the operator for."""
    reviews = client.AuthenticationV1Api(operator.hook.api_client)
    return reviews.create_self_subject_review(client.V1SelfSubjectReview()).status.user_info.username


def run(arguments: dict[str, Any]) -> dict[str, Any]:
    with DAG(dag_id="founding-example", schedule=None) as dag:
        operator = KubernetesPodOperator(**FOUNDING_EXAMPLE | arguments)
    instance = TaskInstance(dag_id=dag.dag_id, task_id=operator.task_id)
    context = {"ti": instance, "dag": dag, "run_id": f"manual__{instance.start_date.isoformat()}"}
    failure = result = None
    try:
        result = execute(operator, context)
    except (client.ApiException, AirflowException) as error:
        failure = describe_failure(error)
    return {
        "user": read_user(operator),
        "pod": describe_pod(operator),
        "result": result,
        "xcoms": instance.xcoms,
        "failure": failure,
    }


def run_in_fork(call: dict[str, Any]) -> None:
    """Run a call with the environment that it brings; an empty line is the answer of one that failed to run."""
    child = os.fork()
    if child:
        if os.waitpid(child, 0)[1]:
            sys.stdout.write("\n")
            sys.stdout.flush()
        return
    with Path(call["log"]).open("w") as log:
        os.dup2(log.fileno(), sys.stderr.fileno())
    os.environ.update(call["environ"])
    sys.stdout.write(json.dumps(run(call["arguments"])) + "\n")
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


if __name__ == "__main__":
    print_log_plainly()
    for line in sys.stdin:
        run_in_fork(json.loads(line))
