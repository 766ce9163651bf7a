"""Why an image could not be pulled, in the words of kubelet and containerd.

Pure. Kept apart from ``classify`` because these messages come from registries and runtimes, and change with them.
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass

REASONS = frozenset(
    {
        "ErrImagePull",
        "ImagePullBackOff",
        "ErrImageNeverPull",
        "InvalidImageName",
        "ImageInspectError",
        "RegistryUnavailable",
        "SignatureValidationFailed",
    }
)
"""Waiting reasons of a container whose image is not there (pkg/kubelet/images/types.go, v1.37.2)."""


class Kind(enum.Enum):
    """Who has to act: the owner of the login, of the image name, or of the network."""

    UNAUTHORIZED = "unauthorized"
    NOT_FOUND = "not found"
    UNREACHABLE = "unreachable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One failed pull; ``words`` is the part of the message that says why."""

    kind: Kind
    words: str

    @property
    def lacked_login(self) -> bool:
        """Whether the registry was shown no login at all, not even a wrong one."""
        return self.kind is Kind.UNAUTHORIZED and _WITHOUT_LOGIN.search(self.words) is not None


# Looked for first: Docker Hub says "repository does not exist or may require authorization" for both.
_UNAUTHORIZED = re.compile(
    r"401 Unauthorized|unauthorized:|no basic auth credentials|authorization failed|authentication required"
    r"|pull access denied|403 Forbidden|requested access to the resource is denied|insufficient_scope|denied: "
    r"|failed to fetch (anonymous|oauth) token|image pull credentials|does not have permission",
    re.IGNORECASE,
)
_WITHOUT_LOGIN = re.compile(r"no basic auth credentials|anonymous token", re.IGNORECASE)
_NOT_FOUND = re.compile(
    r"not found|manifest unknown|name unknown|NAME_UNKNOWN|no match for platform|invalid reference",
    re.IGNORECASE,
)
_UNREACHABLE = re.compile(
    r"connection refused|i/o timeout|no such host|no route to host|network is unreachable|deadline exceeded|x509:|tls:"
    r"|HTTP response to HTTPS client|connection reset|toomanyrequests|429 Too Many Requests|50[0234] |EOF",
    re.IGNORECASE,
)


def parse_problem(reason: str, message: str) -> Problem | None:
    """Tell why a pull failed; None where the message holds no cause (a bare back-off: the next one will)."""
    words = _last_words(message)
    if reason in ("InvalidImageName", "ErrImageNeverPull"):
        return Problem(kind=Kind.NOT_FOUND, words=words)
    if _UNAUTHORIZED.search(message):
        return Problem(kind=Kind.UNAUTHORIZED, words=words)
    if _UNREACHABLE.search(message):
        return Problem(kind=Kind.UNREACHABLE, words=words)
    if _NOT_FOUND.search(message):
        return Problem(kind=Kind.NOT_FOUND, words=words)
    if reason == "ImagePullBackOff":
        return None
    return Problem(kind=Kind.UNREACHABLE, words=words or reason)


def parse_server(image: str) -> str:
    """Return the registry of an image reference; without one it is Docker Hub."""
    first, slash, _ = image.partition("/")
    has_server = slash and ("." in first or ":" in first or first == "localhost")
    return first if has_server else "docker.io"


def hint_for_unreachable(words: str, server: str) -> str:
    """Say what to look at when a node cannot talk to a registry."""
    if "x509" in words or "tls:" in words:
        return (
            f"the nodes do not trust {server}'s certificate: put its CA into containerd's certs.d/{server}/hosts.toml"
        )
    if "HTTP response to HTTPS client" in words:
        return f"{server} speaks plain HTTP: give it a certificate, or allow HTTP in certs.d/{server}/hosts.toml"
    if "429" in words or "toomanyrequests" in words:
        return f"{server} limits pulls: log in, or mirror the image into a registry of your own"
    return f"from a node of the pool, check that {server} resolves and that its port is open"


def _last_words(message: str) -> str:
    """Drop the containerd prefixes that repeat the image's name."""
    trimmed = re.sub(r'failed to (pull and unpack|resolve|do|copy)[^"]*"[^"]*": ', "", message)
    trimmed = re.sub(r'^Back-off pulling image "[^"]*": ', "", trimmed)
    trimmed = re.sub(r"^ErrImagePull: ", "", trimmed)
    return trimmed.removeprefix("rpc error: code = Unknown desc = ").removeprefix("rpc error: code = NotFound desc = ")
