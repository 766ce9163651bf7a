"""The documentation's site: the Markdown of docs/, put in order here, so that it stays readable without a site.

``make docs`` builds it in strict mode. Nothing in a page is fetched from another host.
"""

from __future__ import annotations

from pathlib import Path

from sphinx.application import Sphinx

from kpo_provision import __version__

_DOCS = Path(__file__).parents[1]

PARTS: dict[str, tuple[str, ...]] = {
    "Tutorial": ("tutorial",),
    "How to": (
        "how-to/local",
        "how-to/kind",
        "how-to/minikube",
        "how-to/microk8s",
        "how-to/docker-desktop",
        "how-to/cloud-clusters",
        "how-to/gke",
        "how-to/self-hosted-hosts",
        "how-to/air-gapped-hosts",
        "how-to/self-hosted-ec2",
        "how-to/airflow",
        "how-to/size-pools",
        "how-to/terraform-cloud",
        "how-to/runbook",
    ),
    "Reference": ("spec", "commands", "checks", "hosts"),
    "Explanation": ("sizing", "security", "performance"),
    "Decisions": tuple(f"adr/{page.stem}" for page in sorted(_DOCS.glob("adr/*.md"))),
}
"""The pages beside each other in the sidebar, under a heading each. A page that is in none of them fails the build."""

project = "kpo-provision"
author = "kpo-provision maintainers"
version = release = __version__
extensions = ["myst_parser"]
exclude_patterns = ["site", "man"]
nitpicky = True
myst_heading_anchors = 4
html_theme = "furo"
html_title = f"kpo-provision {__version__}"
html_copy_source = False
html_show_sourcelink = False
html_show_copyright = False


def _put_in_order(_app: Sphinx, page: str, source: list[str]) -> None:
    """End the front page with the order of all others, which a Git host would show as the text of a directive."""
    if page == "index":
        source[0] += "".join(_write_toctree(part, pages) for part, pages in PARTS.items())


def _write_toctree(part: str, pages: tuple[str, ...]) -> str:
    return "\n".join(["", "```{toctree}", ":hidden:", f":caption: {part}", "", *pages, "```", ""])


def setup(app: Sphinx) -> None:
    """Have Sphinx ask for the order when it reads a page."""
    app.connect("source-read", _put_in_order)
