"""The names that causes go by, and the rules that tell them from a server's words. Pure values."""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass


class Cause(enum.StrEnum):
    """Why a pod was refused, or does not run."""

    ADMISSION_REFUSED = "AdmissionRefused"
    CONTAINER_CONFIG = "ContainerConfig"
    CRASH_LOOP = "CrashLoop"
    FORBIDDEN_RBAC = "ForbiddenRbac"
    IMAGE_NOT_FOUND = "ImageNotFound"
    IMAGE_PULL_UNAUTHORIZED = "ImagePullUnauthorized"
    LIMIT_RANGE = "LimitRange"
    OOM_KILLED = "OOMKilled"
    POD_FAILED = "PodFailed"
    POD_SECURITY = "PodSecurity"
    QUOTA_EXCEEDED = "QuotaExceeded"
    REFUSED = "Refused"
    REMOVED = "Removed"
    REGISTRY_UNREACHABLE = "RegistryUnreachable"
    SERVICE_ACCOUNT_MISSING = "ServiceAccountMissing"
    TIMEOUT = "Timeout"
    UNSCHEDULABLE = "Unschedulable"
    UNSCHEDULABLE_CPU = "Unschedulable(cpu)"
    UNSCHEDULABLE_MAX_PODS = "Unschedulable(max-pods)"
    UNSCHEDULABLE_MEMORY = "Unschedulable(memory)"
    UNSCHEDULABLE_SELECTOR = "Unschedulable(selector)"
    UNSCHEDULABLE_TAINT = "Unschedulable(taint)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """A named cause. ``is_final`` is false where waiting may still help."""

    cause: Cause
    sentence: str
    hint: str = ""
    is_final: bool = True

    @property
    def summary(self) -> str:
        """Cause and sentence in one line."""
        return f"{self.cause}: {self.sentence}"


@dataclass(frozen=True, slots=True)
class Rule:
    """A message that tells a cause, and what to do about it."""

    pattern: re.Pattern[str]
    cause: Cause
    hint: str


def rule(pattern: str, cause: Cause, hint: str) -> Rule:
    """Make a rule of a regular expression, whatever the case of the message."""
    return Rule(re.compile(pattern, re.IGNORECASE), cause, hint)
