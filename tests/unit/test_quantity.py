"""Quantities behave as those of Kubernetes; the expected values are what apimachinery v0.37.2 answers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kpo_provision import quantity
from kpo_provision.quantity import Form, Quantity, QuantityError, parse_quantity

KUBERNETES_ANSWERS = [
    # text, canonical, MilliValue, Value
    ("0", "0", 0, 0),
    ("0Ki", "0", 0, 0),
    ("1", "1", 1000, 1),
    ("+5", "5", 5000, 5),
    ("-1", "-1", -1000, -1),
    ("5.", "5", 5000, 5),
    (".5", "500m", 500, 1),
    ("1.5", "1500m", 1500, 2),
    ("0.1n", "1n", 1, 1),
    ("1.0005", "1000500u", 1001, 2),
    ("100u", "100u", 1, 1),
    ("2000m", "2", 2000, 2),
    ("1000", "1k", 1_000_000, 1000),
    ("1000k", "1M", 1_000_000_000, 1_000_000),
    ("1E", "1E", 10**21, 10**18),
    ("1e3", "1e3", 1_000_000, 1000),
    ("1E3", "1e3", 1_000_000, 1000),
    ("1e+3", "1e3", 1_000_000, 1000),
    ("1e-3", "1e-3", 1, 1),
    ("12e6", "12e6", 12_000_000_000, 12_000_000),
    ("0.5Ki", "512", 512_000, 512),
    ("00012Mi", "12Mi", 12_582_912_000, 12_582_912),
    ("1000Ki", "1000Ki", 1_024_000_000, 1_024_000),
    ("1024Mi", "1Gi", 1_073_741_824_000, 1_073_741_824),
    ("1.5Gi", "1536Mi", 1_610_612_736_000, 1_610_612_736),
    ("7Ei", "7Ei", 8_070_450_532_247_928_832_000, 8_070_450_532_247_928_832),
]


def refusal(text):
    """Return the problem with a text, or nothing."""
    try:
        parse_quantity(text)
    except QuantityError as error:
        return error.problem
    return ""


@pytest.mark.parametrize(("text", "canonical", "milli", "value"), KUBERNETES_ANSWERS)
def test_quantity_reads_and_writes_as_kubernetes_does(text, canonical, milli, value):
    parsed = parse_quantity(text)
    assert (str(parsed), parsed.milli, parsed.value) == (canonical, milli, value)


@pytest.mark.parametrize(
    "text",
    ["", " ", ".", "+", "m", "Ki", "e3", "1e", "1e1.5", "1i", "1m5", "1.5.0Gi", "1_0", "0x1", "inf", "１", "1\n", "1 "],
)
def test_nonsense_is_no_quantity(text):
    with pytest.raises(QuantityError) as caught:
        parse_quantity(text)
    assert caught.value.problem == "is not a Kubernetes quantity"


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("10 GB", ("10G", "10Gi")),
        ("10GiB", ("10Gi",)),
        ("10K", ("10k", "10Ki")),
        ("5gi", ("5Gi",)),
        ("1,5", ("1.5",)),
        ("2 ", ("2",)),
        ("1.5.0Gi", ()),
        ("ten", ()),
    ],
)
def test_a_slip_of_the_pen_is_understood_but_not_accepted(text, meant):
    with pytest.raises(QuantityError) as caught:
        parse_quantity(text)
    assert caught.value.meant == meant


@pytest.mark.parametrize("text", ["8Ei", "9223372036854775808", "10E", "1e19", "1e999999999999999999"])
def test_more_than_kubernetes_can_count_is_refused(text):
    with pytest.raises(QuantityError, match="more than Kubernetes can count"):
        parse_quantity(text)


def test_the_largest_amount_is_exact():
    assert parse_quantity("9223372036854775807").value == quantity.MAX_VALUE


def test_a_text_without_end_is_refused_before_it_is_read():
    with pytest.raises(QuantityError) as caught:
        parse_quantity("9" * 1_000_000)
    assert len(str(caught.value)) < 200


def test_quantities_are_equal_ordered_and_hashed_by_value():
    assert parse_quantity("1Gi") == parse_quantity("1024Mi") == parse_quantity("1073741824")
    assert len({parse_quantity("1"), parse_quantity("1000m"), parse_quantity("1e0")}) == 1
    assert parse_quantity("1G") < parse_quantity("1Gi") < parse_quantity("1.1Gi")


@pytest.mark.parametrize(
    ("milli", "text"), [(3500, "3500m"), (2000, "2"), (100, "100m"), (0, "0"), (10_000_000, "10k")]
)
def test_cpu_is_written_canonically(milli, text):
    assert quantity.format_cpu(milli) == text


@pytest.mark.parametrize(
    ("count", "text"), [(384 * 2**20, "384Mi"), (2**30, "1Gi"), (1536 * 2**20, "1536Mi"), (1025, "1025"), (0, "0")]
)
def test_memory_is_written_canonically(count, text):
    assert quantity.format_bytes(count) == text


@given(st.integers(-(2**63 - 1) * 10**9, (2**63 - 1) * 10**9), st.sampled_from(Form))
def test_what_is_written_reads_as_the_same_value(nano, form):
    written = str(Quantity(nano, form=form))
    assert parse_quantity(written).nano == nano


@given(st.integers(0, 2**62))
def test_formatted_cpu_and_memory_read_as_the_same_value(amount):
    assert parse_quantity(quantity.format_cpu(amount)).milli == amount
    assert parse_quantity(quantity.format_bytes(amount)).value == amount


@given(st.from_regex(rf"\A{quantity.PATTERN}\Z"))
def test_everything_of_the_right_shape_is_read_or_too_large(text):
    assert refusal(text) != "is not a Kubernetes quantity"


@given(st.text(max_size=20))
def test_any_text_gives_a_quantity_or_a_quantity_error(text):
    assert isinstance(refusal(text), str)
