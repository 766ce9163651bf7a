"""Verification over a fake cluster that holds what ``render`` makes: each check fails for its own reason."""

import base64
import json
import re
from pathlib import Path

import pytest

from kpo_provision import errors, plan, render, sizing
from kpo_provision.kube.connection import ServerVersion
from kpo_provision.kube.exec import ExecResult
from kpo_provision.progress import Silent
from kpo_provision.results import Outcome
from kpo_provision.spec import model
from kpo_provision.verify import checks, verify
from kpo_provision.verify.check import Check, Finding, run_checks
from kpo_provision.verify.identities import Identities
from kpo_provision.verify.pod import MARKS
from kpo_provision.verify.probe import Probe
from tests.fakes.verify_api import FakeCluster, FakeConnection, VerifyApi, waiting

SPEC = {
    "apiVersion": "kpo-provision.io/v1",
    "kind": "Installation",
    "metadata": {"name": "acme"},
    "namespacePrefix": "acme",
    "target": {"local": {}},
    "registries": {
        "acme": {
            "server": "registry.acme.io",
            "credentials": {"dockerConfig": "config.json"},
            "probeImage": "kpo/probe:1",
        }
    },
    "nodePools": {"standard": {}},
    "tenants": {"etl": {"extraCapacity": 10, "registries": ["acme"]}, "idle": {"extraCapacity": 0}},
}
PASSWORD = "hunter2-in-plain-sight"
LOGIN = {"auths": {"registry.acme.io": {"auth": base64.b64encode(f"robot:{PASSWORD}".encode()).decode()}}}
NAMESPACE = "acme-etl"
WORKER = "system:serviceaccount:acme-etl:etl-worker-serviceaccount"


def size(**changes):
    return sizing.size(model.Installation.model_validate(SPEC | changes))


def make_cluster(planned):
    bundle = render.render(planned)
    manifests = [*bundle.shared, *(manifest for tenant in bundle.tenants for manifest in tenant.manifests)]
    nodes = [
        (
            f"kpo-pool-{pool.name}",
            pool.labels,
            [{"key": t.key, "value": t.value, "effect": t.effect} for t in pool.taints],
        )
        for pool in planned.pools
    ]
    return FakeCluster(manifests, logins=[(gap, LOGIN) for gap in bundle.secrets], nodes=nodes)


@pytest.fixture
def planned():
    return size()


@pytest.fixture
def cluster(planned):
    return make_cluster(planned)


def run(cluster, planned, *, timeout_s=5, **options):
    return verify(VerifyApi(FakeConnection(cluster)), planned, progress=Silent(), timeout_s=timeout_s, **options)


def find(results, check, tenant="etl"):
    (found,) = (result for result in results if result.id == check and result.tenant in {"", tenant})
    return found


def test_a_sound_installation_passes_every_check(cluster, planned):
    results = run(cluster, planned)
    assert {
        (result.id, result.tenant): result.outcome for result in results if result.outcome is not Outcome.PASS
    } == {}
    assert {result.id for result in results} == set(checks.all_ids())


def test_results_tell_who_launched_the_pod_and_what_it_printed(cluster, planned):
    results = run(cluster, planned)
    assert find(results, "probe-launch").evidence["created-by"] == WORKER
    assert find(results, "probe-scheduled").evidence["pool"] == "standard"
    assert find(results, "probe-image").evidence["image"] == "registry.acme.io/kpo/probe:1"
    assert find(results, "probe-image").evidence["pull-secrets"] == "registry-acme"
    assert re.fullmatch(r"kpo-probe [0-9a-f]{8} hello", find(results, "probe-log").evidence["log-line"])


def test_the_probe_makes_the_calls_of_the_operator_in_its_order_and_as_the_worker(cluster, planned):
    run(cluster, planned, tenants=["etl"])
    calls = [(verb, resource) for identity, verb, resource in cluster.calls if identity == WORKER and resource]
    assert calls == [
        ("list", "pods"),
        ("create", "pods"),
        ("get", "pods"),
        ("list", "events"),
        ("get", "pods/log"),
        ("create", "pods/exec"),
        ("create", "pods/exec"),
        ("patch", "pods"),
        ("delete", "pods"),
        ("get", "pods"),
    ]


def test_no_probe_pod_is_left_and_old_ones_are_removed(cluster, planned):
    old = {"kind": "Pod", "metadata": {"name": "kpo-probe-old", "namespace": NAMESPACE, "labels": {}}}
    old["metadata"]["labels"] = {"dag_id": "kpo-provision", "task_id": "probe", "kubernetes_pod_operator": "True"}
    cluster.put(old)
    run(cluster, planned)
    assert cluster.pods() == []


