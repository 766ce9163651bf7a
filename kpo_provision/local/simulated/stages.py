"""What kwok is told to play: nodes that are Ready, pods that run for a moment and succeed.

It says so wherever a reader may look. No address is made up, and no log: there is nobody to ask for one.
"""

from __future__ import annotations

import json
from typing import Any

from kpo_provision.local.recipes import KUBERNETES_VERSION

MARK = ("kwok.x-k8s.io/node", "fake")
"""Annotation of the nodes that kwok plays; verification knows them by it."""

_ABOUT = {
    "kubeletVersion": f"v{KUBERNETES_VERSION}-simulated",
    "osImage": "simulated",
    "containerRuntimeVersion": "kwok://simulated",
}
_POD_MESSAGE = "simulated node: nothing was run"
_MOST_PODS = 110
_RUN_MS = 1000
_HEARTBEAT_MS = 10_000
"""Kubernetes takes a node that says nothing for 50 s for dead."""

_CONDITIONS = """\
{{ $now := Now }}
{{ $since := or .metadata.creationTimestamp $now }}
conditions:
- type: Ready
  status: "True"
  reason: Simulated
  message: kwok answers for this node, which runs nothing
  lastHeartbeatTime: {{ $now | Quote }}
  lastTransitionTime: {{ $since | Quote }}
"""

_RUNNING = """\
{{ $now := Now }}
phase: Running
message: MESSAGE
startTime: {{ $now | Quote }}
conditions:
{{ range $type := list "Initialized" "ContainersReady" "Ready" }}
- type: {{ $type }}
  status: "True"
  lastTransitionTime: {{ $now | Quote }}
{{ end }}
initContainerStatuses:
{{ range .spec.initContainers }}
- name: {{ .name | Quote }}
  image: {{ .image | Quote }}
  ready: true
  restartCount: 0
  state:
    {{ if eq (or .restartPolicy "") "Always" }}
    running:
      startedAt: {{ $now | Quote }}
    {{ else }}
    terminated:
      exitCode: 0
      reason: Completed
      startedAt: {{ $now | Quote }}
      finishedAt: {{ $now | Quote }}
    {{ end }}
{{ end }}
containerStatuses:
{{ range .spec.containers }}
- name: {{ .name | Quote }}
  image: {{ .image | Quote }}
  ready: true
  started: true
  restartCount: 0
  state:
    running:
      startedAt: {{ $now | Quote }}
{{ end }}
""".replace("MESSAGE", json.dumps(_POD_MESSAGE))

_SUCCEEDED = """\
{{ $now := Now }}
{{ $since := or .status.startTime $now }}
phase: Succeeded
conditions:
{{ range $type := list "ContainersReady" "Ready" }}
- type: {{ $type }}
  status: "False"
  reason: PodCompleted
  lastTransitionTime: {{ $now | Quote }}
{{ end }}
containerStatuses:
{{ range .spec.containers }}
- name: {{ .name | Quote }}
  image: {{ .image | Quote }}
  ready: false
  started: false
  restartCount: 0
  state:
    terminated:
      exitCode: 0
      reason: Completed
      startedAt: {{ $since | Quote }}
      finishedAt: {{ $now | Quote }}
{{ end }}
"""


def render_stages(*, cpu_count: int, memory_bytes: int, disk_bytes: int) -> str:
    """Render kwok's configuration, with what every node claims to have."""
    resources = json.dumps(
        {
            "cpu": str(cpu_count),
            "memory": str(memory_bytes),
            "ephemeral-storage": str(disk_bytes),
            "pods": str(_MOST_PODS),
        }
    )
    register = f"{_CONDITIONS}capacity: {resources}\nallocatable: {resources}\nnodeInfo: {json.dumps(_ABOUT)}\n"
    ready = '.status.conditions.[] | select( .type == "Ready" ) | .status'
    alive = _match(".metadata.deletionTimestamp", "DoesNotExist")
    stages = (
        _stage("node-ready", "Node", [_match(ready, "NotIn", "True")], {"statusTemplate": register}),
        _stage(
            "node-heartbeat",
            "Node",
            [_match(ready, "In", "True")],
            {"statusTemplate": _CONDITIONS},
            after_ms=_HEARTBEAT_MS,
        ),
        _stage("pod-run", "Pod", [alive, _match(".status.phase", "In", "Pending")], {"statusTemplate": _RUNNING}),
        _stage(
            "pod-succeed",
            "Pod",
            [
                alive,
                _match(".status.phase", "In", "Running"),
                _match(".spec.restartPolicy", "In", "Never", "OnFailure"),
            ],
            {"statusTemplate": _SUCCEEDED},
            after_ms=_RUN_MS,
        ),
        _stage("pod-delete", "Pod", [_match(".metadata.deletionTimestamp", "Exists")], {"delete": True}),
    )
    return "---\n".join(json.dumps(stage, indent=2) + "\n" for stage in stages)


def _match(key: str, operator: str, *values: str) -> dict[str, Any]:
    return {"key": key, "operator": operator, **({"values": list(values)} if values else {})}


def _stage(
    name: str, kind: str, when: list[dict[str, Any]], then: dict[str, Any], *, after_ms: int = 0
) -> dict[str, Any]:
    spec: dict[str, Any] = {
        "resourceRef": {"apiGroup": "v1", "kind": kind},
        "selector": {"matchExpressions": when},
        "next": then,
    }
    if after_ms:
        spec["delay"] = {"durationMilliseconds": after_ms}
    return {"apiVersion": "kwok.x-k8s.io/v1alpha1", "kind": "Stage", "metadata": {"name": name}, "spec": spec}
