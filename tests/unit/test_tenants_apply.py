"""Order, ownership and failures of an apply, against an API server that counts."""

import base64
import contextlib
import copy
import signal
import threading
from dataclasses import replace

import pytest

from kpo_provision import errors, plan, progress
from kpo_provision.kube.api import Api
from kpo_provision.kube.kinds import KINDS
from kpo_provision.kube.transport import HttpTransport, Response
from kpo_provision.render.bundle import Bundle, SecretGap, TenantBundle
from kpo_provision.report.changes import exit_code_of_preview
from kpo_provision.results import Action
from kpo_provision.tenants import apply_bundle, destroy_tenants, objects, preview_bundle, read
from kpo_provision.tenants.apply import WORKERS
from tests.fakes.api_server import FakeApiServer

LOGINS = {"acme": b'{"auths": {"registry.acme.io": {"auth": "canary-of-the-login"}}}'}
COMMON = {plan.MANAGED_BY_KEY: plan.FIELD_MANAGER, plan.INSTALLATION_KEY: "test"}


def manifest(kind, name, namespace=None, *, labels=None, **body):
    api_version = "rbac.authorization.k8s.io/v1" if "Role" in kind else "v1"
    metadata = {"name": name, "labels": COMMON | (labels or {})} | ({"namespace": namespace} if namespace else {})
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **body}


def role_binding(namespace, release, name="kpo-launcher", role="kpo-launcher"):
    ref = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role}
    return manifest("RoleBinding", name, namespace, labels={plan.TENANT_KEY: release}, roleRef=ref)


def tenant(release, *, pods="10", bindings=True):
    namespace = f"astro-{release}"
    labels = {plan.TENANT_KEY: release}
    planned = plan.TenantPlan(
        release=release,
        namespace=namespace,
        extra_capacity_au=10,
        base_capacity_au=0,
        worker_account=f"{release}-worker-serviceaccount",
        triggerer_account=f"{release}-triggerer-serviceaccount",
        pool=None,
        registries=(),
        quota={},
        default_limits={},
        largest_pod={},
        pod_security="baseline",
        egress=(),
        probe_image=None,
    )
    manifests = [
        manifest("Namespace", namespace, labels=labels),
        manifest("ResourceQuota", "kpo-quota", namespace, labels=labels, spec={"hard": {"pods": pods}}),
        manifest("ServiceAccount", "kpo-task", namespace, labels=labels),
    ]
    if bindings:
        manifests.append(role_binding(namespace, release))
    gap = SecretGap(namespace=namespace, name="registry-acme", registry="acme", server="registry.acme.io")
    return TenantBundle(plan=planned, manifests=tuple(manifests), secrets=(gap,))


def bundle(*tenants):
    return Bundle(shared=(manifest("ClusterRole", "kpo-launcher", rules=[]),), tenants=tenants)


@pytest.fixture
def server():
    with FakeApiServer() as running:
        yield running


@pytest.fixture
def api(server):
    with Api(server.connection) as opened:
        yield opened


def apply(api, *tenants, **options):
    return apply_bundle(api, bundle(*tenants), LOGINS, progress=progress.Silent(), **options)


def written(server):
    return [f"{method} {path.rpartition('/')[2]}" for method, path in server.mutations]


def test_a_new_tenant_is_built_before_it_is_opened(server, api):
    changes = apply(api, tenant("etl"))
    names = ["kpo-launcher", "astro-etl", "kpo-quota", "kpo-task", "registry-acme", "kpo-launcher"]
    assert written(server) == [f"PATCH {name}" for name in names]
    assert {change.action for change in changes.changes} == {Action.CREATE}
    secret = server.get("Secret", "registry-acme", "astro-etl")
    assert base64.b64decode(secret["data"][".dockerconfigjson"]) == LOGINS["acme"]


def test_the_second_apply_sends_no_mutation(server, api):
    apply(api, tenant("etl"), tenant("ml"))
    server.calls.clear()
    changes = apply(api, tenant("etl"), tenant("ml"))
    assert server.mutations == []
    assert changes.mutations == ()
    assert {change.action for change in changes.changes} == {Action.UNCHANGED}


def test_only_what_differs_is_written(server, api):
    apply(api, tenant("etl"), tenant("ml"))
    server.calls.clear()
    changes = apply(api, tenant("etl", pods="20"), tenant("ml"))
    [change] = changes.mutations
    assert (change.action, change.kind, change.detail) == (Action.UPDATE, "ResourceQuota", "spec.hard.pods")
    assert len(server.mutations) == 1


