"""What is found out about hosts: how it is told, how hosts are compared, and what the real script says of this machine.

The script only looks, so that it may run here: a program named ``ssh`` runs it where it stands.
"""

import contextlib
import os
import re
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from kpo_provision import catalog, progress, spec
from kpo_provision.hosts import Access, Hop, Wanted, look_at_hosts
from kpo_provision.hosts.preflight import parse_look
from kpo_provision.render.node_files import ClusterFacts
from kpo_provision.results import Finding
from kpo_provision.sizing import pools
from kpo_provision.target.host_access import HostAccess

EXAMPLE = Path(__file__).parents[2] / "examples" / "self-hosted.yaml"
MEMORY_KI = int(re.search(r"^MemTotal: +(\d+) kB", Path("/proc/meminfo").read_text(), re.MULTILINE)[1])
CPUS = len(os.sched_getaffinity(0))
ARCHITECTURE = {"x86_64": "amd64", "aarch64": "arm64"}[os.uname().machine]

# Nothing listens on port 1, so that nobody is asked. The values are such as this machine just fulfils.
FULFILLED = {
    "ALLOW_CGROUP_V1": "false",
    "API_SERVER": "127.0.0.1:1",
    "ARCHITECTURE": ARCHITECTURE,
    "CA_PINS": "",
    "CPUS": str(CPUS),
    "IMAGE_NO_PROXY": "",
    "IMAGE_PROXY": "",
    "MEMORY_KI": str(MEMORY_KI),
    "MIN_DISK_MIB": "0",
    "MINOR": "37",
    "NODE_ADDRESS": "127.0.0.1",
    "REGISTRIES": "",
    "BUNDLE_CONTAINERD": "",
    "BUNDLE_KUBERNETES": "",
    "BUNDLE_PROGRAMS": "",
    "SANDBOX_IMAGE": "",
    "SERVER_MINOR": "37",
}
UNFULFILLED = {
    "ARCHITECTURE": "s390x",
    "CPUS": "4096",
    "MEMORY_KI": str(MEMORY_KI + 1),
    "MIN_DISK_MIB": "999999999999",
    "NODE_ADDRESS": "192.0.2.1",
    "REGISTRIES": "https://127.0.0.1:1",
}
WHAT_IS_JUDGED = {f"host-{of}" for of in ("address", "architecture", "clock", "cpus", "disk", "memory", "registry")}

# Runs what it is given, keeps what that said, and has it tell where it kept what only the run needs.
HERE = """\
{ CHANGE; printf '\\nprintf %%s "$RUN" >%s.run\\n' "$0"; } | bash -s >"$0.out" 2>"$0.err"
code=$?
cat "$0.out"
exit $code
"""


def install_ssh(folder, text):
    program = folder / "ssh"
    program.write_text(f"#!/bin/sh\n{text}")
    program.chmod(0o755)
    return program


@pytest.fixture
def ssh(tmp_path, monkeypatch):
    """Have a script be the program ``ssh``; ``$*`` ends with the login and the command."""
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return lambda text: install_ssh(tmp_path, text)


def wanted(number, **settings):
    target = Hop(address=f"10.0.0.{number}", port=22, user="root")
    return Wanted(access=Access(node=f"node-{number}", target=target, known_hosts=Path("/none")), settings=settings)


def look(*numbers):
    return look_at_hosts([wanted(number) for number in numbers], progress=progress.Silent())


def codes(seen):
    return [finding.code for finding in seen.findings]


