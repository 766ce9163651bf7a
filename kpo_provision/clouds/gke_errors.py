"""The error of one operation of Google Kubernetes Engine. Apart from ``gke_refusals``, which loads Google's client."""

from __future__ import annotations

from kpo_provision import errors

SERVICE = "Google Kubernetes Engine"


def refusal(operation: str, problem: str, *, hint: str) -> errors.CloudError:
    """Make the error of one operation."""
    return errors.CloudError(service=SERVICE, operation=operation, problem=problem, hint=hint)