def test_a_field_that_somebody_took_is_taken_back_only_when_told_to(server, api):
    apply(api, tenant("etl"))
    server.put(manifest("ResourceQuota", "kpo-quota", "astro-etl", spec={"hard": {"pods": "1000"}}))
    [failure] = apply(api, tenant("etl")).failures
    assert "someone manages .spec.hard.pods" in failure.problem
    assert not apply(api, tenant("etl"), take_over=True).failures
    assert server.get("ResourceQuota", "kpo-quota", "astro-etl")["spec"]["hard"] == {"pods": "10"}


def test_preview_says_what_apply_does_and_writes_nothing(server, api):
    wanted = bundle(tenant("etl"))
    previewed = preview_bundle(api, wanted, LOGINS)
    assert server.mutations == []
    applied = apply_bundle(api, wanted, LOGINS, progress=progress.Silent())
    assert previewed.mutations == applied.mutations


def test_a_binding_that_is_no_longer_wanted_goes_before_anything_else(server, api):
    apply(api, tenant("etl"))
    server.calls.clear()
    apply(api, tenant("etl", pods="0", bindings=False))
    assert written(server) == ["DELETE kpo-launcher", "PATCH kpo-quota"]


def test_a_binding_to_another_role_is_made_anew(server, api):
    apply(api, tenant("etl"))
    server.calls.clear()
    before = tenant("etl")
    changed = copy.deepcopy(before.manifests)
    changed[-1]["roleRef"]["name"] = "kpo-follower"
    apply(api, replace(before, manifests=changed))
    assert written(server) == ["DELETE kpo-launcher", "PATCH kpo-launcher"]


def test_other_objects_of_ours_that_are_no_longer_wanted_go_last(server, api):
    apply(api, tenant("etl"))
    server.put(manifest("ConfigMap", "old", "astro-etl"))
    server.put({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "theirs", "namespace": "astro-etl"}})
    server.calls.clear()
    apply(api, tenant("etl", pods="20"))
    assert written(server) == ["PATCH kpo-quota", "DELETE old"]
    assert server.get("ConfigMap", "theirs", "astro-etl")


def test_a_tenant_is_opened_only_when_its_quota_is_in_force():
    with FakeApiServer(quota_controller=False) as server, Api(server.connection) as api:
        controller = threading.Timer(0.1, server.store.fill_quotas)
        controller.start()
        assert not apply(api, tenant("etl")).failures
        controller.join()
        asked = [index for index, call in enumerate(server.calls) if call[1].endswith("/resourcequotas/kpo-quota")]
        opened = [index for index, call in enumerate(server.calls) if call[1].endswith("/rolebindings/kpo-launcher")]
        assert len(asked) > 2
        assert max(asked) < min(opened)


def test_a_namespace_of_somebody_else_is_left_alone(server, api):
    server.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "astro-etl"}})
    changes = apply(api, tenant("etl"), tenant("ml"))
    [failure] = changes.failures
    assert failure.tenant == "etl"
    assert "exists and was not made by kpo-provision" in failure.problem
    assert "--take-over" in failure.hint
    assert not [path for _, path in server.mutations if "astro-etl" in path]
    assert server.get("RoleBinding", "kpo-launcher", "astro-ml")


def test_a_namespace_that_is_taken_over_is_given_back_and_never_deleted(server, api):
    server.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "astro-etl", "labels": {"team": "x"}}})
    assert not apply(api, tenant("etl"), take_over=True).failures
    assert not apply(api, tenant("etl")).mutations
    destroy_tenants(api, "test", progress=progress.Silent())
    left = server.get("Namespace", "astro-etl")
    assert left["metadata"]["labels"] == {"team": "x"}
    assert not [key for key in server.store.objects if key[1] == "astro-etl"]


def test_a_shared_object_of_another_installation_is_refused_before_anything_is_done(server, api):
    other = manifest("ClusterRole", "kpo-launcher", labels={plan.INSTALLATION_KEY: "other"}, rules=[])
    server.put(other)
    with pytest.raises(errors.ClusterError, match="belongs to installation other"):
        apply(api, tenant("etl"))
    assert server.mutations == []


def test_a_tenant_that_fails_does_not_hold_up_the_others(server, api):
    server.refuse("PATCH", "/namespaces/astro-bad/serviceaccounts/kpo-task", message="webhook says no")
    changes = apply(api, tenant("bad"), tenant("etl"), tenant("ml"))
    [failure] = changes.failures
    assert failure.tenant == "bad"
    assert "apply ServiceAccount astro-bad/kpo-task: 403 Forbidden: webhook says no" in failure.problem
    assert server.get("RoleBinding", "kpo-launcher", "astro-bad") is None
    assert server.get("RoleBinding", "kpo-launcher", "astro-etl")
    assert server.get("RoleBinding", "kpo-launcher", "astro-ml")
    assert {change.name for change in changes.mutations if change.tenant == "bad"} == {"astro-bad", "kpo-quota"}


