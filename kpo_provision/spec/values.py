"""Judges single values of a spec, in words that say the rule and what was probably meant.

A problem never repeats the value, a suggestion (``allowed``) may: whoever shows them decides whether the value may be
shown.
"""

from __future__ import annotations

import ipaddress
import re

from pydantic_core import PydanticCustomError

from kpo_provision import quantity

REFUSED = "refused"
"""Type of every refusal; its context holds ``problem`` and ``allowed``."""
OLDEST_VERSION = (1, 30)
"""The first Kubernetes with ValidatingAdmissionPolicy at GA (KEP-3488, read 2026-11-23)."""

LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
HOST = rf"({LABEL}(\.{LABEL})*|\[[0-9a-fA-F:]+\])(:[0-9]{{1,5}})?"
REPOSITORY = r"[a-z0-9]+(([._]|__|-+)[a-z0-9]+)*(/[a-z0-9]+(([._]|__|-+)[a-z0-9]+)*)*"
TAG_OR_DIGEST = r"(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}(@sha256:[0-9a-f]{64})?|@sha256:[0-9a-f]{64})"
QUALIFIED_NAME = r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
CIDR = r"[0-9a-fA-F:.]+/[0-9]{1,3}"
MINOR_VERSION = r"1\.[3-9][0-9]"
POD_RANGE = r"([0-9]{1,3}(\.[0-9]{1,3}){3})?/[0-9]{1,2}"
PRICE = r"[0-9]+(\.[0-9]+)?"

SHORTEST_POD_PREFIX, LONGEST_POD_PREFIX = 8, 28
"""From all of 10.0.0.0/8 to the block of one GKE node of eight pods."""
MAX_PRICE = 100_000
"""Far more than any machine costs an hour, in dollars."""

_AMOUNT_EXAMPLES = "for example 500m, 2 or 13Gi"


def refused(problem: str, *, allowed: str = "") -> PydanticCustomError:
    """Make the refusal of a value: the rule it breaks, and what would be allowed."""
    return PydanticCustomError(REFUSED, "{problem}", {"problem": problem, "allowed": allowed})


def check_cpu(value: object) -> quantity.Quantity:
    """Return the amount of CPU that ``value`` stands for."""
    return _more_than_zero(_parse_cpu(value))


def check_cpu_or_zero(value: object) -> quantity.Quantity:
    """Return the amount of CPU that ``value`` stands for, which may be none."""
    return _zero_or_more(_parse_cpu(value))


def check_memory(value: object) -> quantity.Quantity:
    """Return the amount of memory that ``value`` stands for."""
    return _more_than_zero(_parse_memory(value))


def check_memory_or_zero(value: object) -> quantity.Quantity:
    """Return the amount of memory that ``value`` stands for, which may be none."""
    return _zero_or_more(_parse_memory(value))


def check_machine_memory(value: object) -> quantity.Quantity:
    """Return the memory of a machine type, which is sold in whole MiB."""
    amount = check_memory(value)
    if amount.value % 2**20:
        mib = amount.value // 2**20
        raise refused("is not a whole number of MiB, in which machines are sold", allowed=f"did you mean {mib}Mi?")
    _within(amount, least=128 * 2**20, most=2**46)
    return amount


