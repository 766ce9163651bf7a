"""A spec that is wrong is refused with every problem at once, each at its place and in words that help."""

import pathlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kpo_provision import errors, quantity, spec
from kpo_provision.spec import starter

GOLDEN = pathlib.Path(__file__).parent.parent / "golden" / "spec_errors"

VALID = """\
apiVersion: kpo-provision.io/v1
kind: Installation
metadata: {name: acme}
namespacePrefix: astronomer
target: {local: {}}
registries:
  acme:
    server: registry.acme.io
    credentials: {dockerConfig: ~/.docker/config.json}
nodePools:
  standard:
    largestPod: {cpu: 3500m, memory: 13Gi}
tenants:
  frigid-vacuum-0996: {extraCapacity: 10, registries: [acme]}
  solar-orbit-4143: {extraCapacity: 0}
"""


def find_issues(text):
    with pytest.raises(errors.SpecError) as caught:
        spec.parse_spec(text, file="spec.yaml")
    assert caught.value.exit_code is errors.ExitCode.SPEC
    assert all(issue.file == "spec.yaml" and issue.line and issue.column for issue in caught.value.issues)
    return caught.value.issues


def find_issue(old, new):
    """Break the valid spec in one place; return the one issue."""
    assert VALID.count(old) == 1
    [issue] = find_issues(VALID.replace(old, new))
    return issue


def test_a_valid_spec_becomes_an_installation():
    installation = spec.parse_spec(VALID, file="spec.yaml")
    assert installation.tenants["frigid-vacuum-0996"].extra_capacity == 10
    assert installation.registries["acme"].credentials.docker_config == "~/.docker/config.json"
    largest = installation.node_pools["standard"].largest_pod
    assert largest is not None
    assert largest.memory == quantity.parse_quantity("13Gi")


@pytest.mark.parametrize(("cpu", "milli"), [("2", 2000), ("0.5", 500), ("'2'", 2000), ("1500m", 1500), ("'1e1'", 10_000)])
def test_cpu_may_be_written_as_a_number(cpu, milli):
    largest = spec.parse_spec(VALID.replace("3500m", cpu), file="f").node_pools["standard"].largest_pod
    assert largest is not None
    assert largest.cpu.milli == milli


