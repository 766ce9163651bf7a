"""Verdicts from the words of API server, scheduler, kubelet and containerd; the messages are real ones."""

from dataclasses import replace

import pytest

from kpo_provision import errors
from kpo_provision.plan import RegistryPlan, TenantPlan
from kpo_provision.verify import classify, pulls, refusals
from kpo_provision.verify.verdict import Cause

IMAGE = "registry.acme.io:5000/kpo/probe:1"
REFERENCE = f'failed to pull and unpack image "{IMAGE}": failed to resolve reference "{IMAGE}": '
NO_MATCH = "node(s) didn't match Pod's node affinity/selector"
TENANT = TenantPlan(
    release="etl",
    namespace="acme-etl",
    extra_capacity_au=10,
    base_capacity_au=0,
    worker_account="etl-worker-serviceaccount",
    triggerer_account="etl-triggerer-serviceaccount",
    pool=None,
    registries=(
        RegistryPlan(name="acme", server="registry.acme.io:5000", secret_name="registry-acme", probe_image=IMAGE),
    ),
    quota={},
    default_limits={},
    largest_pod={},
    pod_security="baseline",
    egress=(),
    probe_image=IMAGE,
)

PULLS = {
    "containerd without credentials": (
        "ErrImagePull",
        REFERENCE + "pull access denied, repository does not exist or may require authorization: "
        "authorization failed: no basic auth credentials",
        Cause.IMAGE_PULL_UNAUTHORIZED,
    ),
    "containerd with a wrong password": (
        "ErrImagePull",
        "rpc error: code = Unknown desc = " + REFERENCE + "unexpected status from HEAD request to "
        "https://registry.acme.io:5000/v2/kpo/probe/manifests/1: 401 Unauthorized",
        Cause.IMAGE_PULL_UNAUTHORIZED,
    ),
    "back-off that names the cause": (
        "ImagePullBackOff",
        f'Back-off pulling image "{IMAGE}": ErrImagePull: {REFERENCE}server message: insufficient_scope',
        Cause.IMAGE_PULL_UNAUTHORIZED,
    ),
    "token server refuses": (
        "ErrImagePull",
        REFERENCE + "failed to authorize: failed to fetch oauth token: unexpected status from POST request to "
        "https://gitlab.acme.io/jwt/auth: 403 Forbidden",
        Cause.IMAGE_PULL_UNAUTHORIZED,
    ),
    "no such tag": ("ErrImagePull", REFERENCE + f"{IMAGE}: not found", Cause.IMAGE_NOT_FOUND),
    "no such platform": (
        "ErrImagePull",
        f'failed to pull and unpack image "{IMAGE}": no match for platform in manifest: not found',
        Cause.IMAGE_NOT_FOUND,
    ),
    "no image name": ("InvalidImageName", 'Failed to apply default image tag "A:b:c"', Cause.IMAGE_NOT_FOUND),
    "port closed": (
        "ErrImagePull",
        REFERENCE + 'failed to do request: Head "https://registry.acme.io:5000/v2/kpo/probe/manifests/1": '
        "dial tcp 10.0.0.9:5000: connect: connection refused",
        Cause.REGISTRY_UNREACHABLE,
    ),
    "name does not resolve": (
        "ErrImagePull",
        REFERENCE + "failed to do request: Head: dial tcp: lookup registry.acme.io on 10.0.0.2:53: no such host",
        Cause.REGISTRY_UNREACHABLE,
    ),
    "certificate of an unknown authority": (
        "ErrImagePull",
        REFERENCE
        + "failed to do request: tls: failed to verify certificate: x509: certificate signed by unknown authority",
        Cause.REGISTRY_UNREACHABLE,
    ),
    "plain HTTP": (
        "ErrImagePull",
        REFERENCE + "failed to do request: http: server gave HTTP response to HTTPS client",
        Cause.REGISTRY_UNREACHABLE,
    ),
    "rate limit": (
        "ErrImagePull",
        "failed to copy: httpReadSeeker: failed open: unexpected status code: 429 Too Many Requests - toomanyrequests",
        Cause.REGISTRY_UNREACHABLE,
    ),
}


def pod(*statuses, secrets=("registry-acme",), **status):
    return {
        "spec": {"imagePullSecrets": [{"name": name} for name in secrets]},
        "status": {"phase": "Pending", "containerStatuses": list(statuses)} | status,
    }


def waiting(reason, message="", **more):
    return {"name": "base", "image": IMAGE, "state": {"waiting": {"reason": reason, "message": message}}} | more


def terminated(reason, code, message=""):
    state = {"terminated": {"reason": reason, "exitCode": code, "message": message}}
    return {"name": "base", "image": IMAGE, "state": state}


