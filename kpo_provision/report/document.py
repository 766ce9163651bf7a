"""A run as a JSON document of kind ``kpo-provision/run-report/v1``. Fields are added, never renamed or removed.

Written in ASCII, so that nothing that came from a cluster can steer the terminal that shows it.
"""

from __future__ import annotations

import json
from typing import Any

from kpo_provision.report.changes import document_of
from kpo_provision.report.hosts import document_of_hosts
from kpo_provision.report.pools import document_of_pools
from kpo_provision.report.run import RunReport
from kpo_provision.results import CheckResult

SCHEMA = "kpo-provision/run-report/v1"


def render_json(run: RunReport) -> str:
    """Render the whole run."""
    document = {
        "schema": SCHEMA,
        "command": run.command,
        "toolVersion": run.tool_version,
        "installation": run.installation,
        "target": run.target,
        "kubernetesVersion": run.kubernetes_version,
        "exitCode": int(run.exit_code),
        "success": not run.exit_code,
        "simulated": run.is_simulated,
        "durationSeconds": round(run.duration_s, 3),
        "infrastructure": document_of_pools(run.ahead) | document_of_hosts(run.ahead.hosts),
        "changes": document_of(run.changes) if run.changes is not None else None,
        "counts": {outcome.value: count for outcome, count in run.counts.items()},
        "checks": [_describe_check(check) for check in run.checks],
        "next": list(run.next_commands),
    }
    return json.dumps(document, indent=2)


def _describe_check(check: CheckResult) -> dict[str, Any]:
    return {
        "id": check.id,
        "category": check.category,
        "tenant": check.tenant,
        "description": check.description,
        "outcome": check.outcome.value,
        "detail": check.detail,
        "hint": check.hint,
        "simulated": check.simulated,
        "durationSeconds": round(check.duration_s, 3),
        "evidence": dict(check.evidence),
        "help": f"docs/checks.md#{check.id}",
    }