BAD = [
    # id, replace this, by this, path, line, problem, allowed
    ("unknown key", "kind:", "kinds: x\nkind:", "kinds", 2, "is no key", "did you mean kind?"),
    ("key in other case", "largestPod", "largest_pod", "nodePools.standard.largest_pod", 12, "is no key", "largestPod?"),
    ("key of another level", "extraCapacity: 0", "extraCapacity: 0, cpu: 1", "tenants.solar-orbit-4143.cpu", 15, "is no key", "cpu belongs under nodePools.*.largestPod"),
    ("key of no level", "{name: acme}", "{name: acme, xyz: 1}", "metadata.xyz", 3, "is no key", "allowed here: name"),
    ("key where none may stand", "local: {}", "local: {port: 1}", "target.local.port", 5, "is no key", "nothing may stand here"),
    ("missing key", "namespacePrefix: astronomer\n", "", "", 1, "`namespacePrefix` is missing", ""),
    ("missing key in a part", "cpu: 3500m, ", "", "nodePools.standard.largestPod", 12, "`cpu` is missing", ""),
    ("no value", "extraCapacity: 0", "extraCapacity: ", "tenants.solar-orbit-4143.extraCapacity", 15, "has no value", ""),
    ("text for a number", "extraCapacity: 0", "extraCapacity: '0'", "tenants.solar-orbit-4143.extraCapacity", 15, "must be a whole number", "remove the quotes"),
    ("truth for a number", "extraCapacity: 0", "extraCapacity: true", "tenants.solar-orbit-4143.extraCapacity", 15, "must be a whole number", ""),
    ("fraction for a number", "extraCapacity: 0", "extraCapacity: 1.0", "tenants.solar-orbit-4143.extraCapacity", 15, "must be a whole number", ""),
    ("number below its bound", "extraCapacity: 0", "extraCapacity: -1", "tenants.solar-orbit-4143.extraCapacity", 15, "must be at least 0", ""),
    ("number above its bound", "extraCapacity: 0", "extraCapacity: 100001", "tenants.solar-orbit-4143.extraCapacity", 15, "must be at most 100000", ""),
    ("number for text", "namespacePrefix: astronomer", "namespacePrefix: 12", "namespacePrefix", 4, "must be text", "quote it"),
    ("text for a list", "[acme]", "acme", "tenants.frigid-vacuum-0996.registries", 14, "must be a list", "write [acme]"),
    ("text for a mapping", "{name: acme}", "acme", "metadata", 3, "must be a mapping", "of name"),
    ("list for a mapping", "local: {}", "local: []", "target.local", 5, "must be a mapping", "write {}"),
    ("text for true or false", "standard:\n", "standard:\n    dedicated: 'true'\n", "nodePools.standard.dedicated", 12, "must be true or false", "remove the quotes"),
    ("no such choice", "extraCapacity: 0", "extraCapacity: 0, podSecurity: none", "tenants.solar-orbit-4143.podSecurity", 15, "must be `baseline` or `restricted`", ""),
    ("another version of the format", "io/v1", "io/v9", "apiVersion", 1, "must be `kpo-provision.io/v1`", ""),
    ("quantity with two points", "13Gi", "1.5.0Gi", "nodePools.standard.largestPod.memory", 12, "is not a Kubernetes quantity", "13Gi"),
    ("quantity below zero", "3500m", "-1", "nodePools.standard.largestPod.cpu", 12, "must be more than zero", ""),
    ("quantity with bytes", "13Gi", "10 GB", "nodePools.standard.largestPod.memory", 12, "is not a Kubernetes quantity", "10G or 10Gi"),
    ("memory in thousandths", "13Gi", "13m", "nodePools.standard.largestPod.memory", 12, "is not a whole number of bytes", "13M or 13Mi"),
    ("CPU in millionths", "3500m", "1500u", "nodePools.standard.largestPod.cpu", 12, "is finer than a thousandth", ""),
    ("truth for a quantity", "3500m", "true", "nodePools.standard.largestPod.cpu", 12, "must be an amount", ""),
    ("unquoted exponent", "3500m", "1e1", "nodePools.standard.largestPod.cpu", 12, "is a number to some YAML readers", "quote it"),
    ("name of 64 characters", "name: acme", f"name: {'a' * 64}", "metadata.name", 3, "has 64 characters", ""),
    ("name not DNS-1123", "name: acme", "name: Acme_Prod", "metadata.name", 3, "a DNS-1123 label", "acme-prod?"),
    ("release not DNS-1123", "solar-orbit-4143", "solar.orbit", 'tenants["solar.orbit"]', 15, "a DNS-1123 label", "solar-orbit?"),
    ("duplicate tenant", "solar-orbit-4143", "frigid-vacuum-0996", "tenants.frigid-vacuum-0996", 15, "first in line 14", ""),
    ("server with a scheme", "registry.acme.io", "https://registry.acme.io", "registries.acme.server", 8, "without scheme", ""),
    ("server of Docker Hub's folders", "registry.acme.io", "acme", "registries.acme.server", 8, "neither a dot nor a port", ""),
    ("server with a port too high", "registry.acme.io", "acme.io:70000", "registries.acme.server", 8, "port between 1 and 65535", ""),
    ("probe image with its host", "credentials: {docker", "probeImage: acme.io/p:1\n    credentials: {docker", "registries.acme.probeImage", 9, "must not repeat the registry's host", "p:1?"),
    ("probe image without a tag", "credentials: {docker", "probeImage: kpo/p\n    credentials: {docker", "registries.acme.probeImage", 9, "names no tag or digest", "kpo/p:1"),
    ("probe image with capitals", "tenants:", "probe: {image: Busybox:1}\ntenants:", "probe.image", 13, "must be an image with a tag", "docker.io/library/busybox:1.37"),
    ("range with host bits", "extraCapacity: 0", "extraCapacity: 0, network: {egress: [{cidr: 10.1.2.3/8}]}", "tenants.solar-orbit-4143.network.egress[0].cidr", 15, "bits set beyond its prefix", "10.0.0.0/8?"),
    ("range that is none", "extraCapacity: 0", "extraCapacity: 0, network: {egress: [{cidr: 10.0.0.0/40}]}", "tenants.solar-orbit-4143.network.egress[0].cidr", 15, "is not an address range", ""),
    ("address for a range", "extraCapacity: 0", "extraCapacity: 0, network: {egress: [{cidr: 10.0.0.1}]}", "tenants.solar-orbit-4143.network.egress[0].cidr", 15, "must be an address range", ""),
    ("port 0", "extraCapacity: 0", "extraCapacity: 0, network: {egress: [{cidr: 10.0.0.0/8, ports: [0]}]}", "tenants.solar-orbit-4143.network.egress[0].ports[0]", 15, "must be at least 1", ""),
    ("version as a number", "{local: {}}", "{kubeconfig: {version: 1.36}}", "target.kubeconfig.version", 5, "must be text", "quote it"),
    ("version with a patch", "{local: {}}", "{kubeconfig: {version: v1.36.2}}", "target.kubeconfig.version", 5, "without v and patch", '"1.36"'),
    ("version too old", "{local: {}}", "{kubeconfig: {version: '1.29'}}", "target.kubeconfig.version", 5, "the oldest supported is 1.30", ""),
    ("label that is none", "largestPod: {", "nodeSelector: {-x: y}\n    largestPod: {", "nodePools.standard.nodeSelector.-x", 12, "must be the key of a Kubernetes label", ""),
]  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "path", "line", "problem", "allowed"), [case[1:] for case in BAD], ids=[case[0] for case in BAD]
)
def test_one_mistake_is_one_issue_at_its_place(old, new, path, line, problem, allowed):
    base = VALID.replace("{local: {}}", "{kubeconfig: {}}") if "nodeSelector" in new else VALID
    [issue] = find_issues(base.replace(old, new))
    assert (issue.path, issue.line) == (path, line)
    assert problem in issue.problem
    assert allowed in issue.allowed