@pytest.mark.parametrize("case", PULLS)
def test_a_failed_pull_is_named(case):
    reason, message, cause = PULLS[case]
    verdict = classify.classify_pod(pod(waiting(reason, message)), (), TENANT)
    assert verdict.cause is cause
    assert verdict.hint


def test_an_unauthorized_pull_names_the_secret_and_the_server_and_ends_the_wait():
    reason, message, _ = PULLS["containerd with a wrong password"]
    verdict = classify.classify_pod(pod(waiting(reason, message)), (), TENANT)
    assert "image pull unauthorized: registry.acme.io:5000 refused" in verdict.sentence
    assert "secret acme-etl/registry-acme" in verdict.sentence
    assert "registry-acme" in verdict.hint
    assert verdict.is_final


@pytest.mark.parametrize(
    ("tenant", "secrets", "words"),
    [
        (TENANT, (), "to a pod without secret registry-acme"),
        (replace(TENANT, registries=()), (), "without a secret for it"),
    ],
    ids=["secret not on the pod", "registry not of the tenant"],
)
def test_an_unauthorized_pull_says_when_there_was_no_secret_at_all(tenant, secrets, words):
    found = pod(waiting("ErrImagePull", REFERENCE + "no basic auth credentials"), secrets=secrets)
    assert words in classify.classify_pod(found, (), tenant).sentence


@pytest.mark.parametrize(
    ("case", "secrets", "is_final"),
    [
        ("containerd without credentials", ("registry-acme",), False),
        ("containerd without credentials", (), True),
        ("containerd with a wrong password", ("registry-acme",), True),
    ],
)
def test_a_login_that_the_kubelet_did_not_show_yet_may_come(case, secrets, is_final):
    _, message, _ = PULLS[case]
    found = pod(waiting("ErrImagePull", message), secrets=secrets)
    assert classify.classify_pod(found, (), TENANT).is_final is is_final


def test_a_registry_that_cannot_be_reached_may_come_back():
    _, message, _ = PULLS["port closed"]
    assert not classify.classify_pod(pod(waiting("ErrImagePull", message)), (), TENANT).is_final


@pytest.mark.parametrize(
    ("case", "word"),
    [("certificate of an unknown authority", "CA"), ("plain HTTP", "HTTP"), ("rate limit", "limits pulls")],
)
def test_what_to_do_about_an_unreachable_registry_depends_on_why(case, word):
    reason, message, _ = PULLS[case]
    assert word in classify.classify_pod(pod(waiting(reason, message)), (), TENANT).hint


def test_a_back_off_that_says_nothing_is_no_verdict():
    assert (
        classify.classify_pod(pod(waiting("ImagePullBackOff", f'Back-off pulling image "{IMAGE}"')), (), TENANT) is None
    )


@pytest.mark.parametrize(
    ("image", "server"),
    [
        (IMAGE, "registry.acme.io:5000"),
        ("localhost/probe", "localhost"),
        ("library/busybox:1", "docker.io"),
        ("busybox", "docker.io"),
        ("ghcr.io/acme/probe@sha256:0", "ghcr.io"),
    ],
)
def test_the_registry_of_an_image_is_told(image, server):
    assert pulls.parse_server(image) == server


@pytest.mark.parametrize(
    ("message", "cause"),
    [
        (f"0/3 nodes are available: 1 Insufficient cpu, 2 {NO_MATCH}. preemption: 0/3 nodes are available: 3 No.",
         Cause.UNSCHEDULABLE_CPU),
        ("0/1 nodes are available: 1 Insufficient memory.", Cause.UNSCHEDULABLE_MEMORY),
        ("0/1 nodes are available: 1 Too many pods.", Cause.UNSCHEDULABLE_MAX_PODS),
        ("0/2 nodes are available: 1 node(s) had untolerated taint {kpo-provision.io/pool: standard}, 1 " + NO_MATCH,
         Cause.UNSCHEDULABLE_TAINT),
        ("0/2 nodes are available: 2 node(s) had untolerated taint(s).", Cause.UNSCHEDULABLE_TAINT),
        (f"0/3 nodes are available: 3 {NO_MATCH}.", Cause.UNSCHEDULABLE_SELECTOR),
        ("no nodes available to schedule pods", Cause.UNSCHEDULABLE_SELECTOR),
        ("0/1 nodes are available: 1 node(s) were unschedulable.", Cause.UNSCHEDULABLE),
    ],
)  # fmt: skip
def test_a_pod_without_a_node_is_named_by_what_it_lacks(message, cause):
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}
    verdict = classify.classify_pod(pod(conditions=[condition]), (), TENANT)
    assert verdict.cause is cause
    assert not verdict.is_final
    assert "preemption" not in verdict.sentence