def test_what_the_script_prints_becomes_facts_keys_and_findings():
    text = (
        "Welcome to node-1!\n"
        "fact\tos\tdebian 12\nfact\tmemoryKi\t16384000\nfact\tcpus\t8\nfact\tstorageKi\t102400\n"
        "fact\tmachineId\tabc\nfact\tmembership\tjoined\nfact\tapplied\tf00\n"
        "fact\tof a later version\t1\n"
        "finding\thost-swap\tfatal\tswap is on \tswapoff -a\n"
        "finding\thost-ntp\twarning\tnothing keeps its clock right\trun chrony\n"
        "hostKey\tssh-ed25519 AAAA1\nhostKey\tssh-rsa AAAA2\n"
    )
    seen = parse_look("node-1", text)
    facts = seen.facts
    assert (seen.node, facts.os, facts.machine_id) == ("node-1", "debian 12", "abc")
    assert (facts.memory_ki, facts.cpus, facts.storage_ki) == (16384000, 8, 102400)
    assert (facts.membership, facts.applied) == ("joined", "f00")
    assert facts.host_keys == ("ssh-ed25519 AAAA1", "ssh-rsa AAAA2")
    swap = Finding(code="host-swap", is_fatal=True, problem="swap is on", hint="swapoff -a")
    assert seen.findings[0] == swap
    assert [finding.is_fatal for finding in seen.findings] == [True, False]
    assert seen.fatal == (swap,)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "fact",
        "fact\tcpus",
        "fact\tcpus\t8\t9",
        "finding\thost-swap\tfatal\tswap is on",
        "finding\thost-swap\tfatal\tswap is on\tswapoff\tand more",
        "hostKey\tssh-rsa\tAAAA",
        "hostkey\tssh-rsa AAAA",
        " fact\tcpus\t8",
        "Last login: never\tfrom\tnowhere",
    ],
)
def test_what_a_login_shell_greets_with_is_nothing(line):
    assert parse_look("node-1", f"{line}\n") == parse_look("node-1", "")


def test_facts_that_are_not_told_are_empty():
    facts = parse_look("node-1", "fact\tcpus\t\n").facts
    assert (facts.os, facts.cpus, facts.memory_ki, facts.membership, facts.host_keys) == ("", 0, 0, "", ())


def test_no_host_is_no_look():
    assert look() == ()


def test_every_host_is_looked_at_and_one_that_cannot_be_reached_holds_up_no_other(ssh):
    ssh(
        'case "$*" in\n'
        "*@10.0.0.2*) echo 'Connection refused' >&2; exit 255 ;;\n"
        "*) printf 'fact\\tcpus\\t%s\\n' \"$(echo \"$*\" | sed 's/.*@10.0.0.//; s/ .*//')\" ;;\nesac\n"
    )
    seen = look(3, 2, 1)
    assert [host.node for host in seen] == ["node-3", "node-2", "node-1"]
    assert [host.facts and host.facts.cpus for host in seen] == [3, None, 1]
    assert [codes(host) for host in seen] == [[], ["ssh-reach"], []]


def test_hosts_that_are_copies_of_one_another_are_named_to_each(ssh):
    ssh(
        'case "$*" in *@10.0.0.2*) id=other ;; *) id=same ;; esac\n'
        "printf 'finding\\thost-ntp\\twarning\\tno\\tyes\\nfact\\tmachineId\\t%s\\n' \"$id\"\n"
    )
    first, other, second, third = look(1, 2, 3, 4)
    assert codes(other) == ["host-ntp"]
    assert [codes(twin) for twin in (first, second, third)] == [["host-ntp", "host-machine-id"]] * 3
    assert first.fatal[0].problem == "has the machine ID of node-3, node-4"
    assert second.fatal[0].problem == "has the machine ID of node-1, node-4"
    assert "systemd-machine-id-setup" in first.fatal[0].hint


@pytest.mark.parametrize("text", ["printf 'fact\\tmachineId\\t\\n'\n", "exit 255\n"])
def test_hosts_without_a_machine_id_are_no_copies(ssh, text):
    ssh(text)
    assert not [code for host in look(1, 2) for code in codes(host) if code == "host-machine-id"]


def test_whoever_waits_hears_of_every_host(ssh):
    heard = []

    class Counting(progress.Silent):
        @contextlib.contextmanager
        def step(self, title, *, total=None):
            heard.append((title, total))
            yield self

        def advance(self):
            heard.append(1)

    ssh("exit 255\n")
    look_at_hosts([wanted(number) for number in range(5)], progress=Counting())
    assert heard == [("Look at the hosts", 5), 1, 1, 1, 1, 1]


def test_settings_reach_the_script_as_they_are_whatever_is_in_them(ssh, tmp_path):
    ssh(f"cat >{tmp_path}/script\n")
    odd = 'it\'s "a" $HOME `id` \\ ;'
    look_at_hosts([wanted(1, SANDBOX_IMAGE=odd)], progress=progress.Silent())
    head = [line for line in tmp_path.joinpath("script").read_text().splitlines() if line.startswith("readonly ")]
    ask = 'printf "%s|%s|%s" "$NODE" "$SANDBOX_IMAGE" "$NOW"'
    said = subprocess.run(["bash", "-c", "\n".join([*head[:3], ask])], capture_output=True, text=True, check=True)
    node, image, now = said.stdout.split("|")
    assert (node, image) == ("node-1", odd)
    assert int(now) > 1_700_000_000