def test_the_column_is_where_the_value_begins_and_for_a_key_where_the_key_begins():
    assert find_issue("3500m", "-1").column == 23
    assert find_issue("solar-orbit-4143: {", "solar-orbit-4143: {extra: 1, ").column == 22


def test_text_that_is_no_yaml_is_one_issue():
    [issue] = find_issues("apiVersion: [\n")
    assert issue.line == 2


def test_text_that_is_no_mapping_is_refused():
    assert [issue.problem for issue in find_issues("- a\n- b\n")] == ["must be a mapping"]


def test_ten_mistakes_are_reported_at_once_in_the_order_of_the_file():
    with pytest.raises(errors.SpecError) as caught:
        spec.parse_spec(GOLDEN.joinpath("ten_errors.yaml").read_text(), file="ten_errors.yaml")
    assert len(caught.value.issues) == 10
    assert f"{caught.value}\n" == GOLDEN.joinpath("ten_errors.txt").read_text()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("{dockerConfig: ~/.docker/config.json}", "hunter2"),
        ("{dockerConfig: ~/.docker/config.json}", "{usernamePassword: {username: a, password: hunter2}}"),
        ("{dockerConfig: ~/.docker/config.json}", "{usernamePassword: {username: a, passwordFrom: hunter2}}"),
        ("{dockerConfig: ~/.docker/config.json}", "{usernamePassword: {username: a, passwordFrom: {env: hunter2/}}}"),
        ("{dockerConfig: ~/.docker/config.json}", "{usernamePassword: {username: 'a:hunter2'}}"),
        ("{dockerConfig: ~/.docker/config.json}", "*hunter2"),
        ("{dockerConfig: ~/.docker/config.json}", "&hunter2 {}"),
        ("{dockerConfig: ~/.docker/config.json}", "!hunter2 {}"),
        ("{dockerConfig: ~/.docker/config.json}", "!hunter2!x {}"),
        ("{dockerConfig: ~/.docker/config.json}", "'hunter2"),
        ("{dockerConfig: ~/.docker/config.json}", "%hunter2"),
        ("server: registry.acme.io", "server: registry.acme.io\n    password: hunter2"),
        ("server: registry.acme.io", "server: a:hunter2@registry.acme.io"),
        ("server: registry.acme.io", "server: https://a:hunter2@registry.acme.io/v2"),
        ("[acme]", "[a:hunter2@registry.acme.io]"),
    ],
)
def test_a_secret_that_stands_in_the_spec_is_never_repeated(old, new):
    with pytest.raises(errors.SpecError) as caught:
        spec.parse_spec(VALID.replace(old, new), file="spec.yaml")
    assert "hunter2" not in f"{caught.value} {caught.value.hint} {caught.value.issues}"


