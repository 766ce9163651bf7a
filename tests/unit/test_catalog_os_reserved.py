"""How much memory a GKE node hides: measurements come back exactly, the rest from a line or a formula."""

import pytest

from kpo_provision.catalog import os_reserved, version
from kpo_provision.catalog.version import Version, parse_version

GIB = 1024


def _hidden(
    text: str | None, memory_mib: int, *, image: str = "cos", architecture: str = "amd64", confidential: bool = False
) -> int:
    hidden_ki, _ = os_reserved.hidden_memory_ki(
        version=text, image=image, architecture=architecture, memory_mib=memory_mib, confidential=confidential
    )
    return hidden_ki


def _sentence(text: str | None, memory_mib: int = 16 * GIB, image: str = "cos", architecture: str = "amd64") -> str:
    return os_reserved.hidden_memory_ki(version=text, image=image, architecture=architecture, memory_mib=memory_mib)[1]


@pytest.mark.parametrize(
    ("text", "memory_mib", "hidden_ki"),
    [
        ("1.27.16-gke.1287000", 1 * GIB, 51316),
        ("1.34.9-gke.1065000", 16 * GIB, 397160),
        ("1.36.0-gke.3712000", 3840, 177256),
        ("1.36.0-gke.3712000", 128 * GIB, 2313532),
        ("v1.36", 8 * GIB, 253304),
    ],
)
def test_measured_sizes_come_back_exactly(text: str, memory_mib: int, hidden_ki: int) -> None:
    assert _hidden(text, memory_mib) == hidden_ki


@pytest.mark.parametrize(
    ("changes", "memory_mib", "hidden_ki"),
    [
        ({"image": "ubuntu"}, 16 * GIB, 402980),
        ({"architecture": "arm64"}, 16 * GIB, 422108),
        ({"confidential": True}, 16 * GIB, 1391884),
    ],
)
def test_image_architecture_and_confidential_have_rows_of_their_own(
    changes: dict[str, object], memory_mib: int, hidden_ki: int
) -> None:
    assert _hidden("1.36.0-gke.3712000", memory_mib, **changes) == hidden_ki


def test_between_two_sizes_it_is_on_the_line_between_them() -> None:
    low, high = _hidden("1.34", 8 * GIB), _hidden("1.34", 16 * GIB)
    assert _hidden("1.34", 12 * GIB) == (low + high + 1) // 2


def test_below_the_smallest_size_the_line_starts_at_nothing() -> None:
    assert _hidden("1.34", 512) == _hidden("1.34", 1 * GIB) // 2


def test_above_the_largest_size_it_goes_on_as_steep() -> None:
    near, far = _hidden("1.34", 1968128), _hidden("1.34", 2 * 1968128 - 262144)
    assert far - near == pytest.approx(near - _hidden("1.34", 262144), abs=2)


@pytest.mark.parametrize(
    ("text", "row"),
    [
        ("1.34", "1.34.9-gke.1065000"),
        ("1.34.9", "1.34.9-gke.1065000"),
        ("1.34.9-gke.1065000", "1.34.9-gke.1065000"),
        ("1.34.9-gke.1064999", "1.34.9-gke.1065000"),
        ("1.34.0", "1.34.9-gke.1065000"),
        (None, "1.36.0-gke.3712000"),
    ],
)
def test_row_of_the_same_minor_version_serves(text: str | None, row: str) -> None:
    assert _sentence(text) == f"measured by GKE on {row}"


def test_minor_version_without_a_row_uses_the_newest_older_one() -> None:
    assert _sentence("1.25.3-gke.800") == "seen on nodes of 1.17.0"


def test_version_newer_than_the_table_uses_the_newest_row_and_says_so() -> None:
    assert _hidden("1.38", 16 * GIB) == _hidden("1.36", 16 * GIB)
    assert "1.38 is newer" in _sentence("1.38")


def test_version_older_than_the_table_uses_the_oldest_row_and_says_so() -> None:
    assert _sentence("1.9").endswith("the oldest version in the table; 1.9 is older")


@pytest.mark.parametrize(
    ("text", "memory_mib", "capacity_ki"),
    [
        ("1.14.10-gke.27", 614, 600420),
        ("1.11", 15360, 15399244),
        ("1.23.12-gke.100", 4096, 4025932),
        ("1.25", 32768, 32880872),
        ("1.29.1-gke.1589020", 32768, 32875996),
        ("1.29.1-gke.1589020", 245760, 247401414),
    ],
)
def test_observed_capacity_is_predicted_within_three_thousandths(text: str, memory_mib: int, capacity_ki: int) -> None:
    predicted = memory_mib * 1024 - _hidden(text, memory_mib)
    assert predicted == pytest.approx(capacity_ki, rel=0.003)


def test_formula_serves_with_a_guard_where_nothing_was_measured() -> None:
    hidden_ki, sentence = os_reserved.hidden_memory_ki(
        version="1.34", image="ubuntu", architecture="arm64", memory_mib=16 * GIB
    )
    formula = (16 * GIB * 2**20) // 64 + (16 + 64 + 4) * 2**20 + int(0.00175 * 16 * 2**30)
    assert hidden_ki == -(-round(formula * 0.9971) // 1024) + 32 * 1024
    assert "no measurements for ubuntu on arm64" in sentence


def test_nothing_is_hidden_beyond_all_that_there_is() -> None:
    assert _hidden("1.36", 1, architecture="arm64", image="ubuntu") == 1024


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ("1.9", Version(1, 9)),
        ("1.34", Version(1, 34)),
        ("v1.34.9", Version(1, 34, 9)),
        ("1.34.9-gke.1065000", Version(1, 34, 9, 1065000)),
        ("1.30.4-eks-a737599", Version(1, 30, 4)),
        ("v1.33.1+k3s1", Version(1, 33, 1)),
        (" 1.34 ", Version(1, 34)),
    ],
)
def test_versions_of_every_platform_are_read(text: str, parsed: Version) -> None:
    assert parse_version(text) == parsed


def test_versions_follow_each_other_as_releases_do() -> None:
    texts = ["1.9.7", "1.10.0", "1.10.0-gke.9", "1.10.0-gke.10", "1.34"]
    ordered = sorted(map(parse_version, texts))
    assert [str(each) for each in ordered] == ["1.9.7", "1.10.0-gke.9", "1.10.0-gke.10", "1.10.0", "1.34"]


@pytest.mark.parametrize(
    "text", ["", "banana", "1", "34", "1.34.", "1.x", "2.1", "1.999", "1.34.9-gke.x y", "١.٣٤", "9" * 999]
)
def test_nonsense_is_no_version_and_the_nearest_is_named(text: str) -> None:
    with pytest.raises(version.UnknownVersionError) as caught:
        os_reserved.hidden_memory_ki(version=text, image="cos", architecture="amd64", memory_mib=4096)
    assert "1." in caught.value.hint
    assert len(str(caught.value)) < 400