def test_the_registry_password_is_in_no_result(cluster, planned):
    assert PASSWORD not in repr(run(cluster, planned))
    assert LOGIN["auths"]["registry.acme.io"]["auth"] not in repr(run(cluster, planned))


BREAKAGES = {
    "quota is not in force": (
        lambda c: c.get("ResourceQuota", "kpo-quota", NAMESPACE).pop("status"),
        "tenant-quota",
        "status.hard is empty",
    ),
    "quota was raised by hand": (
        lambda c: c.get("ResourceQuota", "kpo-quota", NAMESPACE)["status"]["hard"].update(pods="99"),
        "tenant-quota",
        "pods is 99 and should be 10",
    ),
    "limit range is gone": (lambda c: c.drop("LimitRange", "kpo-limits", NAMESPACE), "tenant-limits", "is not there"),
    "another limit range refuses the sidecar": (
        lambda c: c.put(
            {
                "kind": "LimitRange",
                "metadata": {"name": "strict", "namespace": NAMESPACE},
                "spec": {"limits": [{"type": "Container", "min": {"cpu": "400m"}}]},
            }
        ),
        "tenant-limits",
        "LimitRange strict refuses",
    ),
    "network policy lets everything out": (
        lambda c: c.get("NetworkPolicy", "kpo-isolation", NAMESPACE)["spec"].update(policyTypes=["Ingress"]),
        "tenant-network-policy",
        "closes Ingress only",
    ),
    "secret is gone": (
        lambda c: c.drop("Secret", "registry-acme", NAMESPACE),
        "registry-secret",
        "registry-acme is not",
    ),
    "secret is of another type": (
        lambda c: c.get("Secret", "registry-acme", NAMESPACE).update(type="Opaque"),
        "registry-secret",
        "is of type Opaque",
    ),
    "secret is for another server": (
        lambda c: c.get("Secret", "registry-acme", NAMESPACE).update(
            data={".dockerconfigjson": base64.b64encode(json.dumps({"auths": {"ghcr.io": {}}}).encode()).decode()}
        ),
        "registry-secret",
        "no login for registry.acme.io (it has: ghcr.io)",
    ),
    "secret is no docker configuration": (
        lambda c: c.get("Secret", "registry-acme", NAMESPACE).update(data={".dockerconfigjson": "!!"}),
        "registry-secret",
        "is not a Docker configuration",
    ),
    "pods do not get the secret": (
        lambda c: c.get("ServiceAccount", "default", NAMESPACE).pop("imagePullSecrets"),
        "registry-secret",
        "service account default does not carry registry-acme",
    ),
    "exec may only get": (
        lambda c: (
            c.get("ClusterRole", "kpo-launcher")["rules"].append(
                {"apiGroups": [""], "resources": ["pods/exec"], "verbs": ["get"]}
            )
            or c.get("ClusterRole", "kpo-launcher")["rules"].pop(2)
        ),
        "rbac-worker",
        "may not create pods/exec",
    ),
    "triggerer cannot read events": (
        lambda c: c.get("ClusterRole", "kpo-triggerer")["rules"].pop(),
        "rbac-triggerer",
        "may not list events; watch events",
    ),
    "worker reads secrets": (
        lambda c: c.get("ClusterRole", "kpo-launcher")["rules"].append(
            {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}
        ),
        "rbac-closed",
        "may get secrets in acme-etl",
    ),
    "worker launches elsewhere": (
        lambda c: c.put(
            {
                "kind": "RoleBinding",
                "metadata": {"name": "stray", "namespace": "acme-idle"},
                "roleRef": {"name": "kpo-launcher"},
                "subjects": [{"namespace": NAMESPACE, "name": "etl-worker-serviceaccount"}],
            }
        ),
        "rbac-closed",
        "may create pods in acme-idle",
    ),
    "quota is used up": (
        lambda c: setattr(c, "refusal", (403, "Forbidden", 'pods "x" is forbidden: exceeded quota: kpo-quota, used')),
        "probe-launch",
        "QuotaExceeded: exceeded quota: kpo-quota",
    ),
    "pod lands elsewhere": (
        lambda c: c.put({"kind": "Node", "metadata": {"name": "other"}}) or setattr(c, "node", "other"),
        "probe-scheduled",
        "runs on other, which is in pool none and not in standard",
    ),
    "registry refuses the login": (
        lambda c: setattr(
            c,
            "statuses",
            [
                {
                    "base": waiting("ErrImagePull", "failed to pull and unpack image: 401 Unauthorized")
                    | {"image": "registry.acme.io/kpo/probe:1"}
                }
            ],
        ),
        "probe-image",
        "registry.acme.io refused registry.acme.io/kpo/probe:1 to secret acme-etl/registry-acme",
    ),
    "log says something else": (lambda c: setattr(c, "log", ["hello?"]), "probe-log", "last line was: hello?"),
    "xcom holds something else": (
        lambda c: setattr(c, "exec_results", [ExecResult(stdout="{}", stderr="", exit_code=0)]),
        "probe-xcom",
        "exit code 0: {}",
    ),
    "names do not resolve": (
        lambda c: setattr(c, "log", ["kpo-probe {run} hello", "kpo-probe {run} dns failed"]),
        "network-dns",
        "does not resolve",
    ),
}


