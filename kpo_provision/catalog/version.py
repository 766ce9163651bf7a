"""Versions of Kubernetes and GKE, and their order: ``1.34``, ``v1.34.9``, ``1.34.9-gke.1065000``.

A version without a patch stands for the newest patch of its minor. Knows no list of releases.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass

from kpo_provision import errors

_SHAPE = re.compile(
    r"v?(?P<major>\d{1,2})\.(?P<minor>\d{1,3})(?:\.(?P<patch>\d{1,4})(?:-gke\.(?P<build>\d{1,12})|[-+][\w.+-]{1,60})?)?",
    re.ASCII,
)
"""Other suffixes (``-eks-3abbec1``, ``+k3s1``) name a build that reserves what its patch does."""
_NEWEST = 10**12
_FUTURE_MINORS = 12
"""Minor versions after the newest one in our data that are believed: four years of releases."""


class UnknownVersionError(errors.SizingError):
    """A text is no version of Kubernetes, or of none that can exist yet."""

    def __init__(self, text: str, *, problem: str, nearest: Sequence[str]) -> None:
        self.text = text
        self.nearest = tuple(nearest)
        super().__init__(
            f"version {errors.clip(text)!r} {problem}",
            hint=f"versions look like 1.34 or 1.34.9-gke.1065000; nearest known: {', '.join(self.nearest)}",
        )


@dataclass(frozen=True, slots=True, order=True)
class Version:
    """A version, ordered as releases follow each other."""

    major: int
    minor: int
    patch: int = _NEWEST
    build: int = _NEWEST
    """What stands after ``-gke.``; a version without it is as new as any build of its patch."""

    def __str__(self) -> str:
        text = f"{self.major}.{self.minor}"
        if self.patch != _NEWEST:
            text += f".{self.patch}"
        return text if self.build == _NEWEST else f"{text}-gke.{self.build}"


def parse_version(text: str, *, known: Sequence[Version] = ()) -> Version:
    """Parse a version; ``known`` bounds what is believed and gives the nearest names of the error.

    Raises:
        UnknownVersionError: It is no version, or one that no release will have for years.
    """
    match = _SHAPE.fullmatch(text.strip())
    if match is None:
        raise UnknownVersionError(text, problem="is no Kubernetes version", nearest=_name_nearest(text, known))
    major, minor, patch, build = (_NEWEST if part is None else int(part) for part in match.groups())
    version = Version(major, minor, patch, build)
    if version.major != 1 or (known and version.minor > max(known).minor + _FUTURE_MINORS):
        raise UnknownVersionError(text, problem="does not exist", nearest=_name_nearest(text, known))
    return version


def _name_nearest(text: str, known: Sequence[Version]) -> tuple[str, ...]:
    minors = [f"{version.major}.{version.minor}" for version in sorted(set(known), reverse=True)] or ["1.34"]
    return tuple(difflib.get_close_matches(text, minors, n=3, cutoff=0.5)) or (minors[0],)