def test_words_of_pydantic_and_python_do_not_reach_the_user():
    text = "".join(str(find_issue(old, new)) for _, old, new, *_ in BAD[:20])
    for word in ("Input", "input", "pydantic", "str_", "dict", "None", "Extra", "instance"):
        assert word not in text


class TestFiles:
    def test_a_missing_file_is_refused_with_a_way_to_begin(self, tmp_path):
        with pytest.raises(errors.SpecError) as caught:
            spec.load_spec(tmp_path / "absent.yaml")
        assert caught.value.issues[0].problem == "there is no such file"
        assert "kpo-provision init" in caught.value.hint

    def test_a_folder_is_refused(self, tmp_path):
        with pytest.raises(errors.SpecError, match="this is a folder"):
            spec.load_spec(tmp_path)

    def test_a_path_through_a_file_is_refused(self, tmp_path):
        tmp_path.joinpath("spec.yaml").write_text(VALID)
        with pytest.raises(errors.SpecError, match="cannot be read: not a directory"):
            spec.load_spec(tmp_path / "spec.yaml" / "more")

    def test_a_file_without_end_is_refused(self):
        with pytest.raises(errors.SpecError, match="larger than 1000 kB"):
            spec.load_spec(pathlib.Path("/dev/zero"))

    def test_a_file_that_is_no_text_is_refused_with_its_line(self, tmp_path):
        tmp_path.joinpath("spec.yaml").write_bytes(b"a: 1\nb: \xff\n")
        with pytest.raises(errors.SpecError, match="line 2 is not UTF-8"):
            spec.load_spec(tmp_path / "spec.yaml")

    def test_a_file_with_byte_order_mark_and_windows_line_ends_is_read(self, tmp_path):
        tmp_path.joinpath("spec.yaml").write_bytes(b"\xef\xbb\xbf" + VALID.replace("\n", "\r\n").encode())
        assert spec.load_spec(tmp_path / "spec.yaml").metadata.name == "acme"


@given(st.data())
def test_whatever_is_done_to_a_spec_it_is_read_or_refused(data):
    lines = starter.render_starter("kubeconfig", name="acme").splitlines(keepends=True)
    first = data.draw(st.integers(0, len(lines) - 1))
    last = data.draw(st.integers(first, len(lines)))
    middle = data.draw(st.text(alphabet="abky01 :-[]{}'\"#&*!|>?%@`\n\t.,", max_size=20))
    try:
        spec.parse_spec("".join(lines[:first]) + middle + "".join(lines[last:]), file="spec.yaml")
    except errors.SpecError as error:
        assert error.issues
        assert all(issue.line > 0 for issue in error.issues)
