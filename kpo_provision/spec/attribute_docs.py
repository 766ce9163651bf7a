"""Reads the docstrings below the attributes of a model, which are no part of it when it runs.

Pydantic would read them of every class whenever one is loaded, a tenth of the time until a command begins its work.
"""

from __future__ import annotations

import ast
import inspect
import itertools

from kpo_provision.spec.part import SpecModel


def read_attribute_docs(model: type[SpecModel]) -> dict[str, str]:
    """Return what stands below each field of a model, by the key that the field has in a spec; its own words win."""
    found: dict[str, str] = {}
    for part in reversed(model.__mro__):
        if issubclass(part, SpecModel):
            found |= _read_own(part)
    return found


def _read_own(model: type[SpecModel]) -> dict[str, str]:
    tree = ast.parse(inspect.getsource(model))
    body = [line for found in tree.body if isinstance(found, ast.ClassDef) for line in found.body]
    return dict(found for pair in itertools.pairwise(body) if (found := _read_pair(model, *pair)))


def _read_pair(model: type[SpecModel], attribute: ast.stmt, below: ast.stmt) -> tuple[str, str] | None:
    match attribute, below:
        case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
            return model.model_fields[name].alias or name, inspect.cleandoc(text)
        case _:
            return None
