"""Variables and outputs of a module as the tables of its README, read from its HCL as ``terraform fmt`` lays it out."""

import re
from dataclasses import dataclass

BEGIN = "<!-- BEGIN_TF_DOCS -->\n"
END = "<!-- END_TF_DOCS -->\n"


@dataclass(kw_only=True)
class Variable:
    name: str
    description: str
    type: str
    default: str | None


def read_variables(folder):
    """Return a module's variables by name."""
    found = [
        _parse_variable(name, body)
        for path in sorted(folder.glob("variables*.tf"))
        for name, body in _blocks(path, "variable")
    ]
    return {variable.name: variable for variable in found}


def render_tables(folder):
    """Render Markdown: variables, the types too large for a cell, outputs."""
    variables = sorted(read_variables(folder).values(), key=lambda each: (each.default is not None, each.name))
    parts = []
    if variables:
        rows = [f"| {each.name} | {each.description} | {_cell(each)} | {_default(each)} |" for each in variables]
        parts += ["", "## Variables", "", "| Name | Description | Type | Default |", "|---|---|---|---|", *rows]
        for each in variables:
            if "\n" in each.type:
                parts += ["", f"### {each.name}", "", "```hcl", each.type, "```"]
    outputs = [f"| {name} | {_text(body, 'description')} |" for name, body in _blocks(folder / "outputs.tf", "output")]
    parts += ["", "## Outputs", "", "| Name | Description |", "|---|---|", *outputs, "", ""]
    return "\n".join(parts)


def _blocks(path, kind):
    return re.findall(rf'^{kind} "(\w+)" \{{\n(.*?)^\}}', path.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def _parse_variable(name, body):
    default = re.search(r"^  default +?= (.+?)$", body, re.MULTILINE)
    kind = re.search(r"^  type +?= (.+?)\n(?=  \w|\n|\Z)(?!    )", _dedented(body), re.MULTILINE | re.DOTALL)
    return Variable(
        name=name, description=_text(body, "description"), type=kind[1], default=default[1] if default else None
    )


def _dedented(body):
    """Take blank lines out of a type, which would end it."""
    return re.sub(r"\n\n(?=    )", "\n", body)


def _text(body, key):
    return re.search(rf'^  {key} += "(.*)"$', body, re.MULTILINE)[1]


def _cell(variable):
    return f"[see below](#{variable.name})" if "\n" in variable.type else f"`{variable.type}`"


def _default(variable):
    return "required" if variable.default is None else f"`{variable.default}`"
