"""Which minor version of Kubernetes a node runs, as far as a reservation rule depends on it."""

from __future__ import annotations

import functools

from kpo_provision.catalog import os_reserved
from kpo_provision.catalog.version import parse_version


@functools.cache
def parse_minor(text: str) -> int:
    """Read the minor version of ``1.34``, ``v1.34.9`` or ``1.34.9-gke.1065000``.

    Raises:
        catalog.version.UnknownVersionError: It is no version, or one that no release will have for years.
    """
    return parse_version(text, known=os_reserved.known_versions()).minor


def is_before(text: str | None, minor: int) -> bool:
    """Whether a version is older than 1.``minor``; no version stands for the newest."""
    return text is not None and parse_minor(text) < minor
