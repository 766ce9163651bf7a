"""Hosts without the Internet on a real cluster: one that has nothing joins from a bundle, and leaves as it was."""

import json
import sys

import pytest

from kpo_provision.local.images import make_image, make_layer, write_archive
from kpo_provision.local.recipes import KUBERNETES_VERSION
from tests.hosts.administrator import Administrator

# As long as names are at sites with registries of their own, and no sandbox's, which containerd pins by itself.
TASKS = "registry.acme.io/data-platform/airflow/tasks-of-frigid-vacuum:2026-11"
BUNDLE = ('    version: "1.37"\n', '    version: "1.37"\n    bundle: kpo.tar.gz\n')


@pytest.fixture(scope="module")
def hosts(site):
    """One that has nothing, and two that have what a node needs."""
    return [site.add_host("node-1", bare=True), site.add_host("node-2"), site.add_host("node-3")]


@pytest.fixture(scope="module")
def before(hosts):
    return hosts[0].files()


@pytest.fixture(scope="module")
def admin(site, hosts, tmp_path_factory):
    admin = Administrator(site, tmp_path_factory.mktemp("bundle"))
    pause = site.options.layout.images / "pause.tar"
    tasks = admin.folder / "tasks.tar"
    write_archive(make_image(TASKS, layer=make_layer({}), command=["tasks"]), tasks)
    argv = ["bundle", "create", "--out", admin.folder / "kpo.tar.gz", "--image", pause, "--image", tasks, "-o", "json"]
    made = site.run(sys.executable, "-m", "kpo_provision", *argv, cwd=admin.folder)
    assert json.loads(made.stdout)["images"] == ["kpo.local/pause:1", TASKS]
    return admin


def test_without_a_bundle_it_lacks_what_makes_a_node(admin, before):
    planned = admin.succeed("plan", "-o", "json", code=8).document
    (bare,) = [host for host in planned["infrastructure"]["hosts"] if host["host"] == "node-1"]
    assert {"host-programs", "host-units"} <= {finding["code"] for finding in bare["findings"]}


def test_it_joins_from_the_bundle_and_runs_a_probe(admin, api, hosts):
    admin.edit(BUNDLE)
    planned = admin.succeed("plan", "-o", "json", code=8).document
    assert [host["host"] for host in planned["infrastructure"]["hosts"] if any_fatal(host)] == []
    report = admin.apply()
    assert report["success"], report
    node = api.read("Node", "node-1")
    assert node["status"]["nodeInfo"]["kubeletVersion"] == f"v{KUBERNETES_VERSION}"
    api.patch("Node", "node-2", None, {"spec": {"unschedulable": True}})
    checks = admin.succeed("verify", "--tenant", "frigid-vacuum-0996", "-o", "json").document["checks"]
    (placed,) = [check for check in checks if check["id"] == "probe-scheduled"]
    assert "node-1" in placed["detail"]
    api.patch("Node", "node-2", None, {"spec": {"unschedulable": None}})
    for image in ("kpo.local/pause:1", TASKS):
        assert "io.cri-containerd.pinned=pinned" in hosts[0].run(f"ctr -n k8s.io images ls name=={image}").stdout


def any_fatal(host):
    return any(finding["fatal"] for finding in host["findings"])


def test_what_a_host_has_of_its_own_stays_its_own(hosts):
    assert hosts[0].run("grep -c . /var/lib/kpo-provision/installed").stdout.strip() != "0"
    assert hosts[1].run("ls /var/lib/kpo-provision").stdout.find("installed") == -1


def test_a_second_apply_changes_nothing(admin):
    assert "no changes" in admin.succeed("plan").out
    assert admin.apply("--no-verify")["changes"]["objects"] == []


def test_it_leaves_as_it_was(admin, hosts, before):
    admin.succeed("destroy", "--yes")
    hosts[0].wait_until_tidy()
    after = hosts[0].files()
    assert {path: after.get(path) for path in {*before, *after} if before.get(path) != after.get(path)} == {}
    assert hosts[0].run("command -v kubelet containerd runc", check=False).stdout == ""
    assert hosts[0].run("ls -A /var/lib/containerd").stdout == ""