def test_the_next_run_finishes_a_tenant_that_failed(server, api):
    server.refuse("PATCH", "/namespaces/astro-etl/serviceaccounts/kpo-task")
    apply(api, tenant("etl"))
    server.refusals.clear()
    assert not apply(api, tenant("etl")).failures
    assert server.get("RoleBinding", "kpo-launcher", "astro-etl")


def test_a_registry_without_a_login_fails_its_tenants_and_touches_nothing(server, api):
    changes = apply_bundle(api, bundle(tenant("etl")), {}, progress=progress.Silent())
    assert [failure.problem for failure in changes.failures] == ["there is no login for registry acme"]
    assert not [path for _, path in server.mutations if "astro-etl" in path]


def test_a_namespace_on_its_way_out_is_waited_for():
    with FakeApiServer(slow_deletion=True) as server, Api(server.connection) as api:
        apply(api, tenant("etl"))
        api.delete("Namespace", "astro-etl")
        timer = threading.Timer(0.1, server.store.finish_deletions)
        timer.start()
        changes = apply(api, tenant("etl"))
        timer.join()
        assert not changes.failures
        assert "deletionTimestamp" not in server.get("Namespace", "astro-etl")["metadata"]


def test_a_tenant_that_left_the_spec_is_named_and_kept(server, api):
    apply(api, tenant("etl"), tenant("ml"))
    changes = apply(api, tenant("etl"))
    assert changes.orphans == ("astro-ml",)
    assert server.get("RoleBinding", "kpo-launcher", "astro-ml")


def test_prune_closes_an_orphan_and_then_removes_it(server, api):
    apply(api, tenant("etl"), tenant("ml"))
    server.calls.clear()
    changes = apply(api, tenant("etl"), prune=True)
    assert written(server) == ["DELETE kpo-launcher", "DELETE astro-ml"]
    assert changes.orphans == ()
    assert server.get("Namespace", "astro-ml") is None


def test_a_namespace_that_is_being_deleted_already_is_no_difference(server, api):
    apply(api, tenant("etl"), tenant("ml"))
    server.get("Namespace", "astro-ml")["metadata"]["deletionTimestamp"] = "2026-11-27T00:00:00Z"
    server.calls.clear()
    changes = apply(api, tenant("etl"), prune=True)
    assert (changes.orphans, changes.ending) == ((), ("astro-ml",))
    assert server.mutations == []
    assert exit_code_of_preview(changes) == 0


def test_destroy_leaves_nothing_of_ours_and_everything_of_others(server, api):
    server.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "theirs"}})
    apply(api, tenant("etl"), tenant("ml"))
    server.calls.clear()
    destroy_tenants(api, "test", progress=progress.Silent())
    assert list(server.store.objects) == [("Namespace", "", "theirs")]
    assert written(server)[-1] == "DELETE kpo-launcher"
    assert server.mutations[-1] == ("DELETE", "/apis/rbac.authorization.k8s.io/v1/clusterroles/kpo-launcher")


def test_destroy_of_nothing_does_nothing(server, api):
    assert destroy_tenants(api, "test", progress=progress.Silent()).changes == ()
    assert server.mutations == []


def test_a_policy_that_is_no_longer_wanted_goes_after_its_binding(server, api):
    for kind in ("MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding"):
        policy = manifest(kind, "kpo-placement") | {"apiVersion": "admissionregistration.k8s.io/v1"}
        server.put(policy)
    apply(api)
    kinds = [path.split("/")[-2] for method, path in server.mutations if method == "DELETE"]
    assert kinds == ["mutatingadmissionpolicybindings", "mutatingadmissionpolicies"]


def test_no_login_is_in_any_change_or_decision(server, api):
    server.refuse("PATCH", "/secrets/registry-acme")
    changes = apply(api, tenant("etl"))
    encoded = base64.b64encode(LOGINS["acme"]).decode()
    assert "canary" not in repr(changes)
    assert encoded not in repr(changes)


class LateGuardTransport(HttpTransport):
    """To a server that takes up its guard only when every tenant is built."""

    def __init__(self, server, namespaces):
        super().__init__(server.connection)
        self._server = server
        self._namespaces = namespaces
        self.tries = 0

    def send(self, request):
        if request.path.endswith("/pods"):
            self.tries += 1
            if not all(self._server.get("Secret", "registry-acme", namespace) for namespace in self._namespaces):
                return Response(status=201, body=b"{}")
        return super().send(request)


