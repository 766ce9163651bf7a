"""What a shell offers when somebody presses Tab: specs of the folder, and names that are in the spec.

Asks nothing but files, and says nothing when they are not as they should be: Tab is no place for errors.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

_ENDINGS = (".yaml", ".yml")
DEFAULT_SPEC = "kpo-provision.yaml"


def complete_specs(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Offer folders, and files that may be specs."""
    from click.shell_completion import CompletionItem

    start = Path(incomplete)
    folder = start if incomplete.endswith("/") else start.parent
    try:
        found = sorted(folder.iterdir())
    except OSError:
        return []
    return [
        CompletionItem(f"{path}/" if path.is_dir() else str(path))
        for path in found
        if str(path).startswith(incomplete.removeprefix("./")) and (path.is_dir() or path.suffix in _ENDINGS)
    ]


def complete_tenants(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Offer the tenants of the spec that the command line names, or of the one that it would read."""
    import yaml
    from click.shell_completion import CompletionItem

    try:
        document = yaml.safe_load(Path(context.params.get("spec") or DEFAULT_SPEC).read_text(encoding="utf-8"))
        tenants = sorted(document["tenants"])
    except (OSError, ValueError, KeyError, TypeError, yaml.YAMLError):
        return []
    return [CompletionItem(name) for name in tenants if name.startswith(incomplete)]