def check_disk(value: object) -> quantity.Quantity:
    """Return the size of a disk, which comes in whole GiB."""
    amount = check_memory(value)
    if amount.value % 2**30:
        gib = -(-amount.value // 2**30)
        raise refused("is not a whole number of GiB, in which disks are sold", allowed=f"did you mean {gib}Gi?")
    _within(amount, least=10 * 2**30, most=2**46)
    return amount


def check_price(value: object) -> quantity.Quantity:
    """Return a price, in US dollars."""
    if isinstance(value, bool) or not re.fullmatch(PRICE, str(value)):
        raise refused("must be an amount of US dollars", allowed="for example 0.19")
    amount = _more_than_zero(quantity.parse_quantity(str(value)))
    if amount.nano % 1000:
        raise refused("is finer than a millionth of a dollar")
    if amount.value > MAX_PRICE:
        raise refused(f"must be at most {MAX_PRICE}")
    return amount


def check_number_or_names(value: object, *, most: int) -> int | tuple[str, ...]:
    """Return how many there are, or their names."""
    if isinstance(value, list) and value and all(isinstance(name, str) for name in value):
        names = tuple(str(name) for name in value)
        for name in names:
            check_label(name)
            if not re.fullmatch(LABEL, name):
                raise refused("must be names of lower-case letters, digits and '-'")
        if len(set(names)) != len(names):
            raise refused("names one of them twice")
        if len(names) > most:
            raise refused(f"has {len(names)} names, and may have {most} at most")
        return names
    if isinstance(value, bool) or not isinstance(value, int):
        raise refused("must be a whole number or a list of names")
    if not 1 <= value <= most:
        raise refused(f"must be between 1 and {most}")
    return value


def check_label(value: str) -> None:
    """Judge a DNS-1123 label."""
    likely = re.sub(r"[^a-z0-9]+", "-", value.lower()).strip("-")
    if likely and likely != value and not re.fullmatch(LABEL, value):
        raise refused(
            "must be lower-case letters, digits and '-', with a letter or digit at both ends (a DNS-1123 label)",
            allowed=f"did you mean {likely}?",
        )


def check_host_port(value: str) -> None:
    """Judge the host of a registry."""
    if "/" in value:
        raise refused("must be a host without scheme and path", allowed="for example registry.acme.io:5000")
    port = re.search(r"[^:]:([0-9]+)$", value)
    if port and not 0 < int(port[1]) <= 65535:
        raise refused("must have a port between 1 and 65535")
    if re.fullmatch(LABEL, value) and not is_registry_host(value):
        raise refused("has neither a dot nor a port, so image names would not be read as naming a registry")


def check_image(value: str) -> None:
    """Judge an image reference."""
    first, slash, rest = value.partition("/")
    name = rest if slash and is_registry_host(first) else value
    if re.fullmatch(REPOSITORY, name):
        raise refused("names no tag or digest, so what it stands for can change", allowed=f"for example {value}:1")


def check_image_path(value: str) -> None:
    """Judge an image reference below a registry that is named elsewhere."""
    first, slash, rest = value.partition("/")
    if slash and is_registry_host(first):
        raise refused("must not repeat the registry's host, which `server` names", allowed=f"did you mean {rest}?")
    check_image(value)


def check_cidr(value: str) -> None:
    """Judge an address range."""
    if not re.fullmatch(CIDR, value):
        return
    try:
        network = ipaddress.ip_network(value, strict=False)
    except ValueError as error:
        raise refused("is not an address range", allowed="for example 10.20.0.0/16") from error
    if ipaddress.ip_address(value.partition("/")[0]) != network.network_address:
        raise refused("has bits set beyond its prefix length", allowed=f"did you mean {network}?")


def check_ip(value: str) -> None:
    """Judge an IP address."""
    try:
        ipaddress.ip_address(value)
    except ValueError as error:
        raise refused("is not an IP address", allowed="for example 10.0.4.11") from error


def check_pod_range(value: str) -> None:
    """Judge the address range of pods, or its prefix length alone."""
    address, slash, prefix = value.partition("/")
    if address:
        check_cidr(value)
    if not slash or not prefix.isdecimal():
        return
    if not SHORTEST_POD_PREFIX <= int(prefix) <= LONGEST_POD_PREFIX:
        raise refused(f"must have a prefix length between {SHORTEST_POD_PREFIX} and {LONGEST_POD_PREFIX}")


def check_minor_version(value: str) -> None:
    """Judge a minor version of Kubernetes."""
    shape = re.fullmatch(r"v?([0-9]{1,2})\.([0-9]{1,2})(\..*)?", value)
    if shape is None:
        return
    minor = f"{shape[1]}.{shape[2]}"
    if parse_minor_version(minor) < OLDEST_VERSION:
        raise refused(f"the oldest supported is {OLDEST_VERSION[0]}.{OLDEST_VERSION[1]}")
    if value != minor:
        raise refused("must be a minor version, without v and patch", allowed=f'did you mean "{minor}"?')


def parse_minor_version(text: str) -> tuple[int, int]:
    """Parse ``1.36`` into numbers that compare."""
    major, minor = text.split(".")
    return int(major), int(minor)


def is_registry_host(text: str) -> bool:
    """Whether the first part of an image reference is a host rather than a folder of Docker Hub."""
    return "." in text or ":" in text or text == "localhost"


def _parse_cpu(value: object) -> quantity.Quantity:
    amount = _parse_amount(value)
    if amount.nano % 10**6:
        raise refused("is finer than a thousandth of a CPU, the least that Kubernetes counts", allowed=_AMOUNT_EXAMPLES)
    return amount


def _parse_memory(value: object) -> quantity.Quantity:
    amount = _parse_amount(value)
    if amount.nano % 10**9:
        slip = re.fullmatch(r"([0-9.]+)m", str(value))
        allowed = f"m is a thousandth; did you mean {slip[1]}M or {slip[1]}Mi?" if slip else "for example 13Gi"
        raise refused("is not a whole number of bytes", allowed=allowed)
    return amount


def _parse_amount(value: object) -> quantity.Quantity:
    """Parse text, and the plain YAML numbers 2 and 0.5."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise refused("must be an amount", allowed=_AMOUNT_EXAMPLES)
    try:
        amount = quantity.parse_quantity(str(value))
    except quantity.QuantityError as error:
        meant = f"did you mean {' or '.join(error.meant)}?" if error.meant else _AMOUNT_EXAMPLES
        raise refused(error.problem, allowed=meant) from error
    return amount


def _more_than_zero(amount: quantity.Quantity) -> quantity.Quantity:
    if amount.nano <= 0:
        raise refused("must be more than zero")
    return amount


def _zero_or_more(amount: quantity.Quantity) -> quantity.Quantity:
    if amount.nano < 0:
        raise refused("must be zero or more")
    return amount


def _within(amount: quantity.Quantity, *, least: int, most: int) -> None:
    if not least <= amount.value <= most:
        bounds = f"{quantity.format_bytes(least)} and {quantity.format_bytes(most)}"
        raise refused(f"must be between {bounds}")
