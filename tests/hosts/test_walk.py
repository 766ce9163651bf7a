"""Three hosts from nothing to proven nodes, changed in every way, and back to what they were."""

import base64
import json
import threading

import pytest

from kpo_provision.kube.api import Api

pytestmark = pytest.mark.machine

POOL = "kpo-provision.io/pool"
NODE_2 = "      node-2: {address: 10.89.0.12}\n"
NODE_4 = "      node-4: {address: 10.89.0.14}\n"


@pytest.fixture
def three(site, admin):
    for name in ("node-1", "node-2", "node-3"):
        site.add_host(name)
    admin.refresh()
    return admin


class Tokens:
    """Notes, as long as it lasts, the secret part of every bootstrap token that there is."""

    def __init__(self, api):
        self._api = api
        self._others = self.list()
        self.seen = set()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()

    def list(self):
        found = self._api.list("Secret", "kube-system", field_selector="type=bootstrap.kubernetes.io/token")
        return {base64.b64decode(secret["data"]["token-secret"]).decode() for secret in found}

    def left(self):
        return self.list() - self._others

    def _look(self):
        while not self._stop.wait(0.1):
            self.seen |= self.left()


def nodes(api: Api):
    return {node["metadata"]["name"]: node for node in api.list("Node", label_selector=POOL)}


def changed(document):
    """Return what became of the hosts that did not stay as they were."""
    hosts = document["infrastructure"]["hosts"]
    return {host["host"]: host["action"] for host in hosts if host["action"] != "unchanged"}


def require_predicted(admin, api):
    """Check that nodes offer what ``size`` said they would, to the KiB."""
    for sized in admin.succeed("size", "-o", "json").document["pools"]:
        shape = sized["node"]
        found = [node for node in nodes(api).values() if node["metadata"]["labels"][POOL] == sized["name"]]
        assert found
        for node in found:
            offered = node["status"]["allocatable"]
            assert offered["memory"] == f"{shape['allocatableMemoryKi']}Ki"
            assert offered["cpu"] == f"{shape['allocatableCpuMilli']}m"
            assert offered["pods"] == str(shape["maxPods"])
            assert offered["ephemeral-storage"] == str(shape["allocatableEphemeralBytes"])
            assert {taint["key"] for taint in node["spec"]["taints"]} == {POOL}


def require_unchanged(admin):
    again = admin.apply("--no-verify")
    assert again["changes"]["objects"] == []
    assert {host["action"] for host in again["infrastructure"]["hosts"]} == {"unchanged"}
    assert "no changes" in admin.succeed("plan").out
    assert "as specified" in admin.succeed("status").out


def require_probe(admin, tenant, node, api):
    """Prove a tenant on one node of its pool, the others being cordoned."""
    others = [name for name in nodes(api) if name != node]
    for name in others:
        api.patch("Node", name, None, {"spec": {"unschedulable": True}})
    document = admin.succeed("verify", "--tenant", tenant, "-o", "json").document
    (placed,) = (check for check in document["checks"] if check["id"] == "probe-scheduled")
    assert placed["evidence"]["node"] == node
    (logged,) = (check for check in document["checks"] if check["id"] == "probe-log")
    assert "hello" in logged["detail"]
    for name in others:
        api.patch("Node", name, None, {"spec": {"unschedulable": None}})


def require_no_secret(site, admin, secrets):
    """Check that secrets are neither in Terraform's workspace nor on a host, in memory or on disk."""
    for path in admin.workspace.rglob("*"):
        if path.is_file():
            text = path.read_bytes()
            assert not [secret for secret in secrets if secret.encode() in text], path
    for host in site.hosts.values():
        for secret in secrets:
            found = host.run(
                f"grep -rIlF -- {secret} /etc /home /root /run /tmp /var/log /var/lib/kubelet", check=False
            )
            assert found.stdout == ""


