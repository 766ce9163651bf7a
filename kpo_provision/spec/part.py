"""What every part of a spec has in common: frozen, strict (``true`` is no number), and closed to unknown keys."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


class SpecModel(BaseModel):
    """Base of every part of a spec. Its validator is built within that of the whole, alone only where it is used."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        defer_build=True,
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
        strict=True,
    )


class OneOf(SpecModel):
    """Base of a part in which exactly one key stands."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1, "maxProperties": 1})
