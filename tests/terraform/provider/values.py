"""Terraform's values: msgpack on the wire, plain Python here; what is not known yet is ``UNKNOWN``."""

import msgpack

from tests.terraform.provider.wire import MESSAGES


class _Unknown:
    def __repr__(self):
        return "UNKNOWN"


UNKNOWN = _Unknown()


def load_value(message):
    """Read a DynamicValue."""
    if not message.msgpack:
        return None
    return msgpack.unpackb(message.msgpack, raw=False, strict_map_key=False, ext_hook=lambda _code, _data: UNKNOWN)


def render_value(value):
    """Write a DynamicValue."""
    return MESSAGES["DynamicValue"](msgpack=msgpack.packb(value, default=_render_unknown))


def settle(value):
    """Replace what is still unknown by nothing: after an apply all is known."""
    if value is UNKNOWN:
        return None
    if isinstance(value, dict):
        return {key: settle(each) for key, each in value.items()}
    if isinstance(value, list):
        return [settle(each) for each in value]
    return value


def _render_unknown(value):
    if value is UNKNOWN:
        return msgpack.ExtType(0, b"\x00")
    raise TypeError(value)
