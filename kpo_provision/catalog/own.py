"""A user's own catalog file: machine types that ours lacks or has otherwise, and what kubelets were told to reserve.

As YAML, with the keys that a spec has under ``sizing``:

    machineTypes:
      rack-r640: {cpu: 32, memory: 256Gi, pricePerHour: 0.42}
      m9i.large: {cpu: 2, memory: 8Gi, cloud: aws, family: m9i, interfaces: 3, addresses: 10}
    reservations:
      kubeReserved: {cpu: 500m, memory: 1Gi}

Or as CSV (``.csv``) with a header of the same keys and ``name``; it holds machine types alone:

    name,cpu,memory,pricePerHour
    rack-r640,32,256Gi,0.42

``cloud`` (``own`` when absent) says whose machine it is, ``family`` its family (its name when absent), ``interfaces``
and ``addresses`` are an EC2 instance's network interfaces and the IPv4 addresses on each.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError
from pydantic_core import ErrorDetails

from kpo_provision import errors
from kpo_provision.catalog.machine import Cloud, EniLimits, MachineType, describe_own
from kpo_provision.spec import fields, nodes, problems, scalars, yaml_guard
from kpo_provision.spec.document import Node, Place
from kpo_provision.spec.part import SpecModel

MAX_BYTES = 1_000_000
_EXPLAINED = "docs/sizing.md shows a catalog file"


class OwnMachine(nodes.OwnMachineType):
    """A machine type in a catalog file."""

    cloud: Literal["gcp", "aws", "azure", "own"] = "own"
    family: fields.MachineFamily | None = None
    interfaces: Annotated[int, Field(ge=1, le=64)] | None = None
    addresses: Annotated[int, Field(ge=1, le=256)] | None = None


class OwnFile(SpecModel):
    """A catalog file."""

    machine_types: dict[fields.MachineName, OwnMachine] = Field(default_factory=dict)
    reservations: nodes.Reservations | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnCatalog:
    """What a catalog file says."""

    machines: tuple[MachineType, ...]
    reservations: nodes.Reservations | None


def load_own(path: Path) -> OwnCatalog:
    """Load a catalog file; raises ``SpecError``."""
    text = _read_text(path)
    if path.suffix.lower() == ".csv":
        document, refused = _parse_csv(text, file=str(path))
    else:
        document, refused = yaml_guard.parse_yaml(text, file=str(path))
    try:
        content = OwnFile.model_validate(document.plain())
    except ValidationError as e:
        found = [*refused, *(_describe(detail, document) for detail in e.errors(include_url=False))]
        raise errors.SpecError(_in_order(found), hint=_EXPLAINED) from e
    found = [*refused, *_find_half_interfaces(content, document)]
    if found:
        raise errors.SpecError(_in_order(found), hint=_EXPLAINED)
    return OwnCatalog(
        machines=tuple(_to_machine(name, machine) for name, machine in content.machine_types.items()),
        reservations=content.reservations,
    )


def _read_text(path: Path) -> str:
    problem = ""
    try:
        with path.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
        if len(content) <= MAX_BYTES:
            return content.decode("utf-8-sig")
        problem = f"the file is larger than {MAX_BYTES // 1000} kB"
    except OSError as e:
        problem = f"the file cannot be read: {(e.strerror or 'error').lower()}"
    except UnicodeDecodeError:
        problem = "the file is not UTF-8 text"
    raise errors.SpecError([errors.SpecIssue(path="", problem=problem, file=str(path))], hint=_EXPLAINED)


def _parse_csv(text: str, *, file: str) -> tuple[Node, tuple[errors.SpecIssue, ...]]:
    """Parse CSV into the document that YAML with the same content would be."""
    issues: list[errors.SpecIssue] = []
    machines: dict[str, Node] = {}
    lines = text.splitlines()
    numbered = [number for number, line in enumerate(lines, start=1) if line.strip() and not line.startswith("#")]
    header: list[str] = []
    for number in numbered:
        place = Place(file=file, line=number, column=1)
        (cells,) = csv.reader([lines[number - 1]], skipinitialspace=True)
        if not header:
            header = [cell.strip() for cell in cells]
            continue
        node = _parse_row(dict(zip(header, cells, strict=False)), place)
        name = node.path[-1]
        if len(cells) != len(header):
            issues.append(node.issue(f"has {len(cells)} cells, and the header has {len(header)}"))
        elif name in machines:
            issues.append(node.issue("is listed twice", allowed="keep one of them"))
        machines[str(name)] = node
    if "name" not in header:
        start = Place(file=file, line=numbered[0] if numbered else 1, column=1)
        raise errors.SpecError(
            [Node(path=(), value=None, place=start).issue("has no column `name` in its header")], hint=_EXPLAINED
        )
    types = Node(path=("machineTypes",), value=machines, place=Place(file=file, line=1, column=1))
    return Node(path=(), value={"machineTypes": types}, place=types.place), tuple(issues)


def _parse_row(cells: dict[str, str], place: Place) -> Node:
    path = ("machineTypes", cells.pop("name", "").strip())
    entries = {
        key: Node(path=(*path, key), value=scalars.parse_scalar(cell.strip()), place=place, key_place=place)
        for key, cell in cells.items()
        if cell.strip()
    }
    return Node(path=path, value=entries, place=place, key_place=place)


def _describe(found: ErrorDetails, document: Node) -> errors.SpecIssue:
    issue = problems.describe(found, document)
    if found["type"] != "extra_forbidden":
        return issue
    # What the spec would suggest does not hold here: a catalog file has keys of its own.
    model: type[SpecModel] = OwnMachine if found["loc"][0] == "machineTypes" else OwnFile
    keys = ", ".join(field.alias or name for name, field in model.model_fields.items())
    allowed = "" if found["loc"][0] == "reservations" else f"allowed here: {keys}"
    return replace(issue, problem="is no key of a catalog file here", allowed=allowed)


def _find_half_interfaces(content: OwnFile, document: Node) -> Iterable[errors.SpecIssue]:
    for name, machine in content.machine_types.items():
        if (machine.interfaces is None) != (machine.addresses is None):
            yield document.at("machineTypes", name).issue(
                "has one of `interfaces` and `addresses`", allowed="give both or none", at_key=True
            )


def _in_order(found: Iterable[errors.SpecIssue]) -> list[errors.SpecIssue]:
    return sorted(found, key=lambda issue: (issue.line, issue.column))


def _to_machine(name: str, machine: OwnMachine) -> MachineType:
    eni = None
    if machine.interfaces is not None and machine.addresses is not None:
        eni = EniLimits(interfaces=machine.interfaces, addresses=machine.addresses)
    return replace(describe_own(name, machine), cloud=Cloud(machine.cloud), family=machine.family or name, eni=eni)
