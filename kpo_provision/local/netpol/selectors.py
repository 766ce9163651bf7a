"""Label selectors as the API server understands them. Pure: labels in, a verdict out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Labels = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """One line of a selector. ``operator`` is one of In, NotIn, Exists and DoesNotExist."""

    key: str
    operator: str
    values: frozenset[str] = frozenset()

    def matches(self, labels: Labels) -> bool:
        """Whether the labels meet the requirement; an absent key meets NotIn."""
        match self.operator:
            case "In":
                return labels.get(self.key) in self.values
            case "NotIn":
                return labels.get(self.key) not in self.values
            case "Exists":
                return self.key in labels
            case "DoesNotExist":
                return self.key not in labels
            case _:
                raise ValueError(f"label selector operator {self.operator!r} is not one of Kubernetes' four")


@dataclass(frozen=True, slots=True)
class Selector:
    """Requirements that must all be met; without any it matches everything."""

    requirements: tuple[Requirement, ...] = ()

    def matches(self, labels: Labels) -> bool:
        """Whether the labels meet every requirement."""
        return all(requirement.matches(labels) for requirement in self.requirements)


def parse_selector(selector: Mapping[str, Any]) -> Selector:
    """Read a ``LabelSelector`` in its JSON form."""
    labels: Mapping[str, str] = selector.get("matchLabels") or {}
    expressions: Sequence[Mapping[str, Any]] = selector.get("matchExpressions") or ()
    exact = [Requirement(key=key, operator="In", values=frozenset({value})) for key, value in sorted(labels.items())]
    listed = [
        Requirement(
            key=expression["key"],
            operator=expression["operator"],
            values=frozenset(expression.get("values") or ()),
        )
        for expression in expressions
    ]
    return Selector((*exact, *listed))
