"""Applying rendered tenants to the real API server: idempotent, closed until whole, repaired, and gone afterwards."""

import base64
import os
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from kpo_provision import errors, progress, render, sizing
from kpo_provision.kube import transport as kube_transport
from kpo_provision.kube.api import Api
from kpo_provision.kube.connection import connect
from kpo_provision.kube.transport import HttpTransport
from kpo_provision.results import Action
from kpo_provision.spec import model
from kpo_provision.tenants import apply_bundle, destroy_tenants, objects, preview_bundle

pytestmark = pytest.mark.cluster

INSTALLATION = f"apply-{os.getpid()}"
IMAGE = "registry.local:5000/kpo/probe:1"


class CountingTransport:
    """Counts what is written on the way to the real server."""

    def __init__(self, connection):
        self._transport = HttpTransport(connection)
        self.mutations = []

    def send(self, request):
        if request.method != "GET":
            self.mutations.append(f"{request.method} {request.path}")
        return self._transport.send(request)

    def close(self):
        self._transport.close()


@pytest.fixture(scope="module")
def connection():
    return connect(kubeconfig=Path(os.environ["KPO_TEST_KUBECONFIG"]), context=None)


@pytest.fixture
def transport(connection):
    return CountingTransport(connection)


@pytest.fixture
def api(connection, transport):
    with Api(connection, transport=transport) as opened:
        yield opened
        destroy_tenants(opened, INSTALLATION, progress=progress.Silent())


@pytest.fixture(scope="module")
def logins():
    docker_config = Path(os.environ["KPO_TEST_KUBECONFIG"]).parent / "registry" / "config.json"
    return {"acme": docker_config.read_bytes()}


def bundle(**tenants):
    spec = model.Installation.model_validate(
        {
            "apiVersion": "kpo-provision.io/v1",
            "kind": "Installation",
            "metadata": {"name": INSTALLATION},
            "namespacePrefix": INSTALLATION,
            "target": {"local": {}},
            "registries": {"acme": {"server": "registry.local:5000", "credentials": {"dockerConfig": "unused"}}},
            "nodePools": {"standard": {"largestPod": {"cpu": "2", "memory": "4Gi"}}},
            "tenants": {
                release: {"extraCapacity": capacity, "pool": "standard", "registries": ["acme"]}
                for release, capacity in tenants.items()
            },
        }
    )
    # The shared objects have fixed names, and the cluster may be another installation's: only tenants are applied here.
    return replace(render.render(sizing.size(spec)), shared=())


def apply(api, wanted, logins, **options):
    return apply_bundle(api, wanted, logins, progress=progress.Silent(), **options)


def versions(api):
    selector = objects.selector(INSTALLATION)
    return {
        objects.key_of(found): found["metadata"]["resourceVersion"]
        for kind in objects.TENANT_KINDS
        for found in api.list(kind, label_selector=selector)
    }


def test_the_second_apply_changes_nothing(api, transport, logins):
    wanted = bundle(etl=10, ml=3, closed=0)
    first = apply(api, wanted, logins)
    assert first.failures == ()
    assert {change.action for change in first.changes} == {Action.CREATE}
    before = versions(api)
    assert len(before) == len(first.changes)
    transport.mutations.clear()
    second = apply(api, wanted, logins)
    assert transport.mutations == []
    assert {change.action for change in second.changes} == {Action.UNCHANGED}
    assert versions(api) == before


def test_a_tenant_without_capacity_is_closed_for_its_worker(api, connection, logins):
    apply(api, bundle(etl=10), logins)
    apply(api, bundle(etl=0), logins)
    bindings = {key.name for key in versions(api) if key.kind == "RoleBinding"}
    assert "kpo-launcher" not in bindings
    quota = api.read("ResourceQuota", "kpo-quota", f"{INSTALLATION}-etl")
    assert quota["status"]["hard"]["pods"] == "0"