def test_a_pod_that_tolerates_its_pool_lacks_a_node_there_and_not_a_toleration():
    message = f"0/2 nodes are available: 1 {NO_MATCH}, 1 node(s) had untolerated taint(s)."
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}
    found = pod(conditions=[condition])
    found["spec"]["tolerations"] = [{"key": "kpo-provision.io/pool", "value": "standard"}]
    assert classify.classify_pod(found, (), TENANT).cause is Cause.UNSCHEDULABLE_SELECTOR


@pytest.mark.parametrize(
    ("status", "cause", "word"),
    [
        (waiting("CreateContainerConfigError", 'secret "db" not found'), Cause.CONTAINER_CONFIG, "db"),
        (
            waiting("CreateContainerConfigError", "container has runAsNonRoot and image will run as root"),
            Cause.CONTAINER_CONFIG,
            "runs as root",
        ),
        (
            terminated("StartError", 128, 'exec: "sh": executable file not found in $PATH'),
            Cause.CONTAINER_CONFIG,
            "/bin/sh",
        ),
        (terminated("OOMKilled", 137), Cause.OOM_KILLED, "memory limit"),
        (terminated("Error", 3), Cause.CRASH_LOOP, "kubectl logs"),
        (
            waiting("CrashLoopBackOff", lastState={"terminated": {"exitCode": 1, "reason": "Error"}}),
            Cause.CRASH_LOOP,
            "kubectl logs",
        ),
        (
            waiting("CrashLoopBackOff", lastState={"terminated": {"exitCode": 137, "reason": "OOMKilled"}}),
            Cause.OOM_KILLED,
            "memory limit",
        ),
    ],
    ids=["missing secret", "root image", "no shell", "out of memory", "exit code", "crash loop", "memory crash loop"],
)
def test_a_container_that_fails_is_named(status, cause, word):
    verdict = classify.classify_pod(pod(status), (), TENANT)
    assert verdict.cause is cause
    assert word in f"{verdict.sentence} {verdict.hint}"


def test_an_evicted_pod_says_why():
    found = pod(phase="Failed", reason="Evicted", message="The node was low on resource: memory.")
    verdict = classify.classify_pod(found, (), TENANT)
    assert (verdict.cause, "Evicted: The node was low" in verdict.sentence) == (Cause.POD_FAILED, True)


@pytest.mark.parametrize(
    "found",
    [pod(), pod(waiting("ContainerCreating")), pod({"name": "base", "state": {"running": {}}}), {"spec": {}}],
    ids=["new", "creating", "running", "no status yet"],
)
def test_a_pod_on_its_way_has_no_verdict(found):
    assert classify.classify_pod(found, (), TENANT) is None


def test_a_deadline_reports_the_last_state_and_the_last_warning():
    events = [{"type": "Normal", "message": "Scheduled"}, {"type": "Warning", "message": "network is not ready"}]
    verdict = classify.timed_out(pod(waiting("ContainerCreating")), events, waited_s=30)
    assert "phase Pending; container base is waiting (ContainerCreating); network is not ready" in verdict.sentence


@pytest.mark.parametrize(
    ("message", "cause"),
    [
        ('pods "x" is forbidden: User "system:serviceaccount:acme-etl:etl" cannot create resource "pods" in API group',
         Cause.FORBIDDEN_RBAC),
        ('pods "x" is forbidden: exceeded quota: kpo-quota, requested: pods=1, used: pods=10, limited: pods=10',
         Cause.QUOTA_EXCEEDED),
        ('pods "x" is forbidden: failed quota: kpo-quota: must specify limits.cpu for: base; limits.memory for: base',
         Cause.LIMIT_RANGE),
        ('pods "x" is forbidden: maximum memory usage per Pod is 4Gi, but limit is 9663676416', Cause.LIMIT_RANGE),
        ('pods "x" is forbidden: minimum cpu usage per Container is 400m, but request is 1m', Cause.LIMIT_RANGE),
        ('pods "x" is forbidden: cpu max limit to request ratio per Container is 5, but provided ratio is 100.0',
         Cause.LIMIT_RANGE),
        ('pods "x" is forbidden: violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false',
         Cause.POD_SECURITY),
        ("pods \"x\" is forbidden: ValidatingAdmissionPolicy 'kpo-pool-guard' with binding 'guard' denied request: no",
         Cause.ADMISSION_REFUSED),
        ('admission webhook "validate.acme.io" denied the request: image not signed', Cause.ADMISSION_REFUSED),
        ('pods "x" is forbidden: error looking up service account acme-etl/default: serviceaccount "default" not found',
         Cause.SERVICE_ACCOUNT_MISSING),
        ('Internal error occurred: failed calling something', Cause.REFUSED),
    ],
)  # fmt: skip
def test_a_refusal_is_named(message, cause):
    error = errors.ApiError(verb="create", target="Pod acme-etl/x", status=403, reason="Forbidden", message=message)
    verdict = refusals.classify_refusal(error)
    assert verdict.cause is cause
    assert 'pods "x"' not in verdict.sentence