def test_hosts_join_change_and_leave_as_they_were(site, three, api):
    before = {name: host.files() for name, host in site.hosts.items()}
    join(site, three, api)
    add_one(site, three, api)
    change_max_pods(three, api)
    remove_one(three, api)
    give_logins(site, three)
    rotate_authority(site, three)
    leave(three, api)
    for name, files in before.items():
        site.hosts[name].wait_until_tidy()
        after = site.hosts[name].files()
        assert {path: what for path, what in after.items() if files.get(path) != what} == {}
        assert files.keys() - after.keys() == set()
        states = "systemctl is-enabled kubelet containerd; systemctl is-active kubelet; ls /run | grep kpo"
        assert site.hosts[name].run(states, check=False).stdout.split() == ["disabled", "disabled", "inactive"]


def join(site, admin, api):
    assert "joins" in admin.succeed("plan", code=8).out
    assert nodes(api) == {}
    with Tokens(api) as tokens:
        applied = admin.apply()
    assert (applied["success"], applied["simulated"]) == (True, False)
    assert [host["action"] for host in applied["infrastructure"]["hosts"]] == ["create"] * 3
    require_predicted(admin, api)
    require_unchanged(admin)
    for tenant, node in (
        ("frigid-vacuum-0996", "node-1"),
        ("frigid-vacuum-0996", "node-2"),
        ("stellar-comet-7312", "node-3"),
    ):
        require_probe(admin, tenant, node, api)
    login = json.loads((admin.folder / "config.json").read_text())["auths"]["registry.local:5000"]["password"]
    assert len(tokens.seen) == 1
    assert not tokens.left()
    require_no_secret(site, admin, [login, *tokens.seen])


def add_one(site, admin, api):
    site.add_host("node-4")
    admin.refresh()
    admin.edit((NODE_2, NODE_2 + NODE_4))
    assert changed(admin.apply("--no-verify")) == {"node-4": "create"}
    assert sorted(nodes(api)) == ["node-1", "node-2", "node-3", "node-4"]


def change_max_pods(admin, api):
    admin.edit(("maxPodsPerNode: 60", "maxPodsPerNode: 40"))
    assert changed(admin.apply("--no-verify")) == dict.fromkeys(("node-1", "node-2", "node-4"), "update")
    require_predicted(admin, api)
    require_unchanged(admin)


def remove_one(admin, api):
    admin.edit((NODE_4, ""))
    assert changed(admin.apply("--no-verify")) == {"node-4": "delete"}
    assert sorted(nodes(api)) == ["node-1", "node-2", "node-3"]


def give_logins(site, admin):
    """Kubelets get a registry login, then another password, each in one apply; the old one is nowhere any more."""
    held = "/var/lib/kubelet/config.json"
    edited = ("    registries:\n      registry", "    nodeRegistries: [local]\n    registries:\n      registry")
    admin.edit(edited)
    config = admin.folder / "config.json"
    original = config.read_text()
    auth = json.loads(original)["auths"]["registry.local:5000"]["auth"]
    assert changed(admin.apply("--no-verify")) == dict.fromkeys(("node-1", "node-2", "node-3"), "update")
    for host in site.hosts.values():
        if host.name != "node-4":
            assert json.loads(host.run(f"cat {held}").stdout) == {"auths": {"registry.local:5000": {"auth": auth}}}
            assert host.run(f"stat -c %a {held}").stdout == "600\n"
    require_unchanged(admin)
    config.write_text(original.replace(auth, base64.b64encode(b"kpo:another").decode()))
    assert "registry logins of node-1" in admin.succeed("plan", code=8).out
    assert changed(admin.apply("--no-verify")) == dict.fromkeys(("node-1", "node-2", "node-3"), "update")
    require_no_secret(site, admin, [auth])
    config.write_text(original)
    admin.edits.remove(edited)
    admin.edit()
    assert changed(admin.apply("--no-verify")) == dict.fromkeys(("node-1", "node-2", "node-3"), "update")
    assert site.hosts["node-1"].run(f"ls {held}", check=False).stdout == ""


def rotate_authority(site, admin):
    authority = admin.folder / "registry-ca.crt"
    authority.write_text(authority.read_text() * 2)
    assert changed(admin.apply()) == dict.fromkeys(("node-1", "node-2", "node-3"), "update")
    held = site.hosts["node-1"].run("cat /etc/containerd/certs.d/registry.local:5000/ca.crt").stdout
    assert held.count("BEGIN CERTIFICATE") == 2


def leave(admin, api):
    admin.succeed("destroy", "--yes")
    assert nodes(api) == {}
