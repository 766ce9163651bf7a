"""How much of a GKE node's nominal memory its firmware, kernel and image hide from the kubelet.

GKE measures this for every release and machine size; the table holds its figures. Where it has nothing for an image and
architecture, the formula of the open-source autoscaler serves, with a guard: below 128 GiB it promises 10 to 24 MiB
more than nodes have.
"""

from __future__ import annotations

import bisect
import functools
from dataclasses import dataclass

from kpo_provision.catalog import tables
from kpo_provision.catalog.version import Version, parse_version

_MI = 1024
_GI = 1024 * 1024
"""KiB in a MiB and in a GiB."""
_GUARD_KI = 32 * _MI
_GUARDED_BELOW_KI = 128 * _GI
_LARGE_KI = 200 * _GI


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    version: Version
    is_measured: bool
    memory_ki: tuple[int, ...]
    hidden_ki: tuple[int, ...]


def hidden_memory_ki(
    *, version: str | None, image: str, architecture: str, memory_mib: int, confidential: bool = False
) -> tuple[int, str]:
    """Predict the KiB of ``memory_mib`` that the kubelet will not see, and say by what.

    The row of the same minor version serves, else the newest older one, else the oldest; between its sizes the figure
    is interpolated, beyond the largest extrapolated (GoogleCloudPlatform/cluster-autoscaler, system_reserved_config.go,
    2026-08-21; that has a row for every patch, and takes the newest that is no newer; of ours, one a minor version, the
    one of the same minor is nearer). Above 200 GiB another 0.1 % is kept back, as n1-standard-64 was seen to need.

    Raises:
        UnknownVersionError: ``version`` is no version.
    """
    memory_ki = memory_mib * _MI
    rows = _read_rows().get((image, architecture, confidential))
    known = [row.version for row in rows] if rows else known_versions()
    wanted = parse_version(version, known=known) if version is not None else max(known)
    if rows is None:
        hidden_ki, sentence = _estimate(memory_ki, image=image, architecture=architecture)
        if confidential:
            sentence += "; what confidential computing takes is not known for it and not in this figure"
    else:
        minors = [(row.version.major, row.version.minor) for row in rows]
        row = rows[max(0, bisect.bisect_right(minors, (wanted.major, wanted.minor)) - 1)]
        hidden_ki, sentence = _interpolate(row, memory_ki), _describe(row, wanted, newest=known[-1])
    if memory_ki > _LARGE_KI:
        hidden_ki += -(-memory_ki // 1000)
        sentence += "; 0.1 % more is kept back above 200 GiB"
    return min(hidden_ki, memory_ki), sentence


def known_versions() -> list[Version]:
    """Return the versions that the table knows, oldest first."""
    return sorted({row.version for rows in _read_rows().values() for row in rows})


@functools.cache
def _read_rows() -> dict[tuple[str, str, bool], list[_Row]]:
    rows: dict[tuple[str, str, bool], list[_Row]] = {}
    for cells in tables.read_rows("gke_os_reserved.csv"):
        points = [tuple(map(int, point.split(":"))) for point in cells["points"].split()]
        row = _Row(
            version=parse_version(cells["version"]),
            is_measured=cells["source"] == "measured",
            memory_ki=(0, *(mib * _MI for mib, _ in points)),
            hidden_ki=(0, *(ki for _, ki in points)),
        )
        rows.setdefault((cells["image"], cells["architecture"], cells["is_confidential"] == "1"), []).append(row)
    return {key: sorted(group, key=lambda row: row.version) for key, group in rows.items()}


def _interpolate(row: _Row, memory_ki: int) -> int:
    """Read the line through the two sizes around ``memory_ki``, rounded up to a whole KiB."""
    sizes = row.memory_ki
    high = min(max(1, bisect.bisect_left(sizes, memory_ki)), len(sizes) - 1)
    low = high - 1
    rise = (memory_ki - sizes[low]) * (row.hidden_ki[high] - row.hidden_ki[low])
    return row.hidden_ki[low] - (-rise // (sizes[high] - sizes[low]))


def _describe(row: _Row, wanted: Version, *, newest: Version) -> str:
    how = "measured by GKE on" if row.is_measured else "seen on nodes of"
    sentence = f"{how} {row.version}"
    if (wanted.major, wanted.minor) < (row.version.major, row.version.minor):
        return f"{sentence}, the oldest version in the table; {wanted} is older"
    if row.version == newest and wanted.minor > newest.minor:
        return f"{sentence}, the newest version in the table; {wanted} is newer"
    return sentence


def _estimate(memory_ki: int, *, image: str, architecture: str) -> tuple[int, str]:
    """Work out the formula of kubernetes/autoscaler (gce_reserved.go, 2026-08-22), in bytes and with its float."""
    if image == "windows":
        return 0, "Windows hides nothing from the kubelet"
    memory_bytes, mib = memory_ki * 1024, 2**20
    hidden = memory_bytes // 64 + 16 * mib
    if memory_ki > 3 * _GI:
        hidden += 64 * mib
    if memory_ki <= 8 * _GI:
        hidden += 8 * mib
    hidden += int(min(0.00175 * memory_bytes, 248 * mib))
    if image == "ubuntu":
        hidden += 4 * mib
    if architecture == "arm64":
        hidden = round(hidden * 0.9971)
    hidden_ki = -(-hidden // 1024)
    sentence = f"estimated by the autoscaler's formula: there are no measurements for {image} on {architecture}"
    if memory_ki < _GUARDED_BELOW_KI:
        return hidden_ki + _GUARD_KI, f"{sentence}; with a guard of 32 MiB"
    return hidden_ki, sentence
