"""The installation as a picture: who reaches what, which tenants share which nodes, and where the trust boundaries are.

One drawing for the page (SVG, coloured by its style sheet) and the same as Mermaid for the Markdown.
"""

from __future__ import annotations

import html
from collections.abc import Iterator
from dataclasses import dataclass

from kpo_provision.enumeration import name_few
from kpo_provision.report.sizing_amounts import render_count, render_month
from kpo_provision.runbook.subject import Subject
from kpo_provision.runbook.terms import PoolTerms, group_tenants

_WIDTH, _LEFT, _GAP, _LINE = 960, 240, 18, 19
_CLIP = 44
_NAMED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """Tenants that share a pool, and the pool; without a title where they have none."""

    tenants: tuple[str, ...]
    pool: tuple[str, ...]


def list_lanes(subject: Subject) -> tuple[Lane, ...]:
    """Say each lane's words, a line each."""
    return tuple(
        Lane(tenants=_describe_tenants(group), pool=_describe_pool(subject, group)) for group in group_tenants(subject)
    )


def render_mermaid(subject: Subject) -> str:
    """Render the picture for Markdown."""
    lines = [
        "flowchart LR",
        '  installer["who installs"] -->|applies, proves| api',
        '  airflow["Airflow workers"] -->|own namespace only| api',
    ]
    lines += [
        f'  subgraph cluster["{_quote(subject.cluster)}"]',
        f'    api["API server {subject.version}: admission guard"]',
    ]
    for number, lane in enumerate(list_lanes(subject)):
        lines.append(f'    api --> tenants{number}["{_join(lane.tenants)}"]')
        if lane.pool:
            lines.append(f'    tenants{number} -->|placed by admission| pool{number}[("{_join(lane.pool)}")]')
    lines.append("  end")
    pools = [number for number, lane in enumerate(list_lanes(subject)) if lane.pool]
    for place, (name, registry) in enumerate(sorted(subject.spec.registries.items())):
        lines += [f'  registry{place}[("{_quote(name)}: {_quote(registry.server)}")]']
        lines += [f"  pool{number} -->|pull secret| registry{place}" for number in pools]
    return "\n".join(lines)


def render_svg(subject: Subject) -> str:
    """Render the picture as SVG without a style of its own."""
    lanes = list_lanes(subject)
    parts: list[str] = []
    top = 128
    for lane in lanes:
        height = _LINE * max(len(lane.tenants), len(lane.pool)) + 22
        parts += _draw_lane(lane, top, height)
        top += height + _GAP
    bottom = top + 4
    frame = [
        _box(_LEFT, 20, _WIDTH - _LEFT - 12, bottom - 20, "boundary"),
        _text(_LEFT + 16, 42, f"Trust boundary: {subject.cluster}, Kubernetes {subject.version}", "label"),
        *_card(_LEFT + 16, 54, _WIDTH - _LEFT - 44, ("API server", _describe_guard(subject)), "api"),
        *_card(12, 54, 180, ("Who installs", "rights of this change"), "outside"),
        *_card(12, 146, 180, ("Airflow workers", "each in its own", "namespace alone"), "outside"),
        _arrow(192, 82, _LEFT + 14, 82),
        _arrow(192, 176, _LEFT + 20, 114),
    ]
    registries = list(_draw_registries(subject, bottom + 40))
    height = bottom + (110 if registries else 20)
    label = html.escape(f"{subject.name}: {_say_alt(subject, lanes)}", quote=True)
    return (
        f'<svg role="img" aria-label="{label}" viewBox="0 0 {_WIDTH} {height}" xmlns="http://www.w3.org/2000/svg">'
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
        '<path d="M0 0 8 4 0 8z"/></marker></defs>' + "".join([*frame, *parts, *registries]) + "</svg>"
    )


