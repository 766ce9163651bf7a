"""What is in the way of a host is found before anything is touched, named, and holds up no other host."""

import pytest

pytestmark = pytest.mark.machine

API = "-d 10.88.0.1 -p tcp --dport 6443 -j REJECT --reject-with icmp-admin-prohibited"
OLD_CONFIG = 'version = 2\n[plugins."io.containerd.grpc.v1.cri"]\n  max_container_log_line_size = 16384\n'
KEPT_CONFIG = """\
version = 3
imports = ["/etc/containerd/conf.d/*.toml"]

[plugins."io.containerd.cri.v1.runtime"]
max_container_log_line_size = 16384
"""
# The kernel has one clock for all hosts of the site: the host's programs are shown another.
LATE = '#!/bin/sh\nif [ "$*" = "-u +%s" ]; then echo $(($(/bin/date -u +%s) - 3600)); else exec /bin/date "$@"; fi\n'
PROXY = "    proxy: {https: 'http://10.89.0.99:3128', noProxy: [registry.local]}\n"
NEWER = "#!/bin/sh\necho Kubernetes v1.38.0\n"


@pytest.fixture
def spoiled(site, admin):
    """Eight hosts with something wrong about each but the first, and what is found out about each."""
    hosts = {name: site.add_host(name) for name in (f"node-{number}" for number in range(1, 9))}
    admin.refresh()
    hosts["node-2"].run(f"iptables -A OUTPUT {API}")
    hosts["node-3"].run("mount -t tmpfs -o size=40m none /var/lib")
    hosts["node-4"].write("/usr/local/sbin/date", LATE)
    hosts["node-4"].run("chmod 755 /usr/local/sbin/date")
    hosts["node-8"].write("/usr/local/sbin/kubelet", NEWER)
    hosts["node-8"].run("chmod 755 /usr/local/sbin/kubelet")
    hosts["node-5"].write("/etc/containerd/config.toml", OLD_CONFIG)
    known = admin.folder / "known_hosts"
    lines = known.read_text().splitlines()
    others = [line.replace("10.89.0.11 ", "10.89.0.16 ") for line in lines if line.startswith("10.89.0.11 ")]
    own = [line for line in lines if not line.startswith("10.89.0.16 ")]
    known.write_text("".join(f"{line}\n" for line in own + others))
    hosts["node-7"].write("/etc/containerd/config.toml", KEPT_CONFIG)
    lines = "".join(f"      node-{number}: {{address: 10.89.0.{10 + number}}}\n" for number in (2, 4, 5, 6, 7, 8))
    admin.edit(("      node-2: {address: 10.89.0.12}\n", lines))
    return hosts


FOUND = {
    "node-2": "host-api",
    "node-3": "host-disk",
    "node-4": "host-clock",
    "node-5": "host-containerd-config",
    "node-6": "ssh-host-key",
    "node-8": "host-skew",
}


def mend(hosts, admin):
    hosts["node-2"].run(f"iptables -D OUTPUT {API}")
    hosts["node-3"].run("umount /var/lib")
    hosts["node-4"].run("rm /usr/local/sbin/date")
    hosts["node-8"].run("rm /usr/local/sbin/kubelet")
    hosts["node-5"].run("mv /etc/containerd/config.toml /etc/containerd/config.toml.old")
    admin.refresh()


def members(document, action):
    return {host["host"] for host in document["infrastructure"]["hosts"] if host["action"] == action}


def test_what_is_wrong_with_a_host_is_named_and_the_others_join(admin, spoiled):
    before = {name: host.files() for name, host in spoiled.items()}
    document = admin.apply("--no-verify", code=6)
    fatal = {
        host["host"]: {finding["code"] for finding in host["findings"] if finding["fatal"]}
        for host in document["infrastructure"]["hosts"]
    }
    assert {name: codes for name, codes in fatal.items() if codes} == {name: {code} for name, code in FOUND.items()}
    failures = {failure["host"]: failure for failure in document["changes"]["hostFailures"]}
    assert failures.keys() == FOUND.keys(), failures
    assert all(FOUND[name] in failure["problem"] and failure["hint"] for name, failure in failures.items())
    for name in FOUND:
        assert spoiled[name].files() == before[name], "a host that was found unfit is not touched"
    joined = set(spoiled) - FOUND.keys()
    assert joined == {"node-1", "node-7"}
    config = spoiled["node-7"].run("cat /etc/containerd/config.toml; containerd config dump").stdout
    assert config.startswith(KEPT_CONFIG)
    assert "max_container_log_line_size = 16384" in config.removeprefix(KEPT_CONFIG)
    assert "config_path = '/etc/containerd/certs.d'" in config

    mend(spoiled, admin)
    again = admin.apply("--no-verify")
    assert members(again, "create") == FOUND.keys()
    assert admin.apply("--no-verify")["changes"]["objects"] == []
    admin.succeed("destroy", "--yes")
    assert spoiled["node-7"].run("cat /etc/containerd/config.toml").stdout == KEPT_CONFIG


def test_hosts_join_as_root_with_a_proxy_for_images(site, admin):
    site.clear()
    for name in ("node-1", "node-2", "node-3"):
        site.add_host(name)
    admin.refresh()
    admin.edit(
        ("      user: ops ", "      user: root "),
        ("    registries:\n      registry", f"{PROXY}    registries:\n      registry"),
    )
    applied = admin.apply()
    assert applied["success"]
    assert members(applied, "create") == {"node-1", "node-2", "node-3"}
    environment = site.hosts["node-1"].run("systemctl show containerd -p Environment --value").stdout
    for part in ("HTTPS_PROXY=http://10.89.0.99:3128", "10.88.0.1", "10.244.0.0/16", "registry.local"):
        assert part in environment


def test_a_bastion_whose_key_terraform_cannot_check_is_refused(site, admin):
    admin.edit(("      user: ops ", "      bastion: {address: 10.89.0.13}\n      user: ops "))
    refused = admin.run("plan")
    assert refused.code == 4
    assert "hashicorp/terraform#38318" in refused.err
