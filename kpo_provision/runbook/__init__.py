"""The install runbook of one spec: what a change board reads, and what whoever installs types.

Pure: asks no cluster, no cloud and no clock, so that the same spec gives the same bytes.
"""

from kpo_provision.runbook.folder import render_runbook, write_runbook
from kpo_provision.runbook.subject import Subject

__all__ = ["Subject", "render_runbook", "write_runbook"]
