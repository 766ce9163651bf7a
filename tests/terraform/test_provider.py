"""The stand-ins' tables, held to the providers that the tests run with: to the real ones where they are offered."""

import json

import pytest

from tests.terraform.provider.offered import OFFERED
from tests.terraform.provider.schema import load_tables
from tests.terraform.workspace import Workspace

_LETTERS = {"required": "R", "optional": "O", "computed": "C", "sensitive": "S", "write_only": "W"}


@pytest.mark.parametrize("offered", OFFERED, ids=lambda offered: offered.name)
def test_the_table_says_of_every_attribute_what_the_provider_says(offered, tmp_path, mirror):
    source = f'source = "hashicorp/{offered.name}"'
    tmp_path.joinpath("main.tf").write_text(
        f"terraform {{\n  required_providers {{\n    {offered.name} = {{ {source} }}\n  }}\n}}\n"
    )
    workspace = Workspace(tmp_path, mirror)
    workspace.run("init", "-input=false")
    shown = json.loads(workspace.run("providers", "schema", "-json").stdout)
    (provider,) = shown["provider_schemas"].values()
    tables = load_tables(offered.name)
    known = {
        "data": provider.get("data_source_schemas", {}),
        "provider": {offered.name: provider["provider"]},
        "resource": provider["resource_schemas"],
    }
    for kind, table in tables.items():
        for name, block in table.items():
            said = dict(_list_told(known[kind][name]["block"], name))
            written = dict(_list_written(block, name))
            assert {path: said.get(path) for path in written} == written
            assert known[kind][name]["version"] == block.version


def _list_told(block, path):
    """Yield paths of attributes with flags and type, and of blocks with nesting and numbers, as Terraform has them."""
    for name, attribute in block.get("attributes", {}).items():
        flags = {letter for key, letter in _LETTERS.items() if attribute.get(key)}
        yield f"{path}.{name}", (flags, attribute["type"])
    for name, nested in block.get("block_types", {}).items():
        yield f"{path}.{name}", (nested["nesting_mode"], nested.get("min_items", 0), nested.get("max_items", 0))
        yield from _list_told(nested["block"], f"{path}.{name}")


def _list_written(block, path):
    """Yield the same of the table."""
    for each in block.attributes:
        # Terraform is not told which changes need a new resource.
        yield f"{path}.{each.name}", (set(each.flags) - {"N"}, each.type)
    for each in block.blocks:
        yield f"{path}.{each.name}", (each.nesting, each.least, each.most)
        yield from _list_written(each, f"{path}.{each.name}")