@pytest.mark.parametrize("case", BREAKAGES)
def test_a_check_fails_for_its_own_reason_and_says_what_to_do(cluster, planned, case):
    break_it, check, sentence = BREAKAGES[case]
    break_it(cluster)
    found = find(run(cluster, planned), check)
    assert found.outcome is Outcome.FAIL
    assert sentence in found.detail
    assert found.hint
    assert cluster.pods() == []


def test_a_missing_right_is_printed_as_a_rule_to_add(cluster, planned):
    cluster.get("ClusterRole", "kpo-launcher")["rules"].pop(1)
    found = find(run(cluster, planned), "rbac-worker")
    assert found.hint.endswith('- apiGroups: [""]\n  resources: [pods/log]\n  verbs: [get]')


def test_what_needs_a_failed_check_is_skipped_and_names_the_root(cluster, planned):
    cluster.drop("Namespace", NAMESPACE)
    results = [result for result in run(cluster, planned) if result.tenant == "etl"]
    assert [result.id for result in results if result.outcome is Outcome.FAIL] == ["tenant-namespace"]
    skipped = [result for result in results if result.outcome is Outcome.SKIP]
    assert {result.detail for result in skipped} == {"not checked, because tenant-namespace did not pass"}
    assert len(skipped) == len(results) - 1


def test_a_broken_tenant_does_not_hold_up_another(cluster, planned):
    cluster.drop("Namespace", "acme-idle")
    results = run(cluster, planned, workers=1)
    assert all(result.outcome is Outcome.PASS for result in results if result.tenant == "etl")


def test_only_the_tenants_asked_for_are_proven(cluster, planned):
    assert {result.tenant for result in run(cluster, planned, tenants=["idle"])} == {"", "idle"}


def test_a_namespace_of_somebody_else_fails(cluster, planned):
    cluster.get("Namespace", NAMESPACE)["metadata"]["labels"][plan.INSTALLATION_KEY] = "other"
    assert find(run(cluster, planned), "tenant-namespace").detail.endswith("belongs to installation other")


def test_a_closed_tenant_that_can_launch_fails_and_its_pod_is_deleted(cluster, planned):
    binding = cluster.get("RoleBinding", "kpo-follower", "acme-idle")
    binding["roleRef"]["name"] = "kpo-launcher"
    found = find(run(cluster, planned), "tenant-closed", "idle")
    assert (found.outcome, cluster.pods()) == (Outcome.FAIL, [])


def test_a_closed_tenant_that_only_the_quota_closes_is_a_warning(cluster, planned):
    cluster.get("RoleBinding", "kpo-follower", "acme-idle")["roleRef"]["name"] = "kpo-launcher"
    cluster.refusal = (403, "Forbidden", 'pods "x" is forbidden: exceeded quota: kpo-quota, requested: pods=1')
    found = find(run(cluster, planned, tenants=["idle"]), "tenant-closed", "idle")
    assert (found.outcome, "QuotaExceeded" in found.detail) == (Outcome.WARN, True)


def test_policies_that_do_not_deny_fail(cluster, planned):
    cluster.get("ValidatingAdmissionPolicyBinding", "kpo-pool-guard")["spec"]["validationActions"] = ["Audit"]
    cluster.drop("MutatingAdmissionPolicyBinding", "kpo-placement")
    detail = find(run(cluster, planned), "cluster-admission").detail
    assert "kpo-pool-guard does not deny" in detail
    assert "MutatingAdmissionPolicyBinding kpo-placement is not there" in detail