def look_here(folder, *, settings=FULFILLED, change="cat"):
    """Run the real script on this machine, changed by a filter; root's own commands are as they are."""
    program = install_ssh(folder, HERE.replace("CHANGE", change))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
        [seen] = look_at_hosts([wanted(1, **settings)], progress=progress.Silent())
    return seen, program


def shift_clock(seconds):
    return f'sed "s/^readonly NOW=.*/readonly NOW=$(($(date -u +%s) + {seconds}))/"'


@pytest.fixture(scope="module")
def fit(tmp_path_factory):
    """This machine, judged by what it fulfils."""
    return look_here(tmp_path_factory.mktemp("fit"))


@pytest.fixture(scope="module")
def unfit(tmp_path_factory):
    """This machine, judged by what it does not fulfil, with a clock an hour ahead."""
    return look_here(tmp_path_factory.mktemp("unfit"), settings={**FULFILLED, **UNFULFILLED}, change=shift_clock(-3600))


def problem(look, code):
    [found] = [finding for finding in look.findings if finding.code == code]
    return found.problem


def test_the_script_says_what_this_machine_is(fit):
    facts = fit[0].facts
    disk = os.statvfs(next(place for place in ("/var/lib/kubelet", "/var/lib") if Path(place).is_dir()))
    storage_ki = disk.f_blocks * disk.f_frsize // 1024
    assert (facts.memory_ki, facts.cpus, facts.storage_ki) == (MEMORY_KI, CPUS, storage_ki)
    assert facts.os.strip()
    assert facts.membership in ("fresh", "half", "joined", "foreign")


def test_the_keys_that_the_host_shows_are_told_without_comments(tmp_path):
    for kind in ("ed25519", "rsa", "dss"):
        tmp_path.joinpath(f"ssh_host_{kind}_key").write_text("secret\n")
        tmp_path.joinpath(f"ssh_host_{kind}_key.pub").write_text(f"ssh-{kind} AAAA root@rack 7\n")
    served = "".join(f"echo hostkey {tmp_path}/ssh_host_{kind}_key\n" for kind in ("ed25519", "rsa", "lost"))
    program = tmp_path / "sshd"
    program.write_text(f'#!/bin/sh\n[ "$*" = -T ] && echo port 22\n{served}')
    program.chmod(0o755)
    seen, _ = look_here(tmp_path)
    assert seen.facts.host_keys == ("ssh-ed25519 AAAA", "ssh-rsa AAAA")


@pytest.fixture
def answering():
    """Serve on this machine, as a registry or as a proxy; tell its URL and keep what it was asked for."""
    with contextlib.ExitStack() as stack:
        yield lambda status: stack.enter_context(serve(status))


@contextlib.contextmanager
def serve(status):
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def find_of_registries(folder, **settings):
    seen, _ = look_here(folder, settings={**FULFILLED, **settings})
    return {finding.code: finding.problem for finding in seen.findings if "registry" in finding.code}


def test_a_registry_without_encryption_that_asks_for_a_login_is_there(tmp_path, answering):
    url, asked = answering(401)
    assert find_of_registries(tmp_path, REGISTRIES=url) == {}
    assert asked == ["/v2/"]


def test_a_registry_that_is_out_of_order_is_found(tmp_path, answering):
    url, _ = answering(503)
    assert find_of_registries(tmp_path, REGISTRIES=url) == {"host-registry": f"{url} answers HTTP 503"}


def test_a_registry_whose_name_does_not_resolve_is_found_unless_a_proxy_resolves_it(tmp_path, answering):
    url = "http://registry.invalid:5000"
    found = find_of_registries(tmp_path, REGISTRIES=url)
    assert found == {"host-registry-name": f"the name of the registry, {url}, does not resolve"}
    proxy, asked = answering(200)
    assert find_of_registries(tmp_path, REGISTRIES=url, IMAGE_PROXY=proxy) == {}
    assert asked == [f"{url}/v2/"]


