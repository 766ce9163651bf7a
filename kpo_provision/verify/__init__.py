"""Proof that the cluster does what the spec says, made by calling it as Airflow's workers do.

Verdicts are values. Changes nothing but probe pods, and leaves none of those behind.
"""

from __future__ import annotations

from kpo_provision.verify.verification import verify

__all__ = ["verify"]
