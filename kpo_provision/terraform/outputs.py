"""What the root hands back once it is applied."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kpo_provision import errors


@dataclass(frozen=True, slots=True, kw_only=True)
class Outputs:
    """All outputs of a root by name; values are as JSON, and are not shown where the whole is printed."""

    values: Mapping[str, Any] = field(repr=False)
    sensitive: frozenset[str] = frozenset()

    def require(self, name: str) -> Any:  # noqa: ANN401
        """Return one output.

        Raises:
            errors.TerraformError: The root was never applied, or has no such output.
        """
        if name not in self.values:
            known = ", ".join(sorted(self.values)) or "none"
            raise errors.TerraformError(
                f"Terraform's state has no output {name}; it has: {known}",
                hint="run `kpo-provision apply`, which writes it",
            )
        return self.values[name]


def parse_outputs(document: Mapping[str, Mapping[str, Any]]) -> Outputs:
    """Parse the document that ``output -json`` writes."""
    return Outputs(
        values={name: output.get("value") for name, output in document.items()},
        sensitive=frozenset(name for name, output in document.items() if output.get("sensitive")),
    )
