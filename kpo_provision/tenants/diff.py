"""Judges whether a live object already is what is wanted, so that nothing is written to find that out.

Pure. Reports the paths that differ and never their values: a Secret is compared like everything else.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping
from typing import Any

from kpo_provision import quantity
from kpo_provision.kube.kinds import Manifest

_QUANTITY_PARENTS = frozenset({"hard", "default", "defaultRequest", "max", "min", "maxLimitRequestRatio"})
_ATOMIC = frozenset({"podSelector", "namespaceSelector", "objectSelector", "matchLabels", "roleRef", "ipBlock"})
"""Mappings that mean something else when a key is added: an empty podSelector selects all pods, another one fewer."""

Path = tuple[str, ...]


def differs(desired: Manifest, live: Manifest) -> tuple[str, ...]:
    """Return the paths at which ``live`` is not what ``desired`` asks for; what it does not mention does not count."""
    if desired.get("kind") == "Secret":
        desired, live = _decoded_secret(desired), _decoded_secret(live)
    return tuple(".".join(path) for path in _mapping_differences(desired, live, ()))


def _differences(desired: object, live: object, path: Path) -> Iterator[Path]:
    if not desired and not live and not isinstance(desired, bool | int | float | str):
        return  # servers leave out what is empty
    if isinstance(desired, Mapping):
        yield from _mapping_differences(desired, live, path)
    elif isinstance(desired, list | tuple):
        yield from _list_differences(desired, live, path)
    elif desired != live and not (_is_quantity(path) and _is_same_quantity(desired, live)):
        yield path


def _mapping_differences(desired: Mapping[str, Any], live: object, path: Path) -> Iterator[Path]:
    if not isinstance(live, Mapping):
        yield path
        return
    is_exact = not desired or (path and path[-1] in _ATOMIC)
    if is_exact and live.keys() - desired.keys():
        yield path
    for name, wanted in desired.items():
        yield from _differences(wanted, live.get(name), (*path, name))


def _list_differences(desired: list[Any] | tuple[Any, ...], live: object, path: Path) -> Iterator[Path]:
    if not isinstance(live, list | tuple) or len(live) != len(desired):
        yield path
        return
    for index, (wanted, found) in enumerate(zip(desired, live, strict=True)):
        yield from _differences(wanted, found, (*path, str(index)))


def _is_quantity(path: Path) -> bool:
    return len(path) > 1 and path[-2] in _QUANTITY_PARENTS


def _is_same_quantity(desired: object, live: object) -> bool:
    try:
        return quantity.parse_quantity(str(desired)) == quantity.parse_quantity(str(live))
    except quantity.QuantityError:
        return False


def _decoded_secret(secret: Manifest) -> Manifest:
    """Return a Secret with its data as bytes: base64 has more than one way to write the same."""
    data = {name: _decode(text) for name, text in (secret.get("data") or {}).items()}
    data |= {name: text.encode() for name, text in (secret.get("stringData") or {}).items()}
    return {key: value for key, value in secret.items() if key != "stringData"} | {"data": data}


def _decode(text: str) -> bytes:
    try:
        return base64.b64decode(text)
    except binascii.Error:
        return text.encode()
