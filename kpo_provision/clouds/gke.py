"""Reads a cluster of Google Kubernetes Engine, its node pools and its operations; changes nothing but by waiting.

Google's client takes half a second to load: import this module where a cluster is asked for, not before.
"""

from __future__ import annotations

import difflib
import os
import time
from collections.abc import Callable
from typing import TypeVar

from google.api_core import exceptions, retry
from google.cloud import container_v1

from kpo_provision import errors
from kpo_provision.clouds import gke_errors, gke_refusals, google_login
from kpo_provision.clouds.gke_facts import (
    ClusterFacts,
    ClusterName,
    LivePool,
    OperationFacts,
    parse_cluster,
    parse_operation,
    parse_pool,
)
from kpo_provision.progress import Progress

ENDPOINT_VARIABLE = "CLOUDSDK_API_ENDPOINT_OVERRIDES_CONTAINER"
"""What gcloud reads too; for private endpoints and for tests."""
_PATIENCE_S = 60.0
_CALL_TIMEOUT_S = 30.0
_POLL_S = 2.0
_WAIT_S = 1800.0
_ALL_LOCATIONS = "-"
_UNUSABLE = {
    "PROVISIONING": "it is being created: run again in some minutes",
    "STOPPING": "it is being deleted: name another one, or run again when it is gone to have it made anew",
    "ERROR": "its page in Google's console says more; a cluster that could not be created has to be deleted",
}

Answer = TypeVar("Answer")