def test_a_cluster_without_mutating_policies_fails_a_plan_that_needs_them(cluster, planned):
    cluster.version = ServerVersion(release=(1, 35), text="v1.35.4")
    found = find(run(cluster, planned), "cluster-version")
    assert (found.outcome, "needs 1.36" in found.detail) == (Outcome.FAIL, True)


@pytest.mark.parametrize(
    ("break_it", "sentence"),
    [
        (lambda node: node["metadata"].update(labels={}), "no node carries the label kpo-provision.io/pool=standard"),
        (lambda node: node["status"].update(conditions=[]), "none of the 1 nodes is Ready"),
        (lambda node: node["spec"].update(taints=[]), "lacks the taints kpo-provision.io/pool=standard:NoSchedule"),
    ],
    ids=["no label", "not ready", "no taints"],
)
def test_a_pool_needs_a_ready_node_with_label_and_taints(cluster, planned, break_it, sentence):
    break_it(cluster.get("Node", "kpo-pool-standard"))
    found = find(run(cluster, planned), "pool-nodes")
    assert (found.outcome, sentence in found.detail) == (Outcome.FAIL, True)


def test_what_runs_on_a_simulated_node_is_said_to_be_simulated_and_not_proven(cluster, planned):
    cluster.get("Node", "kpo-pool-standard")["metadata"]["annotations"] = {"kwok.x-k8s.io/node": "fake"}
    results = run(cluster, planned, tenants=["etl"])
    simulated = {result.id: result.outcome for result in results if result.simulated}
    not_run = ("image", "events", "log", "xcom")
    assert simulated == {
        "pool-nodes": Outcome.WARN,
        "probe-scheduled": Outcome.PASS,
        **{f"probe-{check}": Outcome.SKIP for check in not_run},
        "network-dns": Outcome.SKIP,
        "network-isolation": Outcome.SKIP,
    }
    skipped = {result.detail for result in results if result.outcome is Outcome.SKIP}
    assert skipped == {"simulated node: nothing was run"}


def test_a_pod_that_finds_no_room_is_reported_with_the_scheduler_s_reason(cluster, planned):
    cluster.unschedulable = "0/2 nodes are available: 1 Insufficient cpu, 1 node(s) had untolerated taint(s)"
    found = find(run(cluster, planned, timeout_s=0.2), "probe-scheduled")
    assert found.evidence["cause"] == "Unschedulable(cpu)"


def test_an_autoscaler_that_gives_up_ends_the_wait(cluster, planned):
    cluster.unschedulable = "0/1 nodes are available: 1 Insufficient memory."
    cluster.events = [{"type": "Normal", "reason": "NotTriggerScaleUp", "message": "pod didn't trigger scale-up"}]
    found = find(run(cluster, planned, timeout_s=3600), "probe-scheduled")
    assert found.evidence["cause"] == "Unschedulable(memory)"


def test_a_pod_that_somebody_else_deletes_is_reported_as_removed(cluster, planned):
    cluster.on_watch = lambda: [cluster.drop("Pod", p["metadata"]["name"], NAMESPACE) for p in cluster.pods()]
    results = run(cluster, planned)
    assert "Removed" in find(results, "probe-scheduled").detail
    assert find(results, "probe-delete").outcome is Outcome.SKIP


def test_a_container_that_never_starts_ends_with_the_last_state_seen(cluster, planned):
    cluster.statuses = [{"base": waiting("ContainerCreating", "")}]
    found = find(run(cluster, planned, timeout_s=0.2), "probe-image")
    assert "last seen: phase Running; container base is waiting (ContainerCreating)" in found.detail


def test_a_secret_that_reaches_the_kubelet_late_is_waited_for(cluster, planned):
    late = waiting("ErrImagePull", "no basic auth credentials") | {"image": "registry.acme.io/kpo/probe:1"}
    cluster.statuses.insert(0, {"base": late})
    assert find(run(cluster, planned), "probe-image").outcome is Outcome.PASS


def test_an_open_api_server_is_a_warning_and_egress_rules_that_allow_it_are_respected(cluster, planned):
    cluster.log[-1] = "kpo-probe {run} api open"
    assert find(run(cluster, planned), "network-isolation").outcome is Outcome.WARN
    allowed = {"extraCapacity": 10, "registries": ["acme"], "network": {"egress": [{"cidr": "10.96.0.0/12"}]}}
    permitted = size(tenants={"etl": allowed})
    assert find(run(make_cluster(permitted), permitted), "network-isolation").outcome is Outcome.SKIP