def _describe_tenants(group: PoolTerms) -> tuple[str, ...]:
    names = [release for terms in group.terms for release in terms.releases]
    if not names:
        return ("no tenant yet",)
    title = render_count(group.count, "tenant")
    shown = names if len(names) <= _NAMED else [name_few(names, few=1)]
    return (title, *shown, f"{group.au:,} AU together" if group.au else "KPO is off: 403")


def _describe_pool(subject: Subject, group: PoolTerms) -> tuple[str, ...]:
    if group.pool is None:
        return ()
    title = f"Pool {group.pool.name}"
    for size in subject.size.pools if subject.size else ():
        if size.demand.name == group.pool.name:
            spot = "spot " if size.demand.spot else ""
            cost = render_month(size.micro_usd_per_hour)
            month = f"{cost} a month as promised" if size.micro_usd_per_hour is not None else cost
            nodes = f"{size.nodes.minimum:,} to {render_count(size.nodes.maximum, 'node')}"
            return (title, f"{spot}{size.shape.machine.name}", nodes, month)
    selector = ", ".join(f"{key}={value}" for key, value in group.pool.node_selector.items())
    return (
        title,
        selector or f"nodes labelled {group.pool.name}",
        "KPO pods alone" if group.pool.taints else "not tainted",
    )


def _describe_guard(subject: Subject) -> str:
    placing = "places KPO pods on their pool, " if subject.plan.mutates_pods else ""
    return f"{placing}keeps other pods off the pools, counts quotas"


def _draw_lane(lane: Lane, top: int, height: int) -> Iterator[str]:
    middle = top + height // 2
    yield from _card(_LEFT + 16, top, 300, lane.tenants, "tenants", height=height)
    if lane.pool:
        yield from _card(_WIDTH - 328, top, 300, lane.pool, "pool", height=height)
        yield _arrow(_LEFT + 316, middle, _WIDTH - 330, middle)


def _draw_registries(subject: Subject, top: int) -> Iterator[str]:
    registries = sorted(subject.spec.registries.items())
    if not registries:
        return
    yield _arrow(_WIDTH - 178, top - 36, _WIDTH - 178, top - 2)
    yield _text(_WIDTH - 190, top - 14, "pull secret of the tenant", "note end")
    names = [f"{name}: {registry.server}" for name, registry in registries]
    yield from _card(
        _WIDTH - 328,
        top,
        300,
        ("Private registry" if len(names) == 1 else f"{len(names)} private registries", name_few(names, few=1)),
        "outside",
    )


def _card(x: int, y: int, width: int, lines: tuple[str, ...], kind: str, *, height: int = 0) -> Iterator[str]:
    yield _box(x, y, width, height or _LINE * len(lines) + 18, kind)
    for number, line in enumerate(lines):
        yield _text(x + 14, y + 22 + number * _LINE, line, "title" if number == 0 else "")


def _box(x: int, y: int, width: int, height: int, kind: str) -> str:
    return f'<rect class="{kind}" x="{x}" y="{y}" width="{width}" height="{height}" rx="8"/>'


def _text(x: int, y: int, text: str, kind: str) -> str:
    shown = text if len(text) <= _CLIP * 2 else text[: _CLIP * 2 - 1] + "…"
    return f'<text class="{kind}" x="{x}" y="{y}">{html.escape(shown)}</text>'


def _arrow(x: int, y: int, to_x: int, to_y: int) -> str:
    return f'<path class="arrow" d="M{x} {y} {to_x} {to_y}" marker-end="url(#tip)"/>'


def _say_alt(subject: Subject, lanes: tuple[Lane, ...]) -> str:
    said = [f"{', '.join(lane.tenants)} on {', '.join(lane.pool) or 'no pool'}" for lane in lanes]
    return f"{subject.cluster}; {'; '.join(said)}"


def _quote(text: str) -> str:
    return text.replace('"', "'")


def _join(lines: tuple[str, ...]) -> str:
    return "<br>".join(_quote(line) for line in lines)