class Gke:
    """One cluster as one identity sees it. Reads are sent again when Google is busy or a connection breaks."""

    def __init__(
        self, name: ClusterName, login: google_login.GoogleLogin | None = None, *, patience_s: float = _PATIENCE_S
    ) -> None:
        self.name = name
        self.login = login or google_login.load_login()
        options = {"universe_domain": self.login.credentials.universe_domain}
        if os.environ.get(ENDPOINT_VARIABLE):
            options["api_endpoint"] = _host(os.environ[ENDPOINT_VARIABLE])
        self._client = container_v1.ClusterManagerClient(
            credentials=self.login.credentials, transport="rest", client_options=options
        )
        self._retry = _make_retry(patience_s)

    def read_cluster(self) -> ClusterFacts:
        """Read the cluster.

        Raises:
            errors.CloudError: It is not there (the hint names what is) or not yet of use, or Google refuses.
        """
        try:
            return self._read_usable()
        except errors.CloudError as e:
            if _is_missing(e):
                raise self._missing(e) from e
            raise

    def find_cluster(self) -> ClusterFacts | None:
        """Read the cluster; None where there is none.

        Raises:
            errors.CloudError: It is not yet of use, or Google refuses.
        """
        try:
            return self._read_usable()
        except errors.CloudError as e:
            if _is_missing(e):
                return None
            raise

    def _read_usable(self) -> ClusterFacts:
        found = self._call(self._client.get_cluster, operation="clusters.get", name=self.name.path)
        if found.status.name in _UNUSABLE:
            state = f"{found.status.name}: {found.status_message}".removesuffix(": ")
            raise gke_errors.refusal(
                "clusters.get", f"cluster {self.name.cluster} is {state}", hint=_UNUSABLE[found.status.name]
            )
        return parse_cluster(self.name, found)

    def read_pools(self) -> tuple[LivePool, ...]:
        """Read every node pool of the cluster, ours or not, by name.

        Raises:
            errors.CloudError: Google refuses, or cannot be reached.
        """
        answer = self._call(self._client.list_node_pools, operation="nodePools.list", parent=self.name.path)
        return tuple(sorted(map(parse_pool, answer.node_pools), key=lambda pool: pool.name))

    def list_running(self) -> tuple[OperationFacts, ...]:
        """List what Google is doing to this cluster and its pools now.

        Raises:
            errors.CloudError: Google refuses, or cannot be reached.
        """
        answer = self._call(self._client.list_operations, operation="operations.list", parent=self.name.parent)
        # Targets name the project by its number: only the end of a target can be compared.
        mine = f"/clusters/{self.name.cluster}"
        found = map(parse_operation, answer.operations)
        return tuple(one for one in found if not one.is_done and f"{mine}/" in f"{one.target}/")

    def wait_for_operation(
        self, operation: str, *, progress: Progress, timeout_s: float = _WAIT_S, poll_s: float = _POLL_S
    ) -> OperationFacts:
        """Wait until an operation has ended well.

        Raises:
            errors.CloudError: It failed, or had not ended in time.
        """
        path = f"{self.name.parent}/operations/{operation}"
        deadline = time.monotonic() + timeout_s
        with progress.step(f"Wait for {operation}") as step:
            while True:
                seen = parse_operation(self._call(self._client.get_operation, operation="operations.get", name=path))
                step.say(str(seen))
                if seen.is_done:
                    return self._judge(seen)
                _pause(deadline, str(seen), timeout_s=timeout_s, poll_s=poll_s)

    def wait_until_idle(
        self, *, progress: Progress, timeout_s: float = _WAIT_S, poll_s: float = _POLL_S
    ) -> tuple[OperationFacts, ...]:
        """Wait until nothing changes the cluster any more, as after a killed run; return what was waited for.

        Raises:
            errors.CloudError: Something was still running when the time was up.
        """
        deadline = time.monotonic() + timeout_s
        waited_for: dict[str, OperationFacts] = {}
        with progress.step(f"Wait for what changes cluster {self.name.cluster}") as step:
            while running := self.list_running():
                waited_for |= {one.name: one for one in running}
                step.say("; ".join(map(str, running)))
                _pause(deadline, "; ".join(map(str, running)), timeout_s=timeout_s, poll_s=poll_s)
        return tuple(waited_for.values())

    def _judge(self, seen: OperationFacts) -> OperationFacts:
        if not (seen.error_code or seen.problem):
            return seen
        hint = gke_refusals.operation_hint(code=seen.error_code, problem=seen.problem, project=self.name.project)
        raise gke_errors.refusal(f"{seen.kind} of {seen.target.rpartition('/')[2]}", seen.problem, hint=hint)

    def _missing(self, error: errors.CloudError) -> errors.CloudError:
        """Say which clusters there are instead."""
        problem = f"there is no cluster {self.name.cluster} in {self.name.location} of project {self.name.project}"
        parent = f"projects/{self.name.project}/locations/{_ALL_LOCATIONS}"
        try:
            listed = self._call(self._client.list_clusters, operation="clusters.list", parent=parent).clusters
        except errors.CloudError:
            return gke_errors.refusal(error.operation, problem, hint=error.hint)
        places = [found.location for found in listed if found.name == self.name.cluster]
        names = sorted({found.name for found in listed})
        near = difflib.get_close_matches(self.name.cluster, names, n=3, cutoff=0.5)
        if places:
            hint = f"it is in {places[0]}: set target.gke.location"
        elif near:
            hint = f"did you mean {' or '.join(near)}?"
        elif names:
            hint = f"the project has: {', '.join(names[:10])}"
        else:
            hint = "the project has no cluster; set target.gke.create to have one made"
        return gke_errors.refusal(error.operation, problem, hint=hint)

    def _call(self, method: Callable[..., Answer], *, operation: str, **request: str) -> Answer:
        try:
            return method(request=request, retry=self._retry, timeout=_CALL_TIMEOUT_S)
        except gke_refusals.EXPECTED as e:
            cause = getattr(e, "cause", None) or e
            raise gke_refusals.translate(e, operation=operation, project=self.name.project) from cause


def _is_missing(error: errors.CloudError) -> bool:
    return isinstance(error.__cause__, exceptions.NotFound)


def _make_retry(patience_s: float) -> retry.Retry:
    passing = retry.if_exception_type(exceptions.BadGateway, exceptions.GatewayTimeout)
    return retry.Retry(
        predicate=lambda error: retry.if_transient_error(error) or passing(error),
        initial=min(1.0, patience_s / 4),
        maximum=15.0,
        timeout=patience_s,
    )


def _host(endpoint: str) -> str:
    """Take the host out of an endpoint as gcloud writes it, with the version and a slash at its end."""
    return endpoint.rstrip("/").removesuffix("/v1").rstrip("/")


def _pause(deadline: float, last_seen: str, *, timeout_s: float, poll_s: float) -> None:
    if time.monotonic() > deadline:
        raise gke_errors.refusal(
            "operations.get",
            f"gave up after {timeout_s:.0f} s; last seen: {last_seen}",
            hint="Google goes on with it; run again, which takes up where this left off",
        )
    time.sleep(poll_s)
