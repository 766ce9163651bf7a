"""The probe pod: what KubernetesPodOperator would launch, down to its labels, its sidecar and what it leaves out.

Pure. The shape is that of Airflow's cncf.kubernetes provider 10.25.0 (read 2026-11-23); what a user is told to set, the
sidecar's image and size and where needed a pod template, is taken from what ``render`` hands over to Airflow.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from kpo_provision import quantity
from kpo_provision.plan import KPO_POD_LABEL, Plan, TenantPlan
from kpo_provision.render import airflow

Manifest = dict[str, Any]

NAME_PREFIX = "kpo-probe-"
MARKS = {"dag_id": "kpo-provision", "task_id": "probe", KPO_POD_LABEL[0]: KPO_POD_LABEL[1]}
"""Labels that tell probe pods, also those of runs that were killed."""
BASE = "base"
SIDECAR = "airflow-xcom-sidecar"
XCOM_FILE = "/airflow/xcom/return.json"
READ_XCOM = ("sh", "-c", f"cat {XCOM_FILE} && : > /airflow/xcom/seen")
DNS_NAME = "kubernetes.default.svc"

_NO_IMAGE = "none.invalid/probe"
_GRACE_S = 60
"""How long a probe pod outlives its deadline where nobody is left to delete it."""

_SCRIPT = r"""
say() { echo "kpo-probe $KPO_PROBE_RUN $*"; }
has() { command -v "$1" >/dev/null 2>&1; }
printf '{"run": "%s"}' "$KPO_PROBE_RUN" > /airflow/xcom/return.json
say hello
while read -r key value rest; do
  [ "$key" != nameserver ] || nameserver=${nameserver:-$value}
  for word in $value $rest; do case $key.$word in search.svc.*) domain=${word#svc.} ;; esac; done
done < /etc/resolv.conf
resolve() {
  if has getent; then getent hosts "$DNS_NAME" | { read -r address _ && echo "$address"; }
  else nslookup "$DNS_NAME.$domain" | { while read -r key value _; do case $key in
    Name:) found=y ;; Address*) [ -z "$found" ] || { echo "${value##* }"; break; } ;; esac; done; }; fi
}
try_dns() {
  has getent || has nslookup || { say dns untested; return; }
  for pause in 1 1 0; do
    address=$(resolve 2>/dev/null)
    [ -z "$address" ] || { say dns "$address"; return; }
    sleep $pause
  done
  say dns failed
}
connect() {
  if has bash; then
    bash -c 'exec 3<>"/dev/tcp/$0/53" && echo compared; exec 3<>"/dev/tcp/$1/$2" && echo open' "$@" &
    sleep 0.5 || sleep 1
    kill $!
  else
    nc -z -w 1 "$1" 53 && echo compared
    nc -z -w 1 "$2" "$3" && echo open
  fi
}
try_api() {
  attempts=20 patience=3
  while [ $attempts -gt 0 ] && [ $patience -gt 0 ]; do
    reached=$(connect "$nameserver" "$KUBERNETES_SERVICE_HOST" "$KUBERNETES_SERVICE_PORT" 2>/dev/null)
    case $reached in compared) say api closed; return ;; esac
    attempts=$((attempts - 1))
    [ ! -e /airflow/xcom/seen ] || patience=$((patience - 1))
  done
  case $reached in *open) say api open ;; *) say api untested ;; esac
}
try_dns &
try_api &
wait
"""
"""Needs a POSIX shell; what the image has no tool for is reported as untested.

A network policy is in force only when its agent has learnt of the pod's address, as everybody has who sees the pod run:
hence the attempts, few of them once the file of ``READ_XCOM`` says that it was seen. The name server is connected to as
well, to know that connections can be tested at all. Starts few processes: with so little CPU each of them is felt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbePod:
    """One probe pod, as it is sent to the API server."""

    name: str
    run: str
    manifest: Manifest

    def opening(self, word: str) -> str:
        """How the log line begins that says one thing: ``hello``, or what ``dns`` and ``api`` came to."""
        return f"kpo-probe {self.run} {word}"


def make_probe(plan: Plan, tenant: TenantPlan, *, run: str, timeout_s: float) -> ProbePod:
    """Describe the probe pod of a tenant; ``run`` makes it unique and must be a label value."""
    name = NAME_PREFIX + run
    template = airflow.render_pod_template(tenant) or {"metadata": {}, "spec": {"containers": [{}]}}
    spec = {
        "containers": [_base(tenant, run, template), _sidecar(tenant)],
        "volumes": [{"name": "xcom", "emptyDir": {}}],
        "restartPolicy": "Never",
        "activeDeadlineSeconds": int(timeout_s) + _GRACE_S,
    }
    if not plan.mutates_pods:
        spec |= {key: template["spec"][key] for key in ("nodeSelector", "tolerations") if key in template["spec"]}
    labels = MARKS | {"run_id": run, "try_number": "1", "airflow_kpo_in_cluster": "True"}
    metadata = {"name": name, "namespace": tenant.namespace, "labels": labels}
    manifest = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}
    return ProbePod(name=name, run=run, manifest=manifest)


def make_refused_probe(tenant: TenantPlan, *, run: str) -> Manifest:
    """Describe a pod that a tenant without launch rights must not be able to create; it would run nothing."""
    container = {"name": BASE, "image": tenant.probe_image or _NO_IMAGE, "command": ["true"]}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": NAME_PREFIX + run, "namespace": tenant.namespace, "labels": MARKS | {"run_id": run}},
        "spec": {"containers": [container], "restartPolicy": "Never", "activeDeadlineSeconds": _GRACE_S},
    }


def _base(tenant: TenantPlan, run: str, template: Manifest) -> Manifest:
    resources = _resources_beside(_sidecar(tenant))
    environment = {"KPO_PROBE_RUN": run, "DNS_NAME": DNS_NAME}
    container = {
        "name": BASE,
        "image": tenant.probe_image,
        "imagePullPolicy": "Always",
        "command": ["sh", "-c"],
        "args": [_SCRIPT.strip()],
        "env": [{"name": name, "value": value} for name, value in environment.items()],
        "resources": {"requests": resources, "limits": resources},
        "volumeMounts": [{"name": "xcom", "mountPath": "/airflow/xcom"}],
    }
    context = template["spec"]["containers"][0].get("securityContext")
    return container | ({"securityContext": context} if context else {})


def _resources_beside(sidecar: Manifest) -> dict[str, str]:
    """Return what the sidecar leaves of one AU, so that the smallest tenant can be proven."""
    limits = sidecar["resources"]["limits"]
    cpu_milli = quantity.AU_CPU_MILLI - quantity.parse_quantity(limits["cpu"]).milli
    memory_bytes = quantity.AU_MEMORY_BYTES - quantity.parse_quantity(limits["memory"]).value
    return {"cpu": quantity.format_cpu(cpu_milli), "memory": quantity.format_bytes(memory_bytes)}


def _sidecar(tenant: TenantPlan) -> Manifest:
    extra = airflow.render_connection(tenant)["extra"]
    container = {
        "name": SIDECAR,
        "image": extra["xcom_sidecar_container_image"],
        "command": ["sh", "-c", 'trap "exit 0" INT; while true; do sleep 1; done;'],
        "resources": json.loads(extra["xcom_sidecar_container_resources"]),
        "volumeMounts": [{"name": "xcom", "mountPath": "/airflow/xcom"}],
    }
    context = extra.get("xcom_sidecar_container_security_context")
    return container | ({"securityContext": json.loads(context)} if context else {})
