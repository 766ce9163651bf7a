"""Tables of what a configuration may say, such as ``google.schema``: read into blocks, written as protocol messages.

A line that begins a resource has its name and version. An attribute has flags (Required, Optional, Computed, Sensitive,
Write-only, N for one that a new resource is made for), its type, and its default; a block has its nesting, how many
there may be at least and at most, and C where Google fills in one that is left out.
"""

import json
import re
from dataclasses import dataclass, field
from pathlib import Path

from tests.terraform.provider.wire import MESSAGES

_NESTING = {"single": 1, "list": 2, "set": 3}


@dataclass(kw_only=True)
class Attribute:
    name: str
    flags: str
    type: object
    default: object = None

    @property
    def computed(self):
        return "C" in self.flags


@dataclass(kw_only=True)
class Block:
    """A block; ``nesting`` is empty for a whole resource."""

    name: str
    nesting: str = ""
    least: int = 0
    most: int = 0
    computed: bool = False
    version: int = 0
    attributes: list[Attribute] = field(default_factory=list)
    blocks: list["Block"] = field(default_factory=list)

    @property
    def empty(self):
        """What it is when it is left out."""
        return None if self.nesting == "single" else []


def load_tables(provider):
    """Return the blocks of a provider by kind (``resource``, ``data``, ``provider``) and name."""
    tables = {}
    path = []
    for line in Path(__file__).with_name(f"{provider}.schema").read_text(encoding="utf-8").splitlines():
        depth = (len(line) - len(line.lstrip())) // 2
        del path[depth:]
        if depth == 0:
            kind, name, version = line.split()
            path.append(tables.setdefault(kind, {}).setdefault(name, Block(name=name, version=int(version))))
            continue
        word = line.split()
        if word[1] in _NESTING:
            block = Block(
                name=word[0], nesting=word[1], least=int(word[2]), most=int(word[3]), computed=word[4:] == ["C"]
            )
            path[-1].blocks.append(block)
            path.append(block)
        else:
            path[-1].attributes.append(_parse_attribute(line))
    return tables


def _parse_attribute(line):
    name, flags, kind, default = re.fullmatch(r"(\w+) (\w+) (.+?)(?: = (.+))?", line.strip()).groups()
    kind = json.loads(kind) if kind.startswith("[") else kind
    return Attribute(name=name, flags=flags, type=kind, default=json.loads(default) if default else None)


def to_schema(block):
    """Write a resource's block as the protocol's Schema."""
    return MESSAGES["Schema"](version=block.version, block=_to_block(block))


def _to_block(block):
    attributes = [
        MESSAGES["Attribute"](
            name=each.name,
            type=json.dumps(each.type).encode(),
            required="R" in each.flags,
            optional="O" in each.flags,
            computed=each.computed,
            sensitive="S" in each.flags,
            write_only="W" in each.flags,
        )
        for each in block.attributes
    ]
    nested = [
        MESSAGES["NestedBlock"](
            type_name=each.name,
            block=_to_block(each),
            nesting=_NESTING[each.nesting],
            min_items=each.least,
            max_items=each.most,
        )
        for each in block.blocks
    ]
    return MESSAGES["Block"](attributes=attributes, block_types=nested)
