"""YAML that is legal but means different things to different readers, or burns memory, never becomes a spec."""

import pytest
import yaml

from kpo_provision import errors
from kpo_provision.spec import scalars
from kpo_provision.spec.yaml_guard import parse_yaml


def refused(text):
    """Return what is refused, as (line, column, path, problem)."""
    try:
        issues = parse_yaml(text, file="spec.yaml")[1]
    except errors.SpecError as error:
        issues = error.issues
    return [(issue.line, issue.column, issue.path, issue.problem) for issue in issues]


@pytest.mark.parametrize(
    ("text", "line", "column", "words"),
    [
        pytest.param("", 1, 1, "the file is empty", id="nothing"),
        pytest.param("---\n", 2, 1, "the file is empty", id="nothing after the marker"),
        pytest.param("a: 1\n---\nb: 2\n", 2, 1, "a second document begins here", id="two documents"),
        pytest.param("a:\n\tb: 1\n", 2, 1, "a tab cannot indent YAML", id="tab"),
        pytest.param("a: [1, 2\nb: 3\n", 2, 2, "a comma or a closing bracket is missing before here", id="bracket"),
        pytest.param("a: 'x\nb: 1\n", 1, 4, "a quote is opened here and never closed", id="quote"),
        pytest.param("a: b: c\n", 1, 5, "a ':' cannot stand here", id="second colon"),
        pytest.param("a:\n  b: 1\n c: 2\n", 3, 2, "this fits no line above it", id="indentation"),
        pytest.param("a: 1\nb\nc: 1\n", 3, 1, "a line before here is no `key: value`", id="no colon"),
        pytest.param("a: @x\n", 1, 4, "plain text cannot begin with this character", id="at sign"),
        pytest.param('a: "\\q"\n', 1, 6, "a backslash begins no known escape here", id="escape"),
        pytest.param("a: \0\n", 1, 4, "the control character U+0000 cannot stand in YAML", id="control character"),
        pytest.param("a: 1\n? [b]\n: 2\n", 2, 3, "a key must be a single word", id="list as key"),
        pytest.param("[" * 3000, 1, 52, "this is nested more than 50 levels deep", id="depth"),
    ],
)
def test_what_cannot_be_read_past_is_refused_at_its_place(text, line, column, words):
    [(found_line, found_column, path, problem)] = refused(text)
    assert (found_line, found_column, path) == (line, column, "")
    assert words in problem


@pytest.mark.parametrize(
    ("text", "place", "path", "words"),
    [
        pytest.param("a: 1\nb: 2\na: 3\n", (3, 1), "a", "is written twice, first in line 1", id="duplicate"),
        pytest.param("'1': x\n\"1\": z\n", (2, 1), "1", "is written twice, first in line 1", id="duplicate in quotes"),
        pytest.param("a: *b\n", (1, 4), "a", "aliases are not read", id="alias"),
        pytest.param("a: &b 1\n", (1, 4), "a", "anchors are not read", id="anchor"),
        pytest.param("<<: {a: 1}\n", (1, 1), '["<<"]', "merge keys are not read", id="merge key"),
        pytest.param("a: !!str 1\n", (1, 4), "a", "tags are not read", id="core tag"),
        pytest.param("a: !!python/object/apply:os.system [ls]\n", (1, 4), "a", "tags are not read", id="Python tag"),
        pytest.param("1: x\n", (1, 1), "1", "this key is not text", id="number as key"),
        pytest.param("on: x\n", (1, 1), "on", "is true or false to some YAML readers", id="ambiguous key"),
        pytest.param("a:\n", (1, 3), "a", "has no value", id="no value"),
        pytest.param("a: [x, ~]\n", (1, 8), "a[1]", "has no value", id="null in a list"),
    ],
)
def test_what_surprises_is_refused_at_its_place(text, place, path, words):
    [(line, column, found_path, problem)] = refused(text)
    assert ((line, column), found_path) == (place, path)
    assert words in problem


def test_all_surprises_are_reported_at_once():
    assert [line for line, *_ in refused("a: NO\nb: 0755\nc: [y, *x]\na: 1\n")] == [1, 2, 3, 3, 4]


AMBIGUOUS = [
    *("y", "Y", "yes", "No", "NO", "on", "OFF", "0755", "-012", "08", "00", "0o755", "0b11", "1_000", "0x1_f", "-0x1f"),
    *("1e3", "1.5e3", ".5E6", "1e+3", "12:30", "12:30:45", "1:30.5", "2026-11-23", "2026-11-23T10:00:00Z", "="),
]


@pytest.mark.parametrize("text", AMBIGUOUS)
def test_a_text_that_readers_disagree_on_must_be_quoted(text):
    assert [problem for *_, problem in refused(f"a: {text}\n")]
    assert parse_yaml(f"a: '{text}'\n", file="spec.yaml")[1] == ()


@pytest.mark.parametrize(
    "text",
    [
        *("0", "7", "-3", "+4", "1.5", "1.10", "-0.5", "1.5e+3", "0x1f", "true", "False", "~", "null", ".inf"),
        *(
            "registry.local:5000",
            "10.20.0.0/16",
            "fd00:20::/32",
            "13Gi",
            "3500m",
            "kpo-provision.io/v1",
            "1.2.3",
            "a_b",
        ),
    ],
)
def test_a_text_that_readers_agree_on_is_read_as_pyyaml_reads_it(text):
    assert scalars.find_ambiguity(text) is None
    assert scalars.parse_scalar(text) == yaml.safe_load(text)


def test_positions_survive_a_byte_order_mark_and_windows_line_ends():
    root, issues = parse_yaml("a: 1\r\nb:\r\n  - x\r\n", file="spec.yaml")
    assert issues == ()
    assert root.plain() == {"a": 1, "b": ["x"]}
    place = root.at("b", 0).place
    assert place is not None
    assert (place.line, place.column) == (3, 5)


def test_an_alias_bomb_is_refused_without_being_built():
    lines = ["a0: &a0 [x, x]"] + [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 9)]
    assert len(refused("\n".join(lines) + "\n")) == 9 + 8 * 9