def test_tenants_are_built_while_the_policies_are_not_in_force_and_opened_when_they_are(server):
    tenants = [tenant(f"t{number:02}") for number in range(3 * WORKERS)]
    namespaces = [one.plan.namespace for one in tenants]
    guard = manifest("ValidatingAdmissionPolicy", "kpo-pool-guard") | {"apiVersion": "admissionregistration.k8s.io/v1"}
    wanted = Bundle(shared=(guard,), tenants=tuple(tenants))
    transport = LateGuardTransport(server, namespaces)
    with Api(server.connection, transport=transport) as api:
        changes = apply_bundle(api, wanted, LOGINS, progress=progress.Silent())
    assert changes.failures == ()
    assert transport.tries > 1
    written = [path for _, path in server.mutations]
    last_built = max(index for index, path in enumerate(written) if path.endswith("/secrets/registry-acme"))
    assert all(
        written.index(f"/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}/rolebindings/kpo-launcher")
        > last_built
        for namespace in namespaces
    )


class DyingTransport:
    """Lets so many mutations through, and then is as good as killed."""

    def __init__(self, connection, *, after):
        self._transport = HttpTransport(connection)
        self._left = after

    def send(self, request):
        if request.method != "GET":
            self._left -= 1
        if self._left < 0:
            raise errors.ClusterError("killed")
        return self._transport.send(request)

    def close(self):
        self._transport.close()


def state_of(server):
    def lasting(found):
        return found | {"metadata": found["metadata"] | {"resourceVersion": ""}}

    return {key: lasting(found) for key, found in server.store.objects.items()}


def assert_closed_or_whole(server, namespace):
    if server.get("RoleBinding", "kpo-launcher", namespace):
        assert server.get("ResourceQuota", "kpo-quota", namespace)["status"]["hard"]
        assert server.get("ServiceAccount", "kpo-task", namespace)
        assert server.get("Secret", "registry-acme", namespace)


@pytest.mark.parametrize("mutations", range(12))
def test_killed_at_any_point_a_tenant_is_closed_and_the_next_run_finishes(server, api, mutations):
    with FakeApiServer() as untouched, Api(untouched.connection) as undisturbed:
        apply(undisturbed, tenant("etl"), tenant("ml"))
        whole = state_of(untouched)
    with Api(server.connection, transport=DyingTransport(server.connection, after=mutations)) as dying:
        with contextlib.suppress(errors.ClusterError):
            apply(dying, tenant("etl"), tenant("ml"))
    assert_closed_or_whole(server, "astro-etl")
    assert_closed_or_whole(server, "astro-ml")
    assert not apply(api, tenant("etl"), tenant("ml")).failures
    assert state_of(server) == whole


class InterruptingStep:
    def advance(self, _by=1):
        raise KeyboardInterrupt

    def say(self, _detail):
        pass


class Interrupting:
    """A terminal on which Ctrl-C is pressed when the first tenant is done."""

    @contextlib.contextmanager
    def step(self, _title, **_):
        yield InterruptingStep()


def test_ctrl_c_stops_and_leaves_the_rest_undone(server, api):
    releases = [f"t-{number:03d}" for number in range(200)]
    with pytest.raises(KeyboardInterrupt):
        apply_bundle(api, bundle(*(tenant(release) for release in releases)), LOGINS, progress=Interrupting())
    sent = len(server.mutations)
    assert sent < 200 * 5
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("apply")]
    apply(api, *(tenant(release) for release in releases))
    assert all(server.get("RoleBinding", "kpo-launcher", f"astro-{release}") for release in releases)


class SilentTransport:
    """Gives no answer until it is told to give up."""

    def __init__(self):
        self.asked, self.given_up = threading.Event(), threading.Event()

    def send(self, _request):
        self.asked.set()
        self.given_up.wait()
        raise errors.ClusterError("no answer")

    def abort(self):
        self.given_up.set()

    def close(self):
        pass


def test_ctrl_c_does_not_wait_for_a_server_that_is_silent_while_it_is_read(server):
    transport = SilentTransport()

    def press():
        transport.asked.wait()
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

    pressing = threading.Thread(target=press)
    pressing.start()
    with pytest.raises(KeyboardInterrupt):
        read.read_live(Api(server.connection, transport=transport), "test")
    pressing.join()
    assert transport.given_up.is_set()


def test_every_kind_that_is_looked_for_is_served():
    assert set(objects.SHARED_KINDS) | set(objects.TENANT_KINDS) <= KINDS.keys()