def test_drift_is_seen_and_repaired(api, transport, logins):
    wanted = bundle(etl=10)
    namespace = f"{INSTALLATION}-etl"
    apply(api, wanted, logins)
    api.delete("NetworkPolicy", "kpo-isolation", namespace)
    api.patch("Secret", "registry-acme", namespace, {"data": {".dockerconfigjson": base64.b64encode(b"{}").decode()}})
    api.patch(
        "Namespace", namespace, None, {"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "privileged"}}}
    )
    previewed = preview_bundle(api, wanted, logins)
    assert {(change.action, change.kind) for change in previewed.mutations} == {
        (Action.CREATE, "NetworkPolicy"),
        (Action.UPDATE, "Secret"),
        (Action.UPDATE, "Namespace"),
    }
    transport.mutations.clear()
    assert apply(api, wanted, logins, take_over=True).failures == ()
    assert len(transport.mutations) == 3
    assert preview_bundle(api, wanted, logins).mutations == ()


def test_a_field_that_the_server_does_not_know_is_refused(api, monkeypatch):
    monkeypatch.setattr(kube_transport, "_RETRIED_FOR_S", 0)  # the server calls it its own fault, 500
    odd = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "odd", "namespace": "default"}, "dta": {}}
    with pytest.raises(errors.ApiError, match=r"\.dta: field not declared in schema"):
        api.apply(odd)


def test_a_namespace_that_is_being_deleted_is_waited_for_and_made_anew(api, logins):
    wanted = bundle(etl=10)
    apply(api, wanted, logins)
    api.delete("Namespace", f"{INSTALLATION}-etl")
    changes = apply(api, wanted, logins)
    assert changes.failures == ()
    assert preview_bundle(api, wanted, logins).mutations == ()


def test_a_tenant_that_left_is_pruned_only_when_told_to(api, logins):
    apply(api, bundle(etl=10, ml=3), logins)
    assert apply(api, bundle(etl=10), logins).orphans == (f"{INSTALLATION}-ml",)
    changes = apply(api, bundle(etl=10), logins, prune=True)
    assert [(change.kind, change.tenant) for change in changes.mutations][-1] == ("Namespace", "ml")


def test_a_pod_is_followed_and_entered(api, logins):
    """Log, watch and exec as the probe uses them; on any node, for the pool is not what is tried here."""
    apply(api, bundle(etl=10), logins)
    namespace = f"{INSTALLATION}-etl"
    container = {
        "name": "base",
        "image": IMAGE,
        "command": ["sh", "-c", "echo hello; trap 'exit 0' TERM INT; while [ ! -e /tmp/done ]; do sleep 0.1; done"],
        "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}, "limits": {"cpu": "100m", "memory": "64Mi"}},
    }
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "entered", "namespace": namespace},
        "spec": {
            "containers": [container],
            "restartPolicy": "Never",
            "terminationGracePeriodSeconds": 0,
            "imagePullSecrets": [{"name": "registry-acme"}],
        },
    }
    created = api.create(pod)
    events = api.watch(
        "Pod",
        namespace=namespace,
        field_selector="metadata.name=entered",
        resource_version=created["metadata"]["resourceVersion"],
        timeout_s=60,
    )
    with closing(events):
        assert any(event["object"]["status"]["phase"] == "Running" for event in events)
    with closing(api.stream_log("entered", namespace, "base", timeout_s=30)) as lines:
        assert next(lines) == "hello"
    result = api.exec("entered", namespace, "base", ["sh", "-c", "echo out; echo err >&2; exit 3"])
    assert (result.stdout, result.stderr, result.exit_code) == ("out\n", "err\n", 3)
    with pytest.raises(errors.WaitTimeoutError):
        api.exec("entered", namespace, "base", ["sleep", "5"], timeout_s=0.2)
    with pytest.raises(errors.ApiError, match=r"exec in Pod .*/nobody: 404"):
        api.exec("nobody", namespace, "base", ["true"])
    assert api.exec("entered", namespace, "base", ["touch", "/tmp/done"]).exit_code == 0