def test_what_a_proxy_does_not_reach_is_found_and_the_proxy_is_named(tmp_path, answering):
    proxy, _ = answering(502)
    found = find_of_registries(tmp_path, REGISTRIES="http://registry.invalid", IMAGE_PROXY=proxy)
    assert found == {"host-registry": f"http://registry.invalid, by the proxy {proxy} answers HTTP 502"}
    refused = find_of_registries(tmp_path, REGISTRIES="https://registry.invalid", IMAGE_PROXY=proxy)
    assert f"https://registry.invalid, by the proxy {proxy} does not answer: curl: (" in refused["host-registry"]


def test_a_registry_that_is_near_is_asked_without_the_proxy(tmp_path, answering):
    url, asked = answering(200)
    near = {"IMAGE_PROXY": "http://127.0.0.1:1", "IMAGE_NO_PROXY": "10.0.0.0/8,127.0.0.0/8"}
    assert find_of_registries(tmp_path, REGISTRIES=url, **near) == {}
    assert asked == ["/v2/"]


def test_it_prints_nothing_but_lines_that_are_understood(fit, unfit):
    fields = {"fact": 3, "finding": 5, "hostKey": 2}
    for _, program in (fit, unfit):
        lines = [line.split("\t") for line in program.with_name("ssh.out").read_text().splitlines()]
        assert lines
        assert [line for line in lines if fields.get(line[0]) != len(line)] == []
        findings = [line for line in lines if line[0] == "finding"]
        assert [line for line in findings if line[2] not in ("fatal", "warning") or not all(line)] == []


def test_it_ends_well_and_leaves_nothing_behind(fit, unfit):
    for seen, program in (fit, unfit):
        assert seen.facts is not None
        folder = Path(program.with_name("ssh.run").read_text())
        assert folder.name.startswith("kpo-provision-")
        assert not folder.exists()


def test_what_a_machine_just_fulfils_is_no_finding(fit):
    assert not WHAT_IS_JUDGED & set(codes(fit[0]))


def test_what_a_machine_does_not_fulfil_is_fatal(unfit):
    assert {finding.code for finding in unfit[0].fatal} >= WHAT_IS_JUDGED


def test_a_finding_says_what_is_there_and_what_is_wanted(unfit):
    machine = unfit[0]
    assert f"{MEMORY_KI} KiB of memory, less than the {MEMORY_KI + 1} KiB" in problem(machine, "host-memory")
    assert f"it has {CPUS} CPUs, fewer than the 4096" in problem(machine, "host-cpus")
    assert f"{os.uname().machine}, and the pool is for s390x" in problem(machine, "host-architecture")
    assert "999999999999 are needed" in problem(machine, "host-disk")
    assert "192.0.2.1 is no address of this host" in problem(machine, "host-address")
    assert "https://127.0.0.1:1 does not answer" in problem(machine, "host-registry")
    assert "https://127.0.0.1:1 does not answer" in problem(machine, "host-api")
    assert re.search(r"its clock is 3[56]\d\d s ahead", problem(machine, "host-clock"))


def test_a_clock_that_is_behind_is_found_as_well_and_every_finding_is_one_line(tmp_path):
    more = """printf '%s\\n' "finding odd fatal $'one\\n\\t two' next" """
    seen, _ = look_here(tmp_path, change=f"{shift_clock(3600)}; {more}")
    assert problem(seen, "odd") == "one two"
    assert re.search(r"its clock is 3[56]\d\d s behind", problem(seen, "host-clock"))


def test_the_target_tells_the_script_all_that_it_asks_for(tmp_path):
    for name in ("kubeconfig", "id_ed25519", "known_hosts"):
        tmp_path.joinpath(name).touch()
    installation = spec.parse_spec(EXAMPLE.read_text(), file="spec.yaml")
    size = pools.size_pools(installation, catalog.load_catalog(), pools.SizeOptions(compare=0))
    access = HostAccess(installation, installation.target.self_hosted, base=tmp_path)
    cluster = ClusterFacts(api_server="127.0.0.1:1", ca_pins=("sha256:00",), version="v1.37.0")
    listed = list(access.list_wanted(size, cluster))
    assert sorted(host.access.node for host in listed) == ["node-1", "node-2", "node-3"]
    told = {**listed[0].settings, "REGISTRIES": ""}
    assert (told["CPUS"], told["MEMORY_KI"]) == ("2", str(16 * 2**20))
    seen, _ = look_here(tmp_path, settings=told)
    assert seen.facts is not None, seen.findings
