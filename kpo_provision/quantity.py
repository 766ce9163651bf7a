"""Kubernetes quantities (``500m``, ``13Gi``, ``1e3``), exactly: no float ever holds one.

Behaves as ``resource.Quantity`` of k8s.io/apimachinery v0.37.2 does (read 2026-11-23): what is finer than a nano is
rounded away from zero, and the canonical text has no fraction and the largest suffix that fits. Unlike there, an amount
over 2^63-1 is refused, because Kubernetes caps some of those silently and lets the others overflow later.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

MAX_VALUE = 2**63 - 1
"""The largest amount that Kubernetes counts without overflow."""
PATTERN = r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([numkMGTPE]|[KMGTPE]i|[eE][+-]?[0-9]+)?"
"""What a quantity looks like, for JSON Schema too; anchored by whoever uses it."""

AU_CPU_MILLI = 100
AU_MEMORY_BYTES = 384 * 2**20
AU_PODS = 1
"""One AU, the unit of capacity: 0.1 CPU, 384 MiB, 1 pod (Astronomer, component size limits; read 2026-11-23)."""

_NANO = 10**9
_MAX_LENGTH = 64
_SHAPE = re.compile(r"(?P<sign>[+-]?)(?P<whole>[0-9]*)\.?(?P<fraction>[0-9]*)(?P<suffix>[A-Za-z]*[+-]?[0-9]*)")
_DECIMAL_EXPONENTS = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_DECIMAL_SUFFIXES = {exponent: suffix for suffix, exponent in _DECIMAL_EXPONENTS.items()}
_BINARY_SUFFIXES = ("", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei")
_UNIT_TYPO = re.compile(r"(?P<number>[+-]?[0-9]+(?:[.,][0-9]+)?)\s*(?P<unit>[kmgtpe]?)(?P<binary>i?)b?", re.IGNORECASE)


class QuantityError(ValueError):
    """A text is not a quantity. ``meant`` holds the quantities that its author probably had in mind."""

    def __init__(self, text: str, *, problem: str, meant: Sequence[str] = ()) -> None:
        self.text = text
        self.problem = problem
        self.meant = tuple(meant)
        question = f"; did you mean {' or '.join(self.meant)}?" if self.meant else ""
        super().__init__(f"{text!r} {problem}{question}")


class Form(enum.Enum):
    """Which kind of suffix a quantity was written with, and is written with again."""

    DECIMAL = "decimal"
    BINARY = "binary"
    EXPONENT = "exponent"


@dataclass(frozen=True, slots=True, order=True)
class Quantity:
    """An amount, in whole nanos. Equal, ordered and hashed by value: ``1Gi`` equals ``1024Mi``."""

    nano: int
    form: Form = field(default=Form.DECIMAL, compare=False, kw_only=True)

    @property
    def milli(self) -> int:
        """The amount in thousandths, rounded up."""
        return -(-self.nano // 10**6)

    @property
    def value(self) -> int:
        """The amount in whole units, rounded up."""
        return -(-self.nano // _NANO)

    @property
    def ki(self) -> int:
        """The amount, of bytes, in whole KiB, rounded up."""
        return -(-self.value // 1024)

    def __str__(self) -> str:
        """Write the canonical form, as the API server returns it."""
        whole, rest = divmod(self.nano, _NANO)
        if self.form is Form.BINARY and not rest and abs(whole) >= 1024:
            return _render_binary(whole)
        mantissa, exponent = self.nano, -9
        while mantissa and mantissa % 1000 == 0:
            mantissa, exponent = mantissa // 1000, exponent + 3
        if not mantissa:
            return "0"
        if self.form is Form.EXPONENT:
            return f"{mantissa}e{exponent}" if exponent else str(mantissa)
        return f"{mantissa}{_DECIMAL_SUFFIXES[exponent]}"


def parse_quantity(text: str) -> Quantity:
    """Parse every form that Kubernetes knows; raises ``QuantityError``."""
    if len(text) > _MAX_LENGTH:
        raise QuantityError(text[:_MAX_LENGTH], problem=f"is longer than {_MAX_LENGTH} characters")
    shape = _SHAPE.fullmatch(text)
    if shape is None or not re.fullmatch(PATTERN, text):
        raise QuantityError(text, problem="is not a Kubernetes quantity", meant=_guess(text))
    form, factor, exponent = _read_suffix(shape["suffix"])
    digits = int(shape["whole"] + shape["fraction"]) * factor
    nano = _scale(digits, exponent - len(shape["fraction"]) + 9)
    if nano > MAX_VALUE * _NANO:
        raise QuantityError(text, problem=f"is more than Kubernetes can count ({MAX_VALUE})")
    return Quantity(-nano if shape["sign"] == "-" else nano, form=form)


def format_cpu(milli: int) -> str:
    """Write an amount of CPU canonically: ``3500m``, ``2``."""
    return str(Quantity(milli * 10**6))


def format_bytes(count: int) -> str:
    """Write an amount of memory canonically, with a binary suffix where that is exact: ``384Mi``."""
    return str(Quantity(count * _NANO, form=Form.BINARY))


def _read_suffix(suffix: str) -> tuple[Form, int, int]:
    """Return the form, the factor and the power of ten that a suffix stands for."""
    if suffix in _DECIMAL_EXPONENTS:
        return Form.DECIMAL, 1, _DECIMAL_EXPONENTS[suffix]
    if suffix in _BINARY_SUFFIXES:
        return Form.BINARY, 1 << 10 * _BINARY_SUFFIXES.index(suffix), 0
    return Form.EXPONENT, 1, int(suffix[1:])


def _scale(digits: int, power: int) -> int:
    """Multiply by a power of ten, rounding up; a huge power of either sign must not cost a huge number."""
    factor: int = 10 ** min(abs(power), 2 * _MAX_LENGTH)
    return digits * factor if power >= 0 else -(-digits // factor)


def _render_binary(whole: int) -> str:
    step = 0
    while whole % 1024 == 0:
        whole, step = whole // 1024, step + 1
    return f"{whole}{_BINARY_SUFFIXES[step]}"


def _guess(text: str) -> tuple[str, ...]:
    """Undo the usual slips: a space, a decimal comma, ``B`` for bytes, the wrong case."""
    typo = _UNIT_TYPO.fullmatch(text.strip())
    if typo is None:
        return ()
    number, unit = typo["number"].replace(",", "."), typo["unit"].upper()
    binary = f"{number}{unit}i"
    if not unit:
        return (number,) if not typo["binary"] else ()
    return (binary,) if typo["binary"] else (f"{number}{unit.replace('K', 'k')}", binary)