def test_a_tenant_without_an_image_to_probe_with_says_how_to_name_one():
    planned = size(registries={}, tenants={"etl": {"extraCapacity": 1}})
    found = find(run(make_cluster(planned), planned), "probe-launch")
    assert (found.outcome, "probe.image" in found.hint) == (Outcome.FAIL, True)


def test_ctrl_c_leaves_no_probe_pod(cluster, planned):
    class Interrupting(Silent):
        def step(self, title, *, total=None):
            return InterruptedStep() if total else super().step(title)

    class InterruptedStep:
        def __enter__(self):
            return self

        def __exit__(self, *_):
            return None

        def say(self, _detail):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        verify(VerifyApi(FakeConnection(cluster)), planned, progress=Interrupting(), timeout_s=5)
    assert cluster.pods() == []


@pytest.mark.parametrize(
    ("leftovers", "refusal"),
    [
        (0, (409, "Conflict", 'Operation cannot be fulfilled on resourcequotas "kpo-quota"')),
        (1, (403, "Forbidden", 'pods "x" is forbidden: exceeded quota: kpo-quota, requested: pods=1')),
    ],
    ids=["quota that is being counted", "quota that is being given back"],
)
def test_a_refusal_that_passes_by_itself_is_outwaited(cluster, planned, leftovers, refusal):
    refusals = [refusal]

    class Busy(VerifyApi):
        def create(self, manifest):
            if manifest["kind"] == "Pod" and refusals:
                status, reason, message = refusals.pop()
                raise errors.ApiError(verb="create", target="Pod", status=status, reason=reason, message=message)
            return super().create(manifest)

    for number in range(leftovers):
        metadata = {"name": f"kpo-probe-{number}", "namespace": NAMESPACE, "labels": MARKS}
        cluster.put({"kind": "Pod", "metadata": metadata})
    results = verify(Busy(FakeConnection(cluster)), planned, progress=Silent(), tenants=["etl"], timeout_s=5)
    assert find(results, "probe-launch").outcome is Outcome.PASS


def test_a_probe_that_was_cancelled_launches_nothing(cluster, planned):
    tenant = planned.tenants[0]
    probe = Probe(Identities(VerifyApi(FakeConnection(cluster)), tenant), planned, tenant, timeout_s=5)
    probe.cancel()
    with pytest.raises(errors.ClusterError, match="interrupted"):
        probe.launch()
    assert cluster.pods() == []


def test_a_cluster_that_does_not_answer_skips_all_tenants(cluster, planned):
    class Silence(VerifyApi):
        def server_version(self):
            return self.read("Node", "nobody")

    results = verify(Silence(FakeConnection(cluster)), planned, progress=Silent())
    assert results[0].outcome is Outcome.FAIL
    assert {result.outcome for result in results[1:]} == {Outcome.SKIP}


def test_every_check_has_a_heading_in_the_documentation():
    text = (Path(__file__).parents[2] / "docs" / "checks.md").read_text(encoding="utf-8")
    headings = [line.removeprefix("### ") for line in text.splitlines() if line.startswith("### ")]
    assert sorted(headings) == sorted(checks.all_ids())


class Nothing:
    release = ""

    def __init__(self):
        self.words = {"thing": "it"}


def test_needs_are_followed_to_the_root():
    def judge(outcome):
        return lambda _: Finding(outcome=outcome)

    def check(name, outcome, *needs):
        return Check(id=name, description="{thing} works", hint="mend {thing}", judge=judge(outcome), needs=needs)

    results = run_checks(
        [check("a-1", Outcome.FAIL), check("a-2", Outcome.PASS, "a-1"), check("a-3", Outcome.PASS, "a-2")], Nothing()
    )
    assert [result.outcome for result in results] == [Outcome.FAIL, Outcome.SKIP, Outcome.SKIP]
    assert results[2].detail == "not checked, because a-1 did not pass"
    assert (results[0].description, results[0].hint, results[0].category) == ("it works", "mend it", "a")


def test_policies_that_come_into_force_a_moment_later_are_waited_for(cluster, planned):
    answers = iter([{}, {"kpo-provision.io/pool": "standard"}])

    class Settling(VerifyApi):
        def create(self, manifest):
            if manifest["kind"] == "Pod":
                cluster.placement = next(answers)
            return super().create(manifest)

    results = verify(Settling(FakeConnection(cluster)), planned, progress=Silent(), tenants=["etl"], timeout_s=5)
    assert {result.outcome for result in results} == {Outcome.PASS}
    assert cluster.pods() == []
