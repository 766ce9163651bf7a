"""A spec that is wrong is refused with every problem at once, each at its place and in words that help."""

import pathlib

import pytest
import yaml
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
target: {kubeconfig: {}}
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


@pytest.mark.parametrize(
    ("cpu", "milli"), [("2", 2000), ("0.5", 500), ("'2'", 2000), ("1500m", 1500), ("'1e1'", 10_000)]
)
def test_cpu_may_be_written_as_a_number(cpu, milli):
    largest = spec.parse_spec(VALID.replace("3500m", cpu), file="f").node_pools["standard"].largest_pod
    assert largest is not None
    assert largest.cpu.milli == milli


MISTAKES = yaml.safe_load(GOLDEN.joinpath("mistakes.yaml").read_text())


@pytest.mark.parametrize("case", MISTAKES, ids=[case["id"] for case in MISTAKES])
def test_one_mistake_is_one_issue_at_its_place(case):
    issue = find_issue(case["replace"], case["by"])
    assert {"path": issue.path, "line": issue.line} == case["issue"]
    assert case["problem"] in issue.problem
    assert case.get("allowed", "") in issue.allowed


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
    text = "".join(str(find_issue(case["replace"], case["by"])) for case in MISTAKES)
    for word in ("Input", "input", "pydantic", "str_", "dict", "None", "Extra", "an instance"):
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
    text = "".join(lines[:first]) + middle + "".join(lines[last:])
    try:
        issues = spec.parse_spec(text, file="spec.yaml") and ()
    except errors.SpecError as error:
        issues = error.issues
    assert all(issue.line > 0 and issue.problem for issue in issues)
